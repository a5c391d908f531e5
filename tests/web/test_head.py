"""Request heads and chunked bodies: what is taken, and what is refused."""

import h11
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.web.chunked import ChunkedDecoder, ChunkError
from pullthrough.web.framing import Framing
from pullthrough.web.head import Head, Refusal, parse_head
from tests.support.fields import coded, gathered
from tests.web.corpus import CORPUS, OK


def parse(text: str) -> Head | Refusal:
    """Parse a head of the corpus."""
    return parse_head(text.encode("latin-1"))


class CorpusTests(SynchronousTestCase):
    """The corpus."""

    def test_every_head(self) -> None:
        """Each is taken or refused with its status."""
        self.assertGreater(len(CORPUS), 150)
        for text, status in CORPUS:
            found = parse(text)
            got = found.status if isinstance(found, Refusal) else OK
            self.assertEqual(got, status, repr(text))

    def test_what_we_take_another_reader_takes_alike(self) -> None:
        """Whatever is taken, h11 takes too, with the same framing and headers."""
        for text, status in CORPUS:
            if status != OK:
                continue
            head = parse(text)
            assert isinstance(head, Head)
            oracle = h11.Connection(h11.SERVER)
            oracle.receive_data(text.encode("latin-1") + b"\r\n\r\n")
            event = oracle.next_event()
            assert isinstance(event, h11.Request), text
            self.assertEqual(event.method.decode(), head.method)
            theirs = gathered(
                (name.decode(), value.decode("latin-1"))
                for name, value in event.headers
            )
            self.assertEqual(coded(head.fields.items()), theirs, text)

    def test_the_values(self) -> None:
        """Method, path, query, headers and framing of a whole head."""
        head = parse(
            "PUT /v2/a/blobs/uploads/x?digest=sha256%3Aab HTTP/1.1\r\n"
            "Host: registry.test:5000\r\nContent-Length: 12\r\n"
            "X_Dropped: y\r\nAccept: a\r\naccept: b\r\n"
            "Expect: 100-continue\r\nConnection: close"
        )
        assert isinstance(head, Head)
        self.assertEqual(head.path, "/v2/a/blobs/uploads/x")
        self.assertEqual(head.query, "digest=sha256%3Aab")
        self.assertEqual((head.length, head.keep_alive), (12, False))
        self.assertTrue(head.expects_continue)
        self.assertEqual(head.get("host"), "registry.test:5000")
        self.assertEqual(head.get("x_dropped", "none"), "none")
        self.assertEqual(head.all("accept"), ("a", "b"))

    def test_the_path_is_decoded_once(self) -> None:
        """A router never sees an escape."""
        head = parse("GET /v2/a/blobs/sha256%3Aab HTTP/1.1\r\nHost: a")
        assert isinstance(head, Head)
        self.assertEqual(head.path, "/v2/a/blobs/sha256:ab")

    def test_http_1_0(self) -> None:
        """It closes, and its expectation is nothing."""
        head = parse("POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue")
        assert isinstance(head, Head)
        self.assertFalse(head.keep_alive)
        self.assertFalse(head.expects_continue)

    @given(st.binary(max_size=200))
    def test_any_bytes(self, data: bytes) -> None:
        """No bytes break it."""
        self.assertIsInstance(parse_head(data), Head | Refusal)


def decode(data: bytes, step: int) -> tuple[bytes, bytes, bool]:
    """Decode in pieces of ``step`` bytes: body, rest, whether it ended."""
    decoder = ChunkedDecoder()
    body, rest = b"", b""
    for start in range(0, len(data), step):
        if decoder.done:
            rest += data[start : start + step]
            continue
        pieces, more = decoder.feed(data[start : start + step])
        body += b"".join(pieces)
        rest += more
    return body, rest, decoder.done


class ChunkedTests(SynchronousTestCase):
    """The chunked transfer coding."""

    def test_however_it_is_cut(self) -> None:
        """The same body for every size of segment, and the bytes behind it."""
        data = b"5\r\nhello\r\n00A\r\n, world!!!\r\n0\r\n\r\nGET / HTTP/1.1"
        for step in range(1, len(data) + 1):
            self.assertEqual(
                decode(data, step), (b"hello, world!!!", b"GET / HTTP/1.1", True)
            )

    def test_refused(self) -> None:
        """Whatever two readers could read differently."""
        for data in (
            b"5;x=y\r\nhello\r\n0\r\n\r\n",
            b"5 \r\nhello\r\n",
            b" 5\r\nhello\r\n",
            b"+5\r\nhello\r\n",
            b"-5\r\nhello\r\n",
            b"0x5\r\nhello\r\n",
            b"5_0\r\nhello\r\n",
            b"\r\nhello\r\n",
            b"g\r\n",
            b"5\nhello\n0\n\n\r\n",
            b"5\r\nhelloX\r\n0\r\n\r\n",
            b"5\r\nhello0\r\n\r\n",
            b"0\r\nTrailer: x\r\n\r\n",
            b"1" * 16 + b"\r\n",
            b"1" * 40,
        ):
            for step in (1, 3, len(data)):
                self.assertRaises(ChunkError, decode, data, step)

    def test_framing_by_length(self) -> None:
        """Exactly so many bytes, and those behind."""
        framing = Framing(5)
        self.assertEqual(framing.feed(b"hel"), ([b"hel"], b""))
        self.assertFalse(framing.ended)
        self.assertEqual(framing.feed(b"lo, wor"), ([b"lo"], b", wor"))
        self.assertTrue(framing.ended)
        self.assertEqual(framing.received, 5)

    @given(st.lists(st.binary(min_size=1, max_size=50)), st.integers(1, 20))
    def test_any_body(self, pieces: list[bytes], step: int) -> None:
        """What was coded is decoded."""
        coded = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces)
        found = decode(coded + b"0\r\n\r\n", step)
        self.assertEqual(found, (b"".join(pieces), b"", True))
