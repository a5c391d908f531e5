"""Hostile and odd requests, each with the answer that it gets.

``(method, target, status, code)``, or with headers and body before the status. A code
is that of the OCI error; "" where the answer is none, as for a request that is refused
before it reaches the registry (its body is plain text then).

``@D`` is the digest of a blob of team/app, ``@M`` of its manifest, ``@N`` one that
nobody has, ``@U`` an upload session that stands at 5 bytes, ``@0`` one that does not
exist, ``@B`` and ``@T`` the manifest and its type. The tag is v1; the blob: 10 bytes.
"""

from tests.web.odd_manifests import MANIFESTS, Row

BAD_NAMES = (
    *("A", "Team/app", "team/App", "-a", "a-", ".a", "a.", "_a", "a_", "a..b"),
    *("a._b", "a___b", "a-_b", "team/-a", "team/a-", "a:b", "a@b", "a+b", "a~b"),
    *("a*b", "a,b", "a;b", "a=b", "a!b", "a$b", "a(b)", "a'b", "a&b", "%61b%2D"),
    *("a" * 256, "a/" * 127 + "ab", "%41", "team/_", "team/.git", "~root/x"),
)
GOOD_NAMES = ("a__b", "a--b", "a---b", "a.b", "a_b", "0", "a/b/c/d/e/f", "a" * 255)

BAD_DIGESTS = (
    "sha256:",
    "sha256:abc",
    "sha256:" + "a" * 63,
    "sha256:" + "a" * 65,
    "sha256:" + "A" * 64,
    "sha256:" + "g" * 64,
    "SHA256:" + "a" * 64,
    "sha512:" + "a" * 64,
    "sha384:" + "a" * 96,
    "md5:" + "a" * 32,
    "sha256:" + "a" * 64 + "%20",
    ":" + "a" * 64,
    "sha256::" + "a" * 63,
    "sha256+b64:" + "a" * 43,
    "sha256-" + "a" * 64,
    "latest",
)


def _names() -> list[Row]:
    rows: list[Row] = []
    for name in BAD_NAMES:
        rows.append(("GET", f"/v2/{name}/tags/list", 400, "NAME_INVALID"))
        rows.append(("HEAD", f"/v2/{name}/manifests/v1", 400, ""))
    for name in BAD_NAMES[:12]:
        rows.append(("GET", f"/v2/{name}/blobs/@D", 400, "NAME_INVALID"))
        rows.append(("POST", f"/v2/{name}/blobs/uploads/", 400, "NAME_INVALID"))
        rows.append(("GET", f"/v2/{name}/referrers/@D", 400, "NAME_INVALID"))
    for name in GOOD_NAMES:
        rows.append(("GET", f"/v2/{name}/tags/list", 404, "NAME_UNKNOWN"))
        rows.append(("GET", f"/v2/{name}/manifests/v1", 404, "MANIFEST_UNKNOWN"))
    return rows


def _digests() -> list[Row]:
    rows: list[Row] = []
    for digest in BAD_DIGESTS:
        rows.append(("GET", f"/v2/team/app/blobs/{digest}", 400, "DIGEST_INVALID"))
        rows.append(("GET", f"/v2/team/app/referrers/{digest}", 400, "DIGEST_INVALID"))
        target = f"/v2/team/app/blobs/uploads/?digest={digest}"
        rows.append(("POST", target, {}, b"0123456789", 400, "DIGEST_INVALID"))
        target = f"/v2/team/app/blobs/uploads/@U?digest={digest}"
        rows.append(("PUT", target, 400, "DIGEST_INVALID"))
    # What holds no colon could be a tag, and this one is.
    for digest in BAD_DIGESTS[:-2]:
        target = f"/v2/team/app/manifests/{digest}"
        rows.append(("GET", target, 400, "DIGEST_INVALID"))
    # The space above is refused with the head.
    return [row for row in rows if "%20" not in row[1] or "?" in row[1]]


TAGS: list[Row] = [
    ("GET", "/v2/team/app/manifests/-x", 400, "TAG_INVALID"),
    ("GET", "/v2/team/app/manifests/.x", 400, "TAG_INVALID"),
    ("GET", "/v2/team/app/manifests/a+b", 400, "TAG_INVALID"),
    ("GET", "/v2/team/app/manifests/a~b", 400, "TAG_INVALID"),
    ("GET", "/v2/team/app/manifests/a@b", 400, "TAG_INVALID"),
    ("GET", "/v2/team/app/manifests/*", 400, "TAG_INVALID"),
    ("GET", "/v2/team/app/manifests/" + "a" * 129, 400, "TAG_INVALID"),
    ("GET", "/v2/team/app/manifests/" + "a" * 128, 404, "MANIFEST_UNKNOWN"),
    ("GET", "/v2/team/app/manifests/_", 404, "MANIFEST_UNKNOWN"),
    ("GET", "/v2/team/app/manifests/V1", 404, "MANIFEST_UNKNOWN"),
    ("GET", "/v2/team/app/manifests/v1.", 404, "MANIFEST_UNKNOWN"),
    ("GET", "/v2/team/app/manifests/%761", 200, ""),
    ("GET", "/v2/team/app/manifests/@N", 404, "MANIFEST_UNKNOWN"),
    ("GET", "/v2/team/app/manifests/@D", 404, "MANIFEST_UNKNOWN"),
    ("GET", "/v2/team/app/manifests/", 404, "UNSUPPORTED"),
    ("GET", "/v2/team/app/manifests", 404, "UNSUPPORTED"),
    ("DELETE", "/v2/team/app/manifests/none", 404, "MANIFEST_UNKNOWN"),
    ("DELETE", "/v2/team/app/manifests/@N", 404, "MANIFEST_UNKNOWN"),
    ("DELETE", "/v2/team/app/manifests/-", 400, "TAG_INVALID"),
    ("DELETE", "/v2/team/app/blobs/@N", 404, "BLOB_UNKNOWN"),
    ("DELETE", "/v2/team/other/blobs/@D", 404, "BLOB_UNKNOWN"),
    ("GET", "/v2/team/other/blobs/@D", 404, "BLOB_UNKNOWN"),
    ("HEAD", "/v2/team/other/blobs/@D", 404, ""),
    ("GET", "/v2/team/app/blobs/@N", 404, "BLOB_UNKNOWN"),
    ("GET", "/v2/team/app/blobs/@M", 404, "BLOB_UNKNOWN"),
]

PATHS: list[Row] = [
    ("GET", "/", 404, "UNSUPPORTED"),
    ("GET", "/v2/..", 400, ""),
    ("GET", "/v2/../v2/", 400, ""),
    ("GET", "/v2/team/../app/tags/list", 400, ""),
    ("GET", "/v2/team/%2e%2e/app/tags/list", 400, ""),
    ("GET", "/v2/team/./app/tags/list", 400, ""),
    ("GET", "/v2//team/tags/list", 400, ""),
    ("GET", "/v2/team%2fapp/tags/list", 400, ""),
    ("GET", "/v2/team%2Fapp/tags/list", 400, ""),
    ("GET", "/v2/team%5capp/tags/list", 400, ""),
    ("GET", "/v2/team%00/tags/list", 400, ""),
    ("GET", "/v2/team%0a/tags/list", 400, ""),
    ("GET", "/v2/team%0d%0aX:1/tags/list", 400, ""),
    ("GET", "/v2/team%20/tags/list", 400, ""),
    ("GET", "/v2/team%c3%a4/tags/list", 400, ""),
    ("GET", "/v2/team%252e/tags/list", 400, ""),
    ("GET", "/v2/team%/tags/list", 400, ""),
    ("GET", "/v2/team%zz/tags/list", 400, ""),
    ("GET", "/v2/team\\app/tags/list", 400, ""),
    ("GET", "/v2/team\x7f/tags/list", 400, ""),
    ("GET", "/v2/te<am/tags/list", 400, ""),
    ("GET", "/v2/team/tags/list#x", 400, ""),
    ("GET", "http://evil.example/v2/", 400, ""),
    ("GET", "*", 400, ""),
    ("GET", "v2/", 400, ""),
    ("GET", "/v2/" + "a" * 9000, 414, ""),
    ("GET", "/v1/_ping", 404, "UNSUPPORTED"),
    ("GET", "/v3/", 404, "UNSUPPORTED"),
    ("GET", "/V2/", 404, "UNSUPPORTED"),
    ("GET", "/v2/team/app/tags", 404, "UNSUPPORTED"),
    ("GET", "/v2/team/app/tags/", 404, "UNSUPPORTED"),
    ("GET", "/v2/team/app/tags/other", 404, "UNSUPPORTED"),
    ("GET", "/v2/_catalog/", 404, "UNSUPPORTED"),
    ("GET", "/v2/team/app/referrers/", 404, "UNSUPPORTED"),
    ("GET", "/v2/team/app/blobs/", 404, "UNSUPPORTED"),
    ("GET", "/v2/manifests/v1", 404, "UNSUPPORTED"),
    ("GET", "/etc/passwd", 404, "UNSUPPORTED"),
    ("GET", "/v2/manifests/manifests/manifests", 404, "MANIFEST_UNKNOWN"),
    ("GET", "/v2/blobs/uploads/tags/list", 404, "NAME_UNKNOWN"),
]

METHODS: list[Row] = [
    ("OPTIONS", "/v2/", 405, ""),
    ("TRACE", "/v2/", 405, ""),
    ("CONNECT", "/v2/", 405, ""),
    ("PROPFIND", "/v2/", 501, ""),
    ("get", "/v2/", 501, ""),
    ("POST", "/v2/", 405, "UNSUPPORTED"),
    ("DELETE", "/v2/_catalog", 405, "UNSUPPORTED"),
    ("HEAD", "/v2/_catalog", 405, ""),
    ("POST", "/v2/team/app/manifests/v1", 405, "UNSUPPORTED"),
    ("PATCH", "/v2/team/app/blobs/@D", 405, "UNSUPPORTED"),
    ("POST", "/v2/team/app/tags/list", 405, "UNSUPPORTED"),
    ("PUT", "/v2/team/app/blobs/uploads/", 405, "UNSUPPORTED"),
    ("POST", "/v2/team/app/blobs/uploads/@U", 405, "UNSUPPORTED"),
    ("PUT", "/v2/team/app/referrers/@D", 405, "UNSUPPORTED"),
]

QUERIES: list[Row] = [
    ("GET", "/v2/team/app/tags/list?n=-1", 400, "UNSUPPORTED"),
    ("GET", "/v2/team/app/tags/list?n=1.5", 400, "UNSUPPORTED"),
    ("GET", "/v2/team/app/tags/list?n=1e3", 400, "UNSUPPORTED"),
    ("GET", "/v2/team/app/tags/list?n=0x10", 400, "UNSUPPORTED"),
    ("GET", "/v2/team/app/tags/list?n=%D9%A3", 400, "UNSUPPORTED"),
    ("GET", "/v2/team/app/tags/list?n=%20", 400, "UNSUPPORTED"),
    ("GET", "/v2/team/app/tags/list?n=" + "9" * 4000, 200, ""),
    ("GET", "/v2/team/app/tags/list?n=0", 200, ""),
    ("GET", "/v2/team/app/tags/list?n=", 200, ""),
    ("GET", "/v2/team/app/tags/list?last=%00%ff", 200, ""),
    ("GET", "/v2/team/app/tags/list?last=" + "z" * 4000, 200, ""),
    ("GET", "/v2/team/app/tags/list?n=1&n=x", 200, ""),
    ("GET", "/v2/team/app/tags/list?" + "a&" * 101, 400, "UNSUPPORTED"),
    ("GET", "/v2/team/app/tags/list?%zz", 400, ""),
    ("GET", "/v2/_catalog?n=-5", 400, "UNSUPPORTED"),
    ("GET", "/v2/_catalog?n=x", 400, "UNSUPPORTED"),
    ("GET", "/v2/team/app/referrers/@D?n=x", 400, "UNSUPPORTED"),
    ("GET", "/v2/team/app/referrers/@D?artifactType=%0d%0aX:1", 200, ""),
    ("POST", "/v2/team/app/blobs/uploads/?digest-algorithm=md5", 400, "DIGEST_INVALID"),
    ("POST", "/v2/team/app/blobs/uploads/?digest-algorithm=x:y", 400, "DIGEST_INVALID"),
    (
        "POST",
        "/v2/team/app/blobs/uploads/?mount=x&from=team/app",
        400,
        "DIGEST_INVALID",
    ),
    ("POST", "/v2/team/app/blobs/uploads/?mount=@D&from=TEAM", 202, ""),
    ("POST", "/v2/team/app/blobs/uploads/?mount=@D&from=none", 202, ""),
    ("POST", "/v2/team/app/blobs/uploads/?mount=@N&from=team/app", 202, ""),
    ("POST", "/v2/team/app/blobs/uploads/?from=team/app", 202, ""),
    (
        *("PUT", "/v2/team/app/manifests/@M?tag=-x", {"Content-Type": "@T"}, b"@B"),
        *(400, "TAG_INVALID"),
    ),
]

UPLOADS: list[Row] = [
    ("GET", "/v2/team/app/blobs/uploads/@0", 404, "BLOB_UPLOAD_UNKNOWN"),
    ("PATCH", "/v2/team/app/blobs/uploads/@0", {}, b"x", 404, "BLOB_UPLOAD_UNKNOWN"),
    ("PUT", "/v2/team/app/blobs/uploads/@0?digest=@D", 404, "BLOB_UPLOAD_UNKNOWN"),
    ("DELETE", "/v2/team/app/blobs/uploads/@0", 404, "BLOB_UPLOAD_UNKNOWN"),
    ("GET", "/v2/team/app/blobs/uploads/x", 404, "BLOB_UPLOAD_UNKNOWN"),
    ("GET", "/v2/team/app/blobs/uploads/" + "A" * 32, 404, "BLOB_UPLOAD_UNKNOWN"),
    ("GET", "/v2/team/app/blobs/uploads/" + "a" * 65, 404, "BLOB_UPLOAD_UNKNOWN"),
    ("GET", "/v2/team/app/blobs/uploads/..x", 404, "BLOB_UPLOAD_UNKNOWN"),
    ("GET", "/v2/team/app/blobs/uploads/%2e%2e", 400, ""),
    ("GET", "/v2/team/other/blobs/uploads/@U", 404, "BLOB_UPLOAD_UNKNOWN"),
    ("PUT", "/v2/team/other/blobs/uploads/@U?digest=@D", 404, "BLOB_UPLOAD_UNKNOWN"),
    ("PUT", "/v2/team/app/blobs/uploads/@U", 400, "DIGEST_INVALID"),
    ("PUT", "/v2/team/app/blobs/uploads/@U?digest=", 400, "DIGEST_INVALID"),
    ("PUT", "/v2/team/app/blobs/uploads/@U?digest=@N", {}, b"x", 400, "DIGEST_INVALID"),
    ("POST", "/v2/team/app/blobs/uploads/?digest=@N", {}, b"x", 400, "DIGEST_INVALID"),
    ("POST", "/v2/team/app/blobs/uploads/?digest=@D", {}, b"", 400, "DIGEST_INVALID"),
]


def _chunks() -> list[Row]:
    target = "/v2/team/app/blobs/uploads/@U"
    taken = (("5-9", b"56789"), ("bytes 5-9/*", b"56789"), ("bytes=5-9", b"56789"))
    rows: list[Row] = [
        ("PATCH", target, {"Content-Range": header}, body, 202, "")
        for header, body in (*taken, ("5-4", b""), ("005-009", b"56789"))
    ]
    for header in ("0-4", "4-8", "6-10", "99-103", "bytes 0-4/*", "0-0"):
        stated = {"Content-Range": header}
        rows.append(("PATCH", target, stated, b"01234", 416, "BLOB_UPLOAD_INVALID"))
        put = f"{target}?digest=@D"
        rows.append(("PUT", put, stated, b"01234", 416, "BLOB_UPLOAD_INVALID"))
    for header in (
        "x",
        "-",
        "5-",
        "-5",
        "5-3",
        "a-b",
        "5",
        "9" * 30 + "-1",
        "5-9,10-11",
    ):
        stated = {"Content-Range": header}
        rows.append(("PATCH", target, stated, b"01234", 400, "BLOB_UPLOAD_INVALID"))
    for header in ("5-10", "5-8", "5-5", "5-999999999999999999"):
        stated = {"Content-Range": header}
        rows.append(("PATCH", target, stated, b"01234", 400, "SIZE_INVALID"))
    return rows


def _ranges() -> list[Row]:
    rows: list[Row] = []
    for status, headers in (
        (206, ("bytes=0-0", "bytes=9-9", "bytes=0-99", "bytes=5-", "bytes=-1")),
        (206, ("bytes=-99", "Bytes=1-2", "bytes = 1-2", "bytes=0-" + "9" * 18)),
        (416, ("bytes=10-", "bytes=10-10", "bytes=-0", "bytes=" + "9" * 18 + "-")),
        (200, ("bytes=5-3", "bytes=", "bytes=-", "bytes", "0-5", "octets=0-5")),
        (200, ("bytes=0-1,3-4", "bytes=0-0," * 50 + "1-1", "bytes=a-b", "bytes=--1")),
        (200, ("bytes=0-" + "9" * 30, "bytes=+1-2", "bytes=1-2;x", "bytes=0x1-2")),
    ):
        for header in headers:
            row = ("GET", "/v2/team/app/blobs/@D", {"Range": header}, b"", status, "")
            rows.append(row)
    for name, value, status in (
        ("If-None-Match", '"@D"', 304),
        ("If-None-Match", 'W/"@D"', 304),
        ("If-None-Match", "*", 304),
        ("If-None-Match", '"x", "@D"', 304),
        ("If-None-Match", '"x"', 200),
        ("If-None-Match", '"', 200),
        ("Accept", "nonsense", 200),
        ("Accept-Encoding", "gzip", 200),
        ("If-Modified-Since", "yesterday", 200),
    ):
        target = "/v2/team/app/blobs/@D"
        rows.append(("GET", target, {name: value}, b"", status, ""))
    return rows


STRANGERS: list[Row] = [
    ("GET", "/v2/", {"Authorization": value}, b"", 401, "UNAUTHORIZED")
    for value in (
        *("Basic", "Basic !!!", "Basic YWxpY2U=", "Basic " + "A" * 9000, "Bearer"),
        *("Bearer x", "Bearer ../../x", "Bearer " + "a" * 9000, "Digest x", "x"),
        *("Basic OnB3", "Basic YWxpY2U6", "Basic //////", "Negotiate YII="),
    )
]

ROWS: list[Row] = [
    *_names(),
    *_digests(),
    *TAGS,
    *PATHS,
    *METHODS,
    *QUERIES,
    *UPLOADS,
    *_chunks(),
    *_ranges(),
    *STRANGERS,
    *MANIFESTS,
]
