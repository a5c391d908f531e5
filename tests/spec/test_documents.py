"""JSON from strangers."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.documents import CAPS, TooRich, read


class ReadTests(SynchronousTestCase):
    """What is read, and what is not."""

    def test_json(self) -> None:
        """As it stands."""
        self.assertEqual(
            read('{"a":[1,-2.5e3,"ü",null]}'.encode()), {"a": [1, -2500.0, "ü", None]}
        )

    def test_members(self) -> None:
        """Whoever asks may see them all."""
        seen: list[Any] = []
        read(b'{"a":1,"a":2}', seen.append)
        self.assertEqual(seen, [[("a", 1), ("a", 2)]])

    def test_too_rich(self) -> None:
        """Counted before anything is parsed, in strings too: 20,000 objects, 20,000
        lists, 100,000 members."""
        self.assertEqual(CAPS, ((b"{", 20_000), (b"[", 20_000), (b",", 100_000)))
        for byte, cap in CAPS:
            self.assertEqual(read(b'"' + byte * cap + b'"'), byte.decode() * cap)
            with self.assertRaises(TooRich) as caught:
                read(b'"' + byte * (cap + 1) + b'"')
            self.assertIn(f"{cap} times {byte.decode()!r}", str(caught.exception))

    def test_no_json(self) -> None:
        """Whatever is wrong is one kind of error."""
        for text in (
            b"",
            b"{",
            b"\xff",
            b"\xef\xbb\xbf{}",
            "{}".encode("utf-16"),
            b"NaN",
            b"[-Infinity]",
            b"[" * 20_000,
            b"[" * 10_000 + b"]" * 10_000,
            b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        ):
            self.assertRaises(ValueError, read, text)

    def test_long_numbers(self) -> None:
        """Longer than any that means something: not read to their ends, for that would
        take time; what is left is too large for everything still."""
        self.assertEqual(read(b"9" * 4_000_000), 10**24 - 1)
        self.assertEqual(read(b"-" + b"9" * 5000), -(10**23 - 1))
        self.assertEqual(read(b"18446744073709551616"), 2**64)
