"""Raw requests that are decided by their order, and what is no HTTP/1.1 at all.

Sources: RFC 9112 section 9, RFC 9110 section 10.1.1, and the advisories that are named.
"""

from tests.web.raw_row import (
    SMUGGLED,
    After,
    Row,
    Saw,
    alone,
    get,
    head,
    post,
    refused,
    taken,
    waits,
)

_A, _B, _C = Saw("GET", "/a"), Saw("GET", "/b"), Saw("GET", "/c")

OTHER_PROTOCOLS: list[Row] = [
    Row("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(501), (400,)),
    Row("TLS, and a request", b"\x16\x03\x01\x00\x05" + SMUGGLED, (400,)),
    Row("TLS alert", b"\x15\x03\x01\x00\x02\x02\x28\r\n\r\n" + SMUGGLED, (400,)),
    Row("TLS later", get("/a") + b"\x16\x03\x01\r\n\r\n" + SMUGGLED, (200, 400), (_A,)),
    waits("SSLv2", b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10\x01\x00\x80"),
    refused("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9) + SMUGGLED, 505),
    Row(
        "HTTP/2 later",
        get("/a") + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        (200, 505),
        (_A,),
    ),
    taken(
        "HTTP/2 by upgrade",
        get(
            "/a",
            "Connection: Upgrade, HTTP2-Settings",
            "Upgrade: h2c",
            "HTTP2-Settings: ",
        )
        + get("/b"),
        _A,
        _B,
    ),
    taken(
        "WebSocket",
        get(
            "/a",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
        ),
        _A,
    ),
    refused("HTTP/0.9", b"GET /a\r\n\r\n" + SMUGGLED),
    refused("SSH", b"SSH-2.0-OpenSSH_9.2\r\n\r\n" + SMUGGLED),
    refused("SMTP", b"EHLO a\r\n\r\n" + SMUGGLED),
    refused("Redis", b"*1\r\n$4\r\nPING\r\n\r\n" + SMUGGLED),
    refused("RTSP", b"OPTIONS rtsp://a RTSP/1.0\r\n\r\n" + SMUGGLED),
    refused("PROXY", b"PROXY TCP4 192.0.2.9 192.0.2.1 1 2\r\n" + get("/a") + SMUGGLED),
    refused(
        "PROXY 2", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12) + get("/a")
    ),
]

# -- expectations: 100 comes when the application wants the body, and not before --

_UP = Saw("POST", "/up", b"hello")

EXPECTATIONS: list[Row] = [
    Row(
        "expect", post(b"hello", "Expect: 100-continue"), (100, 200), (_UP,), After.OPEN
    ),
    Row(
        "Expect", post(b"hello", "EXPECT: 100-Continue"), (100, 200), (_UP,), After.OPEN
    ),
    Row(
        "expect, in chunks",
        head("POST", "/up", "Transfer-Encoding: chunked", "Expect: 100-continue")
        + b"5\r\nhello\r\n0\r\n\r\n",
        (100, 200),
        (_UP,),
        After.OPEN,
    ),
    Row(
        "expect, twice",
        post(b"hello", "Expect: 100-continue", "Expect: 100-continue"),
        (100, 200),
        (_UP,),
        After.OPEN,
    ),
    Row(
        "expect, and nothing comes",
        post(b"hello", "Expect: 100-continue")[:-5],
        (100,),
        (Saw("POST", "/up", b"", False),),
        After.WAITS,
    ),
    Row(
        "expect, pipelined",
        post(b"hello", "Expect: 100-continue") * 2,
        (100, 200, 100, 200),
        (_UP, _UP),
        After.OPEN,
    ),
    Row(
        "expect, and broken chunks",
        head("POST", "/up", "Transfer-Encoding: chunked", "Expect: 100-continue")
        + b"z\r\n"
        + SMUGGLED,
        (100, 400),
        (Saw("POST", "/up", b"", False),),
    ),
    taken("expect without a body", get("/a", "Expect: 100-continue"), _A),
    taken("expect, length 0", post(b"", "Expect: 100-continue"), Saw("POST", "/up")),
    taken("expect nothing", post(b"hello", "Expect:"), _UP),
    taken(
        "expect in HTTP/1.0",
        head("POST", "/up", "Content-Length: 5", "Expect: 100-continue", version="1.0")
        + b"hello",
        _UP,
        after=After.CLOSED,
    ),
    # The body may come or not: where it ends is not known, so nothing more is read.
    taken(
        "expect, and nobody reads",
        post(SMUGGLED, "Expect: 100-continue", target="/unread") + SMUGGLED,
        Saw("POST", "/unread"),
        after=After.CLOSED,
    ),
    *(
        refused(f"expect {text!r}", post(b"hello", *text.split("|")) + SMUGGLED, 417)
        for text in (
            "Expect: 200-ok",
            "Expect: 100-continue, x",
            "Expect: 100-continue, 100-continue",
            "Expect: 100-continue;q=1",
            "Expect: x",
            "Expect: x|Expect: 100-continue",
            "Expect: 100-continue|Expect: x",
        )
    ),
    refused("expect, refused", post(b"hello", "Expect: 100-continue", target="/..")),
]

# -- one after the other --

_THREE = get("/a") + get("/b") + get("/c")

PIPELINES: list[Row] = [
    taken("two", get("/a") + get("/b"), _A, _B),
    taken("three", _THREE, _A, _B, _C),
    taken("thirty", _THREE * 10, *(_A, _B, _C) * 10),
    taken("GET after POST", post(b"hello") + get("/b"), _UP, _B),
    taken("POST, POST, GET", post(b"hello") * 2 + get("/b"), _UP, _UP, _B),
    taken(
        "HEAD between",
        get("/a") + head("HEAD", "/b") + get("/c"),
        _A,
        _B._replace(method="HEAD"),
        _C,
    ),
    taken("empty lines between", get("/a") + b"\r\n\r\n\r\n" + get("/b"), _A, _B),
    taken("an empty line behind a body", post(b"hello") + b"\r\n" + get("/b"), _UP, _B),
    taken("an empty line at the end", get("/a") + b"\r\n", _A),
    Row("LF between", get("/a") + b"\n" + SMUGGLED, (200, 400), (_A,)),
    Row("CR between", get("/a") + b"\r" + SMUGGLED, (200, 400), (_A,)),
    Row("NUL between", get("/a") + b"\x00" + SMUGGLED, (200, 400), (_A,)),
    Row("the second is bad", get("/a") + get("/..") + SMUGGLED, (200, 400), (_A,)),
    Row(
        "the second has no Host",
        get("/a") + alone("GET /b HTTP/1.1") + SMUGGLED,
        (200, 400),
        (_A,),
    ),
    Row(
        "the third is of HTTP/2",
        _THREE[: -len(get("/c"))] + get("/c", version="2.0"),
        (200, 200, 505),
        (_A, _B),
    ),
    *(
        taken(
            f"nothing after {text}", get("/a", text) + SMUGGLED, _A, after=After.CLOSED
        )
        for text in (
            "Connection: close",
            "connection: Close",
            "Connection: keep-alive, close",
            "Connection: close, keep-alive",
            "Connection: x,close ,y",
        )
    ),
    taken(
        "nothing after two of Connection",
        get("/a", "Connection: keep-alive", "Connection: close") + SMUGGLED,
        _A,
        after=After.CLOSED,
    ),
    taken("HTTP/1.0", get("/a", version="1.0") + SMUGGLED, _A, after=After.CLOSED),
    taken(
        "HTTP/1.0 that would stay",
        get("/a", "Connection: keep-alive", version="1.0") + SMUGGLED,
        _A,
        after=After.CLOSED,
    ),
    taken(
        "HTTP/1.1, then 1.0",
        get("/a") + get("/b", version="1.0") + SMUGGLED,
        _A,
        _B,
        after=After.CLOSED,
    ),
    taken("keep-alive", get("/a", "Connection: keep-alive") + get("/b"), _A, _B),
    # CVE-2023-46137, CVE-2024-41671: the answers came in another order, or mixed.
    taken(
        "CVE-2023-46137",
        get("/later") + get("/b") + get("/c"),
        Saw("GET", "/later"),
        _B,
        _C,
    ),
    taken(
        "CVE-2024-41671", get("/later") * 3 + get("/b"), *[Saw("GET", "/later")] * 3, _B
    ),
    taken(
        "a slow body, then a request",
        post(b"hello", target="/later") + get("/b"),
        _UP._replace(path="/later"),
        _B,
    ),
    Row(
        "a slow one, then a bad one",
        get("/later") + get("/..") + SMUGGLED,
        (200, 400),
        (Saw("GET", "/later"),),
    ),
]
