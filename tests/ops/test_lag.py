"""The probe of the event loop."""

from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.ops.lag import INTERVAL, LagProbe


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
