"""Opening a connector whose port is taken."""

import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.protocol import Factory
from twisted.trial.unittest import TestCase

from pullthrough.ops.ports import PortError, open_port


class Holder:
    """Has a port, and gives it back after some looks.

    :ivar looks: how often somebody has waited for it.
    """

    def __init__(self, patience: int) -> None:
        self._wire = socket.create_server(("127.0.0.1", 0))
        self._patience = patience
        port = self._wire.getsockname()[1]
        self.description = f"tcp:{port}:interface=127.0.0.1"
        self.looks = 0

    def wait(self, seconds: float) -> None:
        """Stands for :func:`time.sleep`."""
        self.looks += 1
        if self.looks == self._patience:
            self.close()

    def close(self) -> None:
        """Give it back."""
        self._wire.close()


class PatienceTests(TestCase):
    """How long one that is taken is waited for."""

    def open(self, holder: Holder, tries: int, free: bool = False) -> None:
        """Try it so often."""
        port: Any = open_port(
            reactor, holder.description, Factory(), free, tries, holder.wait
        )
        self.addCleanup(port.stopListening)

    def test_a_port_that_becomes_free(self) -> None:
        """Until then."""
        holder = Holder(3)
        self.open(holder, tries=5)
        self.assertEqual(holder.looks, 3)

    def test_a_port_that_does_not(self) -> None:
        """So often, and no longer."""
        for tries in (1, 5):
            holder = Holder(100)
            self.addCleanup(holder.close)
            with self.assertRaises(PortError) as raised:
                self.open(holder, tries)
            self.assertIn("Address already in use", str(raised.exception))
            self.assertEqual(holder.looks, tries - 1)

    def test_what_is_no_matter_of_time(self) -> None:
        """It is told at once; and where any other port will do, that is taken."""
        holder = Holder(100)
        self.addCleanup(holder.close)
        self.open(holder, 5, free=True)
        holder.description = "tcp:1:interface=192.0.2.1"
        self.assertRaises(PortError, self.open, holder, 5)
        self.assertEqual(holder.looks, 0)
