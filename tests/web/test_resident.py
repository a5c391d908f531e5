"""What of a file lies in memory."""

import os
import tempfile

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.web import resident


class ResidentTests(SynchronousTestCase):
    """A file, and what is none."""

    def test_of_a_file(self) -> None:
        """What was just written is in memory."""
        with tempfile.TemporaryFile() as file:
            file.write(bytes(range(250)) * 40)
            file.flush()
            number = file.fileno()
            self.assertTrue(resident.in_memory(number, 0, 10_000))
            self.assertEqual(bytes(resident.read(number, 251, 3)), b"\1\2\3")
            self.assertEqual(bytes(resident.read(number, 9_999, 3)), b"\xf9")
            self.assertEqual(bytes(resident.read(number, 10_000, 3)), b"")

    def test_not_too_much(self) -> None:
        """A piece at most."""
        with tempfile.TemporaryFile() as file:
            file.write(b"x" * (resident.MOST + 1))
            file.flush()
            found = resident.read(file.fileno(), 0, resident.MOST + 1)
            self.assertEqual(len(found), resident.MOST)

    def test_what_cannot_tell(self) -> None:
        """It is taken for not in memory."""
        ours, theirs = os.pipe()
        self.addCleanup(os.close, ours)
        self.addCleanup(os.close, theirs)
        self.assertFalse(resident.in_memory(ours, 0, 1))
        self.assertEqual(bytes(resident.read(ours, 0, 1)), b"")
        self.patch(resident, "CAN_TELL", False)
        with tempfile.TemporaryFile() as file:
            file.write(b"x")
            file.flush()
            self.assertEqual(bytes(resident.read(file.fileno(), 0, 1)), b"")
