"""Raw responses of an upstream that are decided by their heads."""

from tests.upstream.raw_row import (
    CHUNKED,
    CONTENT,
    LENGTH,
    SIZE,
    UNASKED,
    Outcome,
    Row,
    answer,
    chunk,
    coded,
    refused,
    taken,
)

GOOD_STATUS = (
    *("HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.1 200", "HTTP/1.1 200 Fine by me"),
    *("HTTP/1.0 200 OK", "HTTP/1.1 200 \xe4", "HTTP/1.1 200 a\tb", "HTTP/1.1 200  "),
)

BAD_STATUS = (
    *("", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 OK", "HTTP/1.1  200 OK", "200 OK", "OK"),
    *("HTTP/1.1 +200 OK", "HTTP/1.1 -200 OK", "HTTP/1.1 2_00 OK", "HTTP/1.1 0200 OK"),
    *("HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 200.0 OK", "HTTP/1.1 0xc8 OK"),
    *("HTTP/1.1 \xb2\xb2\xb2 OK", "HTTP/1.1 099 OK", "HTTP/1.1 000 OK", "HTTP/1.1 20O"),
    *(
        "HTTP/2 200",
        "HTTP/2.0 200 OK",
        "HTTP/1.2 200 OK",
        "HTTP/0.9 200 OK",
        "HTTP/1 200",
    ),
    *("HTTP/1.10 200 OK", "HTTP/01.1 200 OK", "HTTP/+1.1 200 OK", "HTTP/1.1.1 200 OK"),
    *(
        "http/1.1 200 OK",
        "HTTPS/1.1 200 OK",
        "FTP/1.1 200 OK",
        "ICY 200 OK",
        "SSH-2.0-x",
    ),
    *(
        " HTTP/1.1 200 OK",
        "\tHTTP/1.1 200 OK",
        "HTTP/1.1\t200\tOK",
        "\xef\xbb\xbfHTTP/1.1 200",
    ),
    *(
        "HTTP/1.1 200 O\x00K",
        "HTTP/1.1 200 O\x1bK",
        "HTTP/1.1 200 OK\x7f",
        "HTTP/1.1 200OK",
    ),
    *("HTTP/1.1 200 OK\rX: y", "HTTP/1.1 200 OK\nX: y", "\nHTTP/1.1 200 OK", "<html>"),
    *("\r\nHTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\n X", "HTTP/1.1 200 OK\r"),
)

STATUS: list[Row] = [
    *(taken(f"status {text!r}", answer(LENGTH, status=text)) for text in GOOD_STATUS),
    *(refused(f"status {text!r}", answer(LENGTH, status=text)) for text in BAD_STATUS),
    refused("nothing", b"", closes=True),
    refused("a line", b"HTTP/1.1 200 OK\r\n", closes=True),
    refused("half a head", answer(LENGTH)[:60], closes=True),
    refused("a head but for its last byte", answer(LENGTH, body=b"")[:-1], closes=True),
    refused("HTTP/0.9", CONTENT, closes=True),
    Row("silence", b"", Outcome.LATE),
    Row("half a head, then silence", answer(LENGTH)[:60], Outcome.LATE),
]

GOOD_FIELDS = (
    *("X:", "X: ", "X:a", "X: a:b", "X: \t a \t", "X: \xe4\xff", "X_Y: z", "X: a\tb"),
    *("!#$%&'*+-.^_`|~: a", "Set-Cookie: a=b", "Connection: close", "Keep-Alive: x"),
    *("Connection: Keep-Alive", "X: " + "a" * 16_000, "Content-Length-X: 5", "TE: x"),
)

BAD_FIELDS = (
    *(
        "X",
        ": a",
        "X : a",
        "X\t: a",
        " X: a",
        "\tX: a",
        "X: a\r\n b",
        "X: a\r\n\tb",
        " ",
    ),
    *("X\x00: a", "X: a\x00", "X: \x01", "X: \x7f", "X: \x1b[2J", "X: a\x0b", "X Y: a"),
    *(
        "X: a\rb",
        "X: a\nb",
        "X: a\n",
        "X: a\r",
        "X: a\n\n",
        "X: a\r\r\nY: b",
        "\xe4: a",
    ),
    *("(X): a", "X: a\nSet-Cookie: b=c", ":status: 200", "X: a\x0c"),
)

FIELDS: list[Row] = [
    *(taken(f"field {text[:30]!r}", answer(LENGTH, text)) for text in GOOD_FIELDS),
    *(refused(f"field {text!r}", answer(text, LENGTH)) for text in BAD_FIELDS),
    *(
        refused(f"framed by {field!r}", answer(field), closes=True)
        for field in (
            f"Content-Length : {SIZE}",
            f" Content-Length: {SIZE}",
            f"X: y\r\n Content-Length: {SIZE}",
            f"Content-Length:\r\n {SIZE}",
            f"X: y\nContent-Length: {SIZE}",
            f"X: y\rContent-Length: {SIZE}",
            f"Content-Length\x00: {SIZE}",
            f"Content Length: {SIZE}",
        )
    ),
    refused("only LF", answer(LENGTH).replace(b"\r\n", b"\n")),
    refused("only LF, and CL.TE", answer(LENGTH, CHUNKED).replace(b"\r\n", b"\n")),
    refused("only CR", answer(LENGTH).replace(b"\r\n", b"\r")),
    refused("LF at the end", answer(LENGTH, body=b"")[:-2] + b"\n" + CONTENT),
    refused("LF CR LF at the end", answer(LENGTH, body=b"")[:-4] + b"\n\r\n" + CONTENT),
]

#: The largest head; Twisted takes no line of more than 16 KiB.
_LINES = ["X: " + "a" * 16_000] * 4
_ROOM = 64 * 1024 - len(answer(LENGTH, *_LINES, "X: ", body=b""))
_LARGEST = answer(LENGTH, *_LINES, "X: " + "a" * _ROOM)

SIZES: list[Row] = [
    taken("the largest head", _LARGEST),
    refused("a head too large", answer(LENGTH, *_LINES, "X: " + "a" * (_ROOM + 1))),
    refused("a line too long", answer(LENGTH, "X: " + "a" * 17_000)),
    taken("1,000 headers", answer(LENGTH, *["X: y"] * 1000)),
    refused("20,000 headers", answer(LENGTH, *["X: y"] * 20_000)),
    refused("a line without end", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000),
    refused("a status without end", b"HTTP/1.1 200 " + b"a" * 70_000),
    refused("lines without end", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 12_000),
    refused("160 KB of cookies", answer(LENGTH, *["Set-Cookie: " + "a" * 1600] * 100)),
]

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

INTERIM: list[Row] = [
    *(
        taken(f"interim {text!r}", text + answer(LENGTH))
        for text in (
            _CONTINUE,
            _CONTINUE * 3,
            b"HTTP/1.1 100\r\n\r\n",
            b"HTTP/1.0 100 Continue\r\n\r\n",
            b"HTTP/1.1 102 Processing\r\n\r\n",
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n",
            b"HTTP/1.1 199 Odd\r\nX: y\r\n\r\n",
        )
    ),
    *(
        refused(f"interim {text!r}", text + answer(LENGTH))
        for text in (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
            b"HTTP/1.1 +100 Continue\r\n\r\n",
            b"HTTP/01.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 100 Continue\n\n",
            b"HTTP/1.1 100 Continue\r\nX : y\r\n\r\n",
            b"HTTP/1.1 1_00 Continue\r\n\r\n",
        )
    ),
    refused("too many of them", _CONTINUE * 3000),
    refused("too large with them", _CONTINUE + _LARGEST),
    refused(
        "a head too large behind one",
        _CONTINUE + b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000,
    ),
    refused("both framings behind one", _CONTINUE + answer(LENGTH, CHUNKED)),
    refused("one, and no more", _CONTINUE, closes=True),
    Row("one, then silence", _CONTINUE, Outcome.LATE),
]

_BOTH = [
    answer(LENGTH, CHUNKED, body=chunk() + b"0\r\n\r\n"),
    answer(CHUNKED, LENGTH, body=chunk() + b"0\r\n\r\n"),
    answer(CHUNKED, "Content-Length: 0", body=chunk() + b"0\r\n\r\n"),
    answer(
        "content-length: 3", "TRANSFER-ENCODING: chunked", body=chunk() + b"0\r\n\r\n"
    ),
    answer(LENGTH, "Transfer-Encoding: identity"),
    answer(LENGTH, "Transfer-Encoding:"),
]

CODINGS: list[Row] = [
    *(refused(f"CL.TE {number}", sent) for number, sent in enumerate(_BOTH)),
    *(
        refused(
            f"coding {text!r}",
            answer(f"Transfer-Encoding: {text}", body=chunk() + b"0\r\n\r\n"),
            closes=True,
        )
        for text in (
            *("identity", "gzip", "zstd", "xchunked", "chunked, chunked", "chunked,"),
            *("gzip, chunked", "chunked, gzip", "chunked;q=1", '"chunked"', "", "x"),
            *("\x0bchunked", "chunked\x0c", "\x00chunked", "chunk\xe9d", "chunked x"),
        )
    ),
    refused("coded twice", coded(chunk() + b"0\r\n\r\n", CHUNKED)),
    refused(
        "coded, and not", coded(chunk() + b"0\r\n\r\n", "Transfer-Encoding: identity")
    ),
    refused(
        "coded, and packed", coded(chunk() + b"0\r\n\r\n", "Transfer-Encoding: gzip")
    ),
    refused(
        "coded in HTTP/1.0",
        answer(CHUNKED, body=chunk() + b"0\r\n\r\n", status="HTTP/1.0 200 OK"),
        closes=True,
    ),
    *(
        taken(
            f"coding {text!r}",
            answer(f"Transfer-Encoding:{text}", body=chunk() + b"0\r\n\r\n"),
        )
        for text in ("chunked", " Chunked", " CHUNKED", "\t chunked \t")
    ),
]

OTHER: list[Row] = [
    # Whether a manifest by tag is one is for the repository to see: here it is bytes.
    *(
        Row(name, sent, Outcome.REFUSED, Outcome.REFUSED, Outcome.TAKEN, body=b"")
        for name, sent in (
            ("204", answer(status="HTTP/1.1 204 No Content", body=b"")),
            ("204 with a body", answer(LENGTH, status="HTTP/1.1 204 No Content")),
        )
    ),
    refused("304", answer(status="HTTP/1.1 304 Not Modified", body=b"")),
    Row(
        "206 without a range",
        answer(LENGTH, status="HTTP/1.1 206 Part"),
        Outcome.REFUSED,
        Outcome.TAKEN,
    ),
    Row(
        "206 from another byte",
        answer(
            LENGTH, f"Content-Range: bytes 1-{SIZE}/{SIZE + 1}", status="HTTP/1.1 206 P"
        ),
        Outcome.REFUSED,
        Outcome.TAKEN,
    ),
    refused("packed", answer(LENGTH, "Content-Encoding: gzip")),
    refused("packed unknown", answer(LENGTH, "Content-Encoding: x, gzip")),
    refused("TLS alert", b"\x15\x03\x01\x00\x02\x02\x28", closes=True),
    refused(
        "HTTP/2 settings", bytes((0, 0, 18, 4, 0, 0, 0, 0, 0)) + bytes(18), closes=True
    ),
    taken("another response behind", answer(LENGTH) + UNASKED),
    taken("garbage behind", answer(LENGTH) + b"\x00\xffgarbage\r\n\r\n" * 20),
]
