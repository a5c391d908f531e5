"""Raw requests with bodies: where each ends, and what hides in it or behind it.

Sources: RFC 9112 sections 6 and 7, and the advisories that are named.
"""

from tests.web.raw_row import (
    SMUGGLED,
    After,
    Row,
    Saw,
    get,
    head,
    post,
    refused,
    taken,
    waits,
)

HELLO = Saw("POST", "/up", b"hello")
_NEXT = Saw("GET", "/smuggled")


def _framed(name: str, status: int, *fields: str, version: str = "1.1") -> Row:
    """A body that one of two readers ends before, the other behind a request."""
    start = head("POST", "/up", *fields, version=version)
    return refused(name, start + b"5\r\nhello\r\n0\r\n\r\n" + SMUGGLED, status)


#: Values of Content-Length that are no length. CVE-2022-24801: signs were taken.
BAD_LENGTHS = (
    *("+5", "-5", "-0", "+0", "5,5", "5, 5", "5,6", "5;x", "5 5", "5,", ",5"),
    *("0x5", "0X5", "5h", "5.0", "5e0", "5_0", "5\x0b", "5\x0c", "\x0b5", "five"),
    *("", "\xb2", "\xd9\xa5", "\xa05", '"5"', "5\x00", "5\x1f", "5\x85", "0b1"),
    *("1" * 19, "9" * 100, "0" * 19 + "5", "18446744073709551621", "nan", "~5"),
)

LENGTHS: list[Row] = [
    *(
        refused(
            f"length {text[:24]!r}",
            head("POST", "/up", f"Content-Length: {text}") + b"hello" + SMUGGLED,
        )
        for text in BAD_LENGTHS
    ),
    taken("length", post(b"hello"), HELLO),
    taken("length 005", head("POST", "/up", "Content-Length: 005") + b"hello", HELLO),
    taken("length at once", head("POST", "/up", "Content-Length:5") + b"hello", HELLO),
    taken(
        "length and tabs",
        head("POST", "/up", "content-length:\t5\t ") + b"hello",
        HELLO,
    ),
    taken("length 0", post(b""), Saw("POST", "/up")),
    taken(
        "a body in GET",
        get("/a", "Content-Length: 5") + b"hello",
        HELLO._replace(method="GET", path="/a"),
    ),
    taken(
        "a request in a body",
        post(SMUGGLED) + get("/b"),
        Saw("POST", "/up", SMUGGLED),
        Saw("GET", "/b"),
    ),
    taken(
        "a request in the body of GET",
        get("/a", f"Content-Length: {len(SMUGGLED)}") + SMUGGLED + get("/b"),
        Saw("GET", "/a", SMUGGLED),
        Saw("GET", "/b"),
    ),
    taken(
        "a request in a body that nobody reads",
        post(SMUGGLED, target="/unread") + get("/b"),
        Saw("POST", "/unread"),
        Saw("GET", "/b"),
    ),
    taken(
        "a long body that nobody reads",
        post(SMUGGLED * 1900, target="/unread"),
        Saw("POST", "/unread"),
        after=After.CLOSED,
    ),
    taken("length 0, then a request", post(b"") + SMUGGLED, Saw("POST", "/up"), _NEXT),
    Row(
        "a body behind length 0",
        post(b"") + b"hello\r\n\r\n",
        (200, 400),
        (Saw("POST", "/up"),),
    ),
    Row(
        "a body longer than it says",
        head("POST", "/up", "Content-Length: 3") + b"hello\r\n\r\n" + SMUGGLED,
        (200, 400),
        (Saw("POST", "/up", b"hel"),),
    ),
    Row(
        "a body that eats of the next",
        head("POST", "/up", "Content-Length: 10") + b"hello" + SMUGGLED,
        (200, 400),
        (Saw("POST", "/up", b"helloGET /"),),
    ),
    waits("a body cut short", post(b"hello")[:-1], Saw("POST", "/up", b"hell", False)),
    waits("a body not begun", post(b"hello")[:-5], Saw("POST", "/up", b"", False)),
    waits(
        "the longest length",
        head("POST", "/up", "Content-Length: 999999999999999999") + SMUGGLED,
        Saw("POST", "/up", SMUGGLED, False),
    ),
    waits(
        "a whole one, and one cut short",
        post(b"hello") + post(b"hello")[:-1],
        HELLO,
        Saw("POST", "/up", b"hell", False),
    ),
    # CVE-2020-10108: of two lengths the first was forgotten.
    _framed("CVE-2020-10108", 400, "Content-Length: 0", "Content-Length: 15"),
    _framed("two lengths, equal", 400, "Content-Length: 15", "Content-Length: 15"),
    _framed(
        "two lengths, named unlike", 400, "Content-Length: 15", "CONTENT-LENGTH: 0"
    ),
    _framed(
        "two lengths, one padded", 400, "Content-Length: 15", "Content-Length: 015"
    ),
    _framed("three lengths", 400, *["Content-Length: 15"] * 3),
    _framed("a length and none", 400, "Content-Length: 15", "Content-Length:"),
    _framed("two lengths in HTTP/1.0", 400, *["Content-Length: 15"] * 2, version="1.0"),
    taken(
        "two lengths, one with an underscore",
        head("POST", "/up", "Content_Length: 40", "Content-Length: 5") + b"hello",
        HELLO,
    ),
]

#: Values of Transfer-Encoding that are not the one coding, with their statuses.
BAD_CODINGS = (
    *((text, 501) for text in ("identity", "gzip", "deflate", "compress", "trailers")),
    *((text, 501) for text in ("xchunked", "chunkedx", "chunke", "chunkedchunked")),
    *((text, 501) for text in ("chunked, chunked", "chunked,chunked", "chunked,")),
    *((text, 501) for text in (", chunked", "gzip, chunked", "chunked, gzip")),
    *((text, 501) for text in ("identity, chunked", "chunked, identity", "x,chunked")),
    *((text, 501) for text in ("chunked;q=1", "chunked;", '"chunked"', "'chunked'")),
    *((text, 501) for text in ("chunked chunked", "chunk ed", "", "cow", "0")),
    *((text, 501) for text in ("chunk\xe9d", "chun\xe2\x84\xaaed", "\xa0chunked")),
    *((text, 400) for text in ("\x0bchunked", "chunked\x0c", "chunked\x00")),
    *((text, 400) for text in ("\x00chunked", "chunked\r", "\rchunked", "chunked\n")),
    *((text, 400) for text in ("\r\n chunked", "\r\n\tchunked", "chunked\r\n x")),
    *((text, 400) for text in ("chunked\nContent-Length: 0", "chunked\rX: y")),
)

CODINGS: list[Row] = [
    *(
        _framed(f"coding {text!r}", status, f"Transfer-Encoding: {text}")
        for text, status in BAD_CODINGS
    ),
    # CVE-2020-10109: a length beside the coding was taken.
    _framed("CVE-2020-10109", 400, "Content-Length: 15", "Transfer-Encoding: chunked"),
    _framed("CL.TE", 400, "Content-Length: 4", "Transfer-Encoding: chunked"),
    _framed("TE.CL", 400, "Transfer-Encoding: chunked", "Content-Length: 4"),
    _framed("TE and CL 0", 400, "Transfer-Encoding: chunked", "Content-Length: 0"),
    _framed("identity and CL", 501, "Transfer-Encoding: identity", "Content-Length: 5"),
    _framed(
        "CL, CL, TE", 400, *["Content-Length: 4"] * 2, "Transfer-Encoding: chunked"
    ),
    _framed("TE.TE twice", 400, *["Transfer-Encoding: chunked"] * 2),
    _framed(
        "TE.TE unlike", 400, "Transfer-Encoding: chunked", "transfer-encoding: CHUNKED"
    ),
    *(
        _framed(
            f"TE.TE {one}, {two}",
            501,
            *(f"Transfer-Encoding: {text}" for text in (one, two)),
        )
        for one, two in (
            ("chunked", "identity"),
            ("identity", "chunked"),
            ("chunked", "cow"),
            ("x", "chunked"),
            ("gzip", "chunked"),
            ("chunked", ""),
        )
    ),
    *(
        _framed(f"coding by {field!r}", 400, field, "Content-Length: 4")
        for field in (
            "Transfer-Encoding : chunked",
            "Transfer-Encoding\t: chunked",
            " Transfer-Encoding: chunked",
            "\tTransfer-Encoding: chunked",
            "Transfer-Encoding\x00: chunked",
            "Transfer-Encoding\x0b: chunked",
            "\x0bTransfer-Encoding: chunked",
            "Transfer-Encoding",
            "Transfer-Encoding chunked",
            "Transfer Encoding: chunked",
            "Transfer-Encoding\r: chunked",
            "Transfer-Encoding\r\n : chunked",
            "X: y\r\n Transfer-Encoding: chunked",
            "X: y\rTransfer-Encoding: chunked",
            "X: y\nTransfer-Encoding: chunked",
            "X: y\r\r\nTransfer-Encoding: chunked",
            "X: y\n\rTransfer-Encoding: chunked",
            "Transfer-Enc\xf6ding: chunked",
            "Content-Length : 15",
            "Content-Length\r\n : 15",
        )
    ),
    _framed("a coding in HTTP/1.0", 400, "Transfer-Encoding: chunked", version="1.0"),
    _framed(
        "a coding in HTTP/1.0 that stays",
        400,
        "Connection: keep-alive",
        "Transfer-Encoding: chunked",
        version="1.0",
    ),
    taken(
        "a coding with an underscore",
        head("POST", "/up", "Transfer_Encoding: chunked", "Content-Length: 5")
        + b"hello",
        HELLO,
    ),
    *(
        taken(
            f"coding {text!r}",
            head("POST", "/up", f"Transfer-Encoding:{text}")
            + b"5\r\nhello\r\n0\r\n\r\n",
            HELLO,
        )
        for text in ("chunked", " CHUNKED", " cHuNkEd", "\t chunked \t")
    ),
    taken(
        "HTTP/1.0 with a length",
        head("POST", "/up", "Content-Length: 5", version="1.0") + b"hello" + SMUGGLED,
        HELLO,
        after=After.CLOSED,
    ),
]
