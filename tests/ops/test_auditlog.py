"""The audit log."""

import json
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.audit import AuditEvent
from pullthrough.errors import StorageOutage
from pullthrough.ops.auditlog import AuditLog


class AuditLogTests(SynchronousTestCase):
    """One line for each event."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "audit.jsonl"
        self.log = AuditLog(self.path, lambda: 1_800_000_000.5)

    def test_a_line(self) -> None:
        """Time, and what there is to tell; nothing that a client sends begins another
        line, and none is without end."""
        self.log(AuditEvent("push", principal="alice", image="team/app", digest="x:1"))
        self.log(AuditEvent("login", "refused\n{}", principal='a"\u2028\r\n' * 1000))
        first, second = self.path.read_text().splitlines()
        self.assertEqual(
            json.loads(first),
            {
                "at": "2027-01-15T08:00:00.500+00:00",
                "action": "push",
                "outcome": "done",
                "principal": "alice",
                "image": "team/app",
                "digest": "x:1",
            },
        )
        self.assertEqual(json.loads(second)["outcome"], "refused\n{}")
        self.assertLess(len(second), 4096)

    def test_private(self) -> None:
        """Only the owner reads it; what was there is kept; it may be moved away."""
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.log(AuditEvent("reload"))
        AuditLog(self.path, lambda: 0.0)(AuditEvent("reload"))
        self.assertEqual(len(self.path.read_text().splitlines()), 2)
        self.path.rename(self.path.with_suffix(".1"))
        self.log(AuditEvent("reload"))
        self.assertEqual(len(self.path.read_text().splitlines()), 1)

    def test_what_cannot_be_kept(self) -> None:
        """It is an outage, by name."""
        self.path.unlink()
        self.path.mkdir()
        self.assertRaises(StorageOutage, self.log, AuditEvent("push"))
