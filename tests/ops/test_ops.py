"""The access log, and what systemd is told."""

import socket
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.accessline import AccessLine
from pullthrough.ops.accesslog import clean, text_of
from pullthrough.ops.notify import Supervisor


class AccessLogTests(SynchronousTestCase):
    """One line for each request."""

    def test_a_line(self) -> None:
        """Who asked what, who answered, and how; nothing breaks out of it."""
        text = text_of(
            AccessLine(
                peer="192.0.2.7",
                principal="",
                repository="all",
                method="GET",
                path='/v2/"\n',
                status=200,
                sent=12,
                seconds=0.0123,
                member="own",
                source="hit",
                agent="docker/1\r\nforged line \u202e",
            ),
            "192.0.2.7",
        )
        self.assertEqual(
            text,
            '192.0.2.7 - all "GET /v2/\\x22\\x0a" 200 12 0.012 own hit'
            ' "docker/1\\x0d\\x0aforged line \\x202e"',
        )

    def test_long_texts_are_cut(self) -> None:
        """A line has an end."""
        self.assertEqual(len(clean("x" * 10_000)), 512)


class SupervisorTests(SynchronousTestCase):
    """sd_notify."""

    def test_words(self) -> None:
        """One datagram; an abstract address as well; half the watchdog's time."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = str(Path(folder.name) / "notify")
        for address, bound in ((path, path), ("@pt-test", "\0pt-test")):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
                receiver.bind(bound)
                environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000"}
                supervisor = Supervisor(environ)
                self.assertEqual(supervisor.interval, 15.0)
                supervisor.tell("READY=1", "STATUS=x")
                self.assertEqual(receiver.recv(100), b"READY=1\nSTATUS=x")

    def test_nobody_listens(self) -> None:
        """Then nothing is said, and nothing fails, also when somebody has left."""
        supervisor = Supervisor({})
        self.assertEqual(supervisor.interval, 0.0)
        supervisor.tell("READY=1")
        Supervisor({"NOTIFY_SOCKET": "/nowhere/notify"}).tell("STOPPING=1")
