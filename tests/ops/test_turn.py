"""The lean turn does what the stock one does."""

import socket
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.selectreactor import SelectReactor
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.ops.turn import make_lean


class End:
    """A descriptor of the reactor's: one end of a pair of sockets."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self.read: list[bytes] = []
        self.written = 0
        self.lost: list[Failure] = []
        self.fault: Exception | None = None
        self.on_read: Any = lambda: None

    def fileno(self) -> int:
        """The socket's."""
        return self.end.fileno()

    def logPrefix(self) -> str:
        """For the stock turn."""
        return "end"

    def doRead(self) -> Exception | None:
        """Read once."""
        if self.fault is not None:
            raise self.fault
        self.read.append(self.end.recv(100))
        self.on_read()
        return None

    def doWrite(self) -> Exception | None:
        """Write once."""
        self.written += 1
        return None

    def connectionLost(self, reason: Failure) -> None:
        """The reactor has dropped it."""
        self.lost.append(reason)


class TurnTests(SynchronousTestCase):
    """Each on a reactor of its own, which is turned by hand."""

    def setUp(self) -> None:
        self.reactor: Any = EPollReactor()
        self.addCleanup(self.close)
        self.assertTrue(make_lean(self.reactor))
        self.assertIsNot(type(self.reactor).doIteration, self.reactor.doIteration)

    def close(self) -> None:
        """Its descriptors are not the test run's."""
        self.reactor.removeAll()
        for reader in tuple(self.reactor._internalReaders):
            self.reactor._internalReaders.discard(reader)
            reader.connectionLost(None)
        self.reactor._poller.close()

    def pair(self) -> tuple[End, socket.socket]:
        """An end in the reactor, and the other one."""
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        end = End(ours)
        self.reactor.addReader(end)
        self.addCleanup(self.reactor.removeReader, end)
        self.addCleanup(self.reactor.removeWriter, end)
        return end, theirs

    def test_reading_and_writing(self) -> None:
        """Whoever is ready is called, once a turn."""
        end, theirs = self.pair()
        self.reactor.doIteration(0)
        self.assertEqual((end.read, end.written), ([], 0))
        theirs.send(b"x")
        self.reactor.addWriter(end)
        self.reactor.doIteration(None)
        self.assertEqual((end.read, end.written), ([b"x"], 1))
        self.reactor.removeWriter(end)
        self.reactor.doIteration(0)
        self.assertEqual((end.read, end.written), ([b"x"], 1))

    def test_the_peer_leaves(self) -> None:
        """What it has sent is read first; then the end is dropped."""
        end, theirs = self.pair()
        theirs.send(b"last")
        theirs.close()
        self.reactor.doIteration(0)
        self.assertEqual(end.read, [b"last"])
        for _ in range(3):
            self.reactor.doIteration(0)
            if end.lost:
                break
            self.reactor.removeReader(end)
            self.reactor.addWriter(end)
        self.assertEqual(len(end.lost), 1)

    def test_a_fault(self) -> None:
        """It is logged, its descriptor dropped, and the others go on."""
        bad, to_bad = self.pair()
        good, to_good = self.pair()
        bad.fault = ZeroDivisionError("a bug")
        to_bad.send(b"x")
        to_good.send(b"y")
        self.reactor.doIteration(0)
        self.assertEqual(good.read, [b"y"])
        (reason,) = bad.lost
        self.assertIsInstance(reason.value, ZeroDivisionError)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_one_ends_another(self) -> None:
        """Who was removed in this turn is not called any more."""
        first, to_first = self.pair()
        second, to_second = self.pair()
        first.on_read = lambda: self.reactor.removeReader(second)
        second.on_read = lambda: self.reactor.removeReader(first)
        to_first.send(b"x")
        to_second.send(b"y")
        self.reactor.doIteration(0)
        self.assertEqual(len(first.read) + len(second.read), 1)

    def test_another_reactor(self) -> None:
        """It stays as it is."""
        other: Any = SelectReactor()
        self.addCleanup(other.removeAll)
        self.assertFalse(make_lean(other))
        self.assertNotIn("doIteration", vars(other))
