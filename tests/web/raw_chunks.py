"""Raw requests in chunks (RFC 9112 section 7.1)."""

from tests.web.raw_row import SMUGGLED, After, Row, Saw, chunked, get, taken, waits

HELLO = Saw("POST", "/up", b"hello")
_PARTIAL = Saw("POST", "/up", b"hello", False)


def _bad(name: str, body: bytes, written: bytes = b"hello") -> Row:
    """The application has the head; then the coding breaks.

    :param written: the most of it that may have reached the application.
    """
    return Row(
        f"chunks: {name}",
        chunked(body + SMUGGLED),
        (400,),
        (Saw("POST", "/up", written, False),),
    )


def _good(name: str, body: bytes, content: bytes) -> Row:
    """All of it, and the request behind it."""
    return taken(
        f"chunks: {name}",
        chunked(body) + get("/b"),
        Saw("POST", "/up", content),
        Saw("GET", "/b"),
    )


#: Chunk sizes that are none. CVE-2022-24801: 0x, signs and white space were taken,
#: and any bytes in extensions.
BAD_SIZES = (
    *("5;", "5;x", "5;x=y", "5; x=y", '5;x="y"', "5 ;x", "5;\x00", "5;x\ny", "5;\r"),
    *("5 ", " 5", "\t5", "5\t", "5\x0b", "\x0c5", "5\x00", "\x005", "5\r", "\r5"),
    *("+5", "-5", "-0", "+0", "0x5", "0X5", "5h", "5_0", "5.0", "5,", "5:", "$5"),
    *("g", "", "five", "\xb2", "\xd9\xa5", "5\n", "\n5", "5 5", "0 ", "-", "~"),
    *("0" * 15 + "5", "f" * 16, "e" * 17, "8" + "0" * 15, "0" * 5000, "5" * 16),
)

CHUNKS: list[Row] = [
    *(
        _bad(f"size {size[:16]!r}", size.encode("latin-1") + b"\r\nhello\r\n0\r\n\r\n")
        for size in BAD_SIZES
    ),
    _bad("size with a bare LF", b"5\nhello\n0\n\n"),
    _bad("size with a bare CR", b"5\rhello\r0\r\r"),
    _bad("one byte too many", b"5\r\nhelloX\r\n0\r\n\r\n"),
    _bad("no end of the data", b"5\r\nhello0\r\n\r\n"),
    _bad("LF behind the data", b"5\r\nhello\n0\r\n\r\n"),
    _bad("CR behind the data", b"5\r\nhello\r0\r\n\r\n"),
    _bad("LF CR behind the data", b"5\r\nhello\n\r0\r\n\r\n"),
    _bad("an empty line too many", b"5\r\nhello\r\n\r\n0\r\n\r\n"),
    _bad("one byte too few", b"6\r\nhello\r\n0\r\n\r\n", b"hello\r"),
    _bad("the second is bad", b"5\r\nhello\r\nz\r\n"),
    _bad("the second has an extension", b"5\r\nhello\r\n1;x\r\n!\r\n0\r\n\r\n"),
    _bad("the last has an extension", b"5\r\nhello\r\n0;x\r\n\r\n"),
    _bad("the last ends with LF", b"5\r\nhello\r\n0\n\n"),
    _bad("the last ends with CR LF, LF", b"5\r\nhello\r\n0\r\n\n"),
    _bad("a trailer", b"5\r\nhello\r\n0\r\nX: y\r\n\r\n"),
    _bad("a length as trailer", b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"),
    _bad("a coding as trailer", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", b""),
    _bad("a host as trailer", b"0\r\nHost: b\r\n\r\n", b""),
    _bad("a folded trailer", b"0\r\nX: y\r\n z\r\n\r\n", b""),
    _bad("a trailer of white space", b"0\r\n \r\n\r\n", b""),
    _bad("a trailer without a colon", b"0\r\nX\r\n\r\n", b""),
    _bad("a request as trailer", b"0\r\n", b""),
    _bad("no last chunk", b"5\r\nhello\r\n"),
    _bad("data where a size should be", b"hello"),
    _good("one", b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    _good("two", b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello"),
    _good("of one byte", b"1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", b"hi"),
    _good("none", b"0\r\n\r\n", b""),
    _good("many zeros", b"000000000000000\r\n\r\n", b""),
    _good("a padded size", b"000000000000005\r\nhello\r\n0\r\n\r\n", b"hello"),
    _good("a size in capitals", b"00A\r\nhello, you\r\n0\r\n\r\n", b"hello, you"),
    _good("a small size", b"a\r\nhello, you\r\n0\r\n\r\n", b"hello, you"),
    _good("line ends inside", b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
    _good("an end inside", b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", b"0\r\n\r\n"),
    _good(
        "a request inside",
        b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED),
        SMUGGLED,
    ),
    _good("16 KiB", b"4000\r\n" + b"x" * 0x4000 + b"\r\n0\r\n\r\n", b"x" * 0x4000),
    taken(
        "chunks: a request behind",
        chunked(b"5\r\nhello\r\n0\r\n\r\n") + SMUGGLED,
        HELLO,
        Saw("GET", "/smuggled"),
    ),
    taken(
        "chunks: two requests of them",
        chunked(b"5\r\nhello\r\n0\r\n\r\n") * 2,
        HELLO,
        HELLO,
    ),
    taken(
        "chunks: in GET",
        get("/a", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n",
        Saw("GET", "/a", b"hello"),
    ),
    taken(
        "chunks: nobody reads them",
        chunked(b"%x\r\n%b\r\n" % (len(SMUGGLED), SMUGGLED), target="/unread")
        + b"0\r\n\r\n"
        + SMUGGLED,
        Saw("POST", "/unread"),
        after=After.CLOSED,
    ),
    Row(
        "chunks: two ends",
        chunked(b"0\r\n\r\n0\r\n\r\n") + SMUGGLED,
        (200, 400),
        (Saw("POST", "/up"),),
    ),
    Row(
        "chunks: garbage behind the end",
        chunked(b"5\r\nhello\r\n0\r\n\r\nX\r\n\r\n") + SMUGGLED,
        (200, 400),
        (HELLO,),
    ),
    waits("chunks: none yet", chunked(b""), _PARTIAL._replace(body=b"")),
    waits("chunks: a size cut", chunked(b"5"), _PARTIAL._replace(body=b"")),
    waits("chunks: a size and CR", chunked(b"5\r"), _PARTIAL._replace(body=b"")),
    waits(
        "chunks: cut in the data", chunked(b"5\r\nhel"), _PARTIAL._replace(body=b"hel")
    ),
    waits("chunks: cut behind the data", chunked(b"5\r\nhello"), _PARTIAL),
    waits("chunks: cut in a line end", chunked(b"5\r\nhello\r"), _PARTIAL),
    waits("chunks: cut behind a chunk", chunked(b"5\r\nhello\r\n"), _PARTIAL),
    waits("chunks: cut in the last", chunked(b"5\r\nhello\r\n0"), _PARTIAL),
    waits("chunks: cut behind the last", chunked(b"5\r\nhello\r\n0\r\n"), _PARTIAL),
    waits("chunks: cut before the end", chunked(b"5\r\nhello\r\n0\r\n\r"), _PARTIAL),
    waits(
        "chunks: the largest size",
        chunked(b"f" * 15 + b"\r\n" + SMUGGLED),
        _PARTIAL._replace(body=SMUGGLED),
    ),
]
