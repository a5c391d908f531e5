"""Raw requests that are decided by their heads.

Sources: RFC 9112 sections 2 to 5, and the advisories that are named.
"""

from tests.web.raw_row import (
    SMUGGLED,
    After,
    Row,
    Saw,
    alone,
    get,
    head,
    refused,
    taken,
    waits,
)

_A, _B = Saw("GET", "/a"), Saw("GET", "/b")


# -- targets: C11, one reading of a path, the checker's and the router's --

BAD_TARGETS = (
    *("http://a/v2/", "HTTP://a/v2/", "https://b/v2/", "http://a", "http:/v2/"),
    *("a:443", "*", "v2/", "?x=y", "#", "/#", "/v2/a#b", "//a/v2/", "///", "//"),
    *("/v2//a", "/v2/a//", "/v2/a///b", "/v2/%2f", "/v2/a%2fb", "/v2/a%2Fb"),
    *("/v2/%2F%2F..%2F..%2Fetc", "/v2/..%2f..%2f", "/%2e%2e%2f", "/v2/a%5cb"),
    *("/v2/..%5c..%5cb", "/v2/a%5Cb", "\\v2\\", "/v2\\..\\a", "/v2/\\", "/..", "/."),
    *(
        "/../",
        "/./",
        "/v2/..",
        "/v2/../",
        "/v2/../../a",
        "/v2/./a",
        "/v2/a/..",
        "/v2/.",
    ),
    *("/%2e/v2/", "/%2E%2E/v2/", "/v2/a/%2e%2e/b", "/v2/a/.%2e/b", "/v2/a/%2e./b"),
    *("/v2/a/%2e", "/v2/%2e%2e", "/v2/a%00", "/v2/a%00.b", "/v2/a%0a", "/v2/a%0d%0aX"),
    *("/v2/a%20b", "/v2/a%09", "/v2/a%7f", "/v2/a%1f", "/v2/a%c0%af", "/v2/a%c0%ae"),
    *("/v2/%e0%80%af", "/v2/a%ff", "/v2/%C3%A4", "/v2/%ef%bc%8f", "/v2/a%252f"),
    *("/v2/a%252e%252e", "/v2/a%25", "/v2/a%u002f", "/v2/a%", "/v2/a%2", "/v2/a%g0"),
    *("/v2/\xe4", "/v2/\xc3\xa4", "/v2/\xff", "/v2/a\x7f", "/v2/a\x00", "/v2/a\x01"),
    *("/v2/a\tb", "/v2/a\x0bb", "/v2/a\x0cb", "/v2/a b", "/v2/a\x85", "/v2/a\xa0b"),
    *("/v2/<a>", '/v2/"', "/v2/{a}", "/v2/a|b", "/v2/a^b", "/v2/`a`", "/v2/[a]"),
    *("/v2/?x=%", "/v2/?x=%z", "/v2/?x=\xe4", "/v2/?x=<", "/v2/?x=|", "/v2/?x=\\"),
    *("/v2/?x=y#z", "/v2/? ", "", "\x00", "/v2/\r", "/v2/\n", "/v2/\rX", "/v2/\nX"),
)

GOOD_TARGETS = (
    *(("/", "/"), ("/v2", "/v2"), ("/v2/a;b", "/v2/a;b"), ("/v2/..;/x", "/v2/..;/x")),
    *(("/v2/...", "/v2/..."), ("/v2/..a", "/v2/..a"), ("/v2/a..", "/v2/a..")),
    *(("/v2/%41", "/v2/A"), ("/v2/a%3Ab", "/v2/a:b"), ("/v2/a%2Db", "/v2/a-b")),
    *(("/v2/a?x=/../", "/v2/a"), ("/v2/a?x=//", "/v2/a"), ("/v2/a?x=%2f%5c", "/v2/a")),
    *(("/v2/a?", "/v2/a"), ("/v2/a?b?c", "/v2/a"), ("/v2/a?x=[1]", "/v2/a")),
    *(("/v2/a+b", "/v2/a+b"), ("/v2/a%3fb", "/v2/a?b"), ("/v2/a%23b", "/v2/a#b")),
    *(("/v2/~a!$&'()*,=@", "/v2/~a!$&'()*,=@"), ("/v2/a?x=%00", "/v2/a")),
)

TARGETS: list[Row] = [
    *(refused(f"target {text!r}", get(text) + SMUGGLED) for text in BAD_TARGETS),
    *(
        taken(f"target {text}", get(text), Saw("GET", path))
        for text, path in GOOD_TARGETS
    ),
]

# -- Host --

HOSTS: list[Row] = [
    refused("no Host", alone("GET /v2/ HTTP/1.1") + SMUGGLED),
    refused(
        "no Host, X-Forwarded-Host", alone("GET / HTTP/1.1", "X-Forwarded-Host: a")
    ),
    refused("Host with an underscore", alone("GET / HTTP/1.1", "Host_: a")),
    refused("two Hosts", get("/v2/", "Host: b") + SMUGGLED),
    refused("two Hosts, equal", get("/v2/", "Host: a") + SMUGGLED),
    refused("two Hosts, named unlike", get("/v2/", "HOST: a") + SMUGGLED),
    refused("two Hosts in HTTP/1.0", get("/v2/", "Host: b", version="1.0") + SMUGGLED),
    *(
        refused(f"Host {text!r}", alone("GET / HTTP/1.1", f"Host: {text}") + SMUGGLED)
        for text in (
            *(
                "",
                "a b",
                "a,b",
                "a, b",
                "a/b",
                "a\\b",
                "a@b",
                "u:p@a",
                "http://a",
                "a?",
            ),
            *("a#", "a:", "a:x", "a:-1", "a:123456", "a:80:80", "[::1", "::1", "[g]"),
            *(
                "a\x00",
                "a\x7f",
                "\xe4",
                "a%2f",
                "a;b",
                '"a"',
                "<a>",
                "*",
                "a\tb",
                "a\x0b",
            ),
        )
    ),
    *(
        taken(f"Host {text}", alone("GET /a HTTP/1.1", f"Host: {text}"), _A)
        for text in (
            "a",
            "A.B",
            "a_b",
            "a-b:5000",
            "[::1]",
            "[::1]:5000",
            "127.0.0.1:0",
        )
    ),
    taken("HTTP/1.0 without Host", alone("GET /a HTTP/1.0"), _A, after=After.CLOSED),
    refused("an absolute target and Host", get("http://a/a") + SMUGGLED),
    refused("an absolute target, no Host", alone("GET http://a/ HTTP/1.1")),
]

# -- header lines; 26.10.0 #12754: a bare CR or LF in a value --

BAD_FIELDS = (
    *("X: a\rb", "X: a\nb", "X: a\r", "X: a\n", "X: \ra", "X: \na", "X: a\r\r\nY: b"),
    *("X: a\n\nGET /smuggled HTTP/1.1\nHost: a\n", "X: a\rHost: b", "X: a\nHost: b"),
    *(
        "X: a\rContent-Length: 5",
        "X\r: a",
        "X\n: a",
        "\rX: a",
        "\nX: a",
        "X: a\n\rY: b",
    ),
    *(
        "X: a\r\n b",
        "X: a\r\n\tb",
        "X:\r\n b",
        " X: a",
        "\tX: a",
        " ",
        "\t",
        "X: a\r\n ",
    ),
    *("X : a", "X\t: a", "X\x0b: a", "X\x00: a", "X\x7f: a", "X Y: a", "X", ":", ": a"),
    *(
        ":authority: a",
        "(X): a",
        "X@: a",
        "X[]: a",
        "X/Y: a",
        'X": a',
        "X;: a",
        "X,Y: a",
    ),
    *(
        "\xe4: a",
        "X\xe4: a",
        "X\xa0: a",
        "X: a\x00",
        "X: \x00",
        "X: a\x01b",
        "X: a\x1f",
    ),
    *("X: a\x08b", "X: a\x0bb", "X: a\x0cb", "X: a\x7f", "X: \x1b[2J", "X=a", "X a"),
)

GOOD_FIELDS = (
    *("X: a", "X:a", "X:", "X: ", "X:: a", "X: a:b", "X: \t a \t ", "X: \xe4\xff\x80"),
    *("!#$%&'*+-.^`|~9: a", "x: a\tb", "X: " + "a" * 15_000, "Cookie: a=b; c=d"),
)

#: C12: names with an underscore fall away, whatever they say.
UNDERSCORED = (
    *("X_Forwarded_For: 192.0.2.9", "X-Forwarded_For: 192.0.2.9", "_: a", "X_: a"),
    *("Content_Length: 40", "Transfer_Encoding: chunked", "Connection_: close"),
    *("Host_: b", "X_Forwarded_Proto: https", "Authorization_: Basic YTph"),
)

FIELDS: list[Row] = [
    *(
        refused(f"field {text[:40]!r}", get("/a", text) + SMUGGLED)
        for text in BAD_FIELDS
    ),
    *(taken(f"field {text[:40]!r}", get("/a", text), _A) for text in GOOD_FIELDS),
    *(
        taken(f"field {text!r}", get("/a", text) + get("/b"), _A, _B)
        for text in UNDERSCORED
    ),
    Row("an empty line inside", get("/a", "", "X: y") + SMUGGLED, (200, 400), (_A,)),
]

# -- sizes --

_LONG = "/v2/" + "a" * 8188
_ROOM = 16 * 1024 - len(get("/a", "X: "))

SIZES: list[Row] = [
    taken("the longest target", get(_LONG), Saw("GET", _LONG)),
    refused("a target too long", get(_LONG + "a") + SMUGGLED, 414),
    refused("a query too long", get("/v2/?" + "a" * 8188) + SMUGGLED, 414),
    refused("a target too long for a head", get("/" + "a" * 20_000) + SMUGGLED, 431),
    refused("a method too long", head("G" * 9000, "/"), 501),
    taken("the largest head", get("/a", "X: " + "a" * _ROOM), _A),
    refused("a head too large", get("/a", "X: " + "a" * (_ROOM + 1)) + SMUGGLED, 431),
    refused("a line without end", b"GET / HTTP/1.1\r\nX: " + b"a" * 17_000, 431),
    refused("a line of nothing", b"a" * 17_000, 431),
    taken("100 headers", get("/a", *["X: y"] * 99), _A),
    refused("101 headers", get("/a", *["X: y"] * 100) + SMUGGLED, 431),
    refused("4,000 headers", get("/a", *["X: y"] * 4000), 431),
    refused("101 headers that fall away", get("/a", *["X_: y"] * 100) + SMUGGLED, 431),
]

# -- request lines, and what is no HTTP/1.1 --

BAD_LINES = (
    *(
        (line, 400)
        for line in ("GET", "GET /a", "GET  /a HTTP/1.1", "GET /a  HTTP/1.1")
    ),
    *(
        (line, 400)
        for line in ("GET /a HTTP/1.1 ", " GET /a HTTP/1.1", "GET /a HTTP/1")
    ),
    *(
        (line, 400)
        for line in ("GET\t/a\tHTTP/1.1", "GET\x0b/a HTTP/1.1", "GET /a HTTP")
    ),
    *(
        (line, 400)
        for line in ("GET /a http/1.1", "GET /a HTTP/1.1\x00", "GET /a HTTP/11")
    ),
    *(
        (line, 400)
        for line in ("GET /a HTTP/1.10", "GET /a HTTP/01.1", "GET /a HTTP/1,1")
    ),
    *(
        (line, 400)
        for line in ("GET /a HTTP/+1.1", "GET /a HTTPS/1.1", "GET /a FTP/1.1")
    ),
    *(
        (line, 400)
        for line in ("GET /a HTTP /1.1", "GET /a HTTP/ 1.1", "GET /a HTTP/a.b")
    ),
    *(
        (line, 400)
        for line in ("G(T /a HTTP/1.1", "G\xc4T /a HTTP/1.1", '"GET" /a HTTP/1.1')
    ),
    *(
        (line, 400)
        for line in ("GET\x00 /a HTTP/1.1", "GET /a\x00 HTTP/1.1", "GET: /a HTTP/1.1")
    ),
    *(
        (line, 400)
        for line in (
            "GET /a HTTP/1.1\rX: y",
            "GET /a\r\n HTTP/1.1",
            "\xefGET / HTTP/1.1",
        )
    ),
    *(
        (line, 505)
        for line in ("GET /a HTTP/2.0", "GET /a HTTP/0.9", "GET /a HTTP/1.2")
    ),
    *(
        (line, 505)
        for line in ("GET /a HTTP/3.0", "GET /a HTTP/9.9", "GET /a HTTP/0.0")
    ),
    *(
        (line, 501)
        for line in ("get /a HTTP/1.1", "Get /a HTTP/1.1", "GETS /a HTTP/1.1")
    ),
    *(
        (line, 501)
        for line in ("LINK /a HTTP/1.1", "M-SEARCH * HTTP/1.1", "! / HTTP/1.1")
    ),
    *((line, 405) for line in ("OPTIONS * HTTP/1.1", "TRACE /a HTTP/1.1")),
    *((line, 405) for line in ("CONNECT a:443 HTTP/1.1", "OPTIONS /a HTTP/1.1")),
)

LINES: list[Row] = [
    *(
        refused(f"line {line!r}", alone(line, "Host: a") + SMUGGLED, status)
        for line, status in BAD_LINES
    ),
    *(
        taken(f"method {method}", head(method, "/a"), Saw(method, "/a"))
        for method in ("HEAD", "POST", "PUT", "PATCH", "DELETE")
    ),
    taken("an empty line before", b"\r\n" + get("/a"), _A),
    taken("three empty lines before", b"\r\n\r\n\r\n" + get("/a"), _A),
    refused("LF before", b"\n" + get("/a") + SMUGGLED),
    refused("CR before", b"\r" + get("/a") + SMUGGLED),
    refused("CR CR LF before", b"\r\r\n" + get("/a") + SMUGGLED),
    refused("a line of space before", b" \r\n" + get("/a") + SMUGGLED),
    refused("NUL before", b"\x00" + get("/a") + SMUGGLED),
    refused("a byte order mark before", b"\xef\xbb\xbf" + get("/a") + SMUGGLED),
    refused("only LF", get("/a").replace(b"\r\n", b"\n")),
    refused("only LF, then a request", get("/a").replace(b"\r\n", b"\n") + SMUGGLED),
    refused("only CR", get("/a").replace(b"\r\n", b"\r") + SMUGGLED),
    refused("LF at the end", get("/a")[:-2] + b"\n" + SMUGGLED),
    refused("LF CR LF at the end", get("/a")[:-4] + b"\n\r\n" + SMUGGLED),
    waits("nothing", b""),
    waits("an empty line", b"\r\n"),
    waits("half a method", b"GE"),
    waits("a request line", b"GET /a HTTP/1.1\r\n"),
    waits("all but the last byte", get("/a")[:-1]),
    waits("a request, and half of one", get("/a") + get("/b")[:-1], _A),
]
