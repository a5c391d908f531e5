"""The probe of the event loop."""

from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.ops.lag import INTERVAL, PARTS, LagProbe


class LagTests(SynchronousTestCase):
    """How late it is."""

    def test_late(self) -> None:
        """Each look tells by how much; what is long is logged, once a minute."""
        clock, seen, lines = Clock(), [], []
        probe = LagProbe(clock, seen.append)

        def keep(event: object) -> None:
            lines.append(event)

        globalLogPublisher.addObserver(keep)  # type: ignore[arg-type]
        self.addCleanup(globalLogPublisher.removeObserver, keep)
        probe.start()
        clock.advance(INTERVAL)
        for late in (0.05, 0.3, 0.4):
            clock.advance(INTERVAL + late)
        self.assertEqual([round(one, 6) for one in seen], [0.0, 0.05, 0.3, 0.4])
        self.assertEqual(len(lines), 1)
        probe.stop()
        probe.stop()
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_the_longest(self) -> None:
        """It is told for five minutes, and no longer; less is told beside it."""
        clock = Clock()
        probe = LagProbe(clock, lambda late: None)
        probe.start()
        self.assertEqual(probe.longest, 0.0)
        clock.advance(INTERVAL + 0.3)
        clock.advance(INTERVAL + 0.1)
        for _ in range(4):
            clock.pump([INTERVAL] * round(60 / INTERVAL))
            self.assertAlmostEqual(probe.longest, 0.3)
        clock.pump([INTERVAL] * round(60 / INTERVAL))
        clock.advance(INTERVAL + 0.2)
        self.assertAlmostEqual(probe.longest, 0.2)
        self.assertLessEqual(len(probe._parts), PARTS + 1)
        probe.stop()
