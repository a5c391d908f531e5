"""Pushes of odd manifests, as rows of the table in odd_requests.py."""

from typing import Any

Row = tuple[Any, ...]

_OCI = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_DESCRIPTOR = b'{"mediaType":"a/b","digest":"@D","size":10}'


def _manifest(
    config: bytes = _DESCRIPTOR, layers: bytes = b"[]", more: bytes = b""
) -> bytes:
    head = b'{"schemaVersion":2,"mediaType":"%s","config":' % _OCI.encode()
    return head + config + b',"layers":' + layers + more + b"}"


#: What is refused as an OCI manifest, and why it is odd.
BAD_MANIFESTS: tuple[tuple[str, bytes], ...] = (
    ("nothing", b""),
    ("no JSON", b"nonsense"),
    ("half of it", b'{"schemaVersion":2,'),
    ("a list", b"[]"),
    ("null", b"null"),
    ("a number", b"1"),
    ("a text", b'"x"'),
    ("not UTF-8", b'{"schemaVersion":2,"x":"\xff"}'),
    ("a byte order mark", b"\xef\xbb\xbf" + _manifest()),
    ("two documents", _manifest() + _manifest()),
    ("deep lists", b'{"x":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    ("deep objects", b'{"a":' * 5000 + b"1" + b"}" * 5000),
    ("many lists", b'{"x":[' + b"[]," * 30_000 + b"[]]}"),
    ("many members", b'{"x":[' + b"1," * 110_000 + b"1]}"),
    ("a huge size", _manifest(_DESCRIPTOR.replace(b":10", b":1" + b"0" * 5000))),
    ("no config", b'{"schemaVersion":2,"layers":[]}'),
    ("config null", _manifest(b"null")),
    ("config a list", _manifest(b"[]")),
    ("config empty", _manifest(b"{}")),
    ("no digest", _manifest(b'{"mediaType":"a/b","size":1}')),
    ("digest a number", _manifest(b'{"mediaType":"a/b","digest":1,"size":1}')),
    ("digest md5", _manifest(b'{"mediaType":"a/b","digest":"md5:x","size":1}')),
    ("digest short", _manifest(b'{"mediaType":"a/b","digest":"sha256:ab","size":1}')),
    ("no size", _manifest(b'{"mediaType":"a/b","digest":"@D"}')),
    ("size a text", _manifest(b'{"mediaType":"a/b","digest":"@D","size":"10"}')),
    ("size negative", _manifest(b'{"mediaType":"a/b","digest":"@D","size":-1}')),
    ("size broken", _manifest(b'{"mediaType":"a/b","digest":"@D","size":1.5}')),
    ("size true", _manifest(b'{"mediaType":"a/b","digest":"@D","size":true}')),
    ("size NaN", _manifest(b'{"mediaType":"a/b","digest":"@D","size":NaN}')),
    ("size beyond 64 bits", _manifest(_DESCRIPTOR.replace(b":10", b":1" + b"0" * 30))),
    ("size of another blob", _manifest(_DESCRIPTOR.replace(b":10", b":11"))),
    ("no media type", _manifest(b'{"digest":"@D","size":10}')),
    ("media type a number", _manifest(b'{"mediaType":1,"digest":"@D","size":10}')),
    ("media type long", _manifest(_DESCRIPTOR.replace(b"a/b", b"a" * 300))),
    ("layers an object", _manifest(layers=b"{}")),
    ("layers of texts", _manifest(layers=b'["@D"]')),
    ("layers of null", _manifest(layers=b"[null]")),
    ("manifests too", _manifest(more=b',"manifests":[]')),
    ("another mediaType", _manifest().replace(_OCI.encode(), _INDEX.encode())),
    (
        "mediaType a number",
        _manifest(more=b',"x":1').replace(b'"' + _OCI.encode() + b'"', b"1"),
    ),
    ("schemaVersion 1", _manifest().replace(b":2,", b":1,")),
    ("schemaVersion a text", _manifest().replace(b":2,", b':"2",')),
    ("config twice", _manifest(more=b',"config":' + _DESCRIPTOR)),
    ("Config in two cases", _manifest(more=b',"Config":' + _DESCRIPTOR)),
    ("LAYERS in two cases", _manifest(more=b',"LAYERS":[]')),
    (
        "digest twice",
        _manifest(b'{"mediaType":"a/b","digest":"@D","digest":"@N","size":10}'),
    ),
    ("subject a text", _manifest(more=b',"subject":"@D"')),
    (
        "subject without size",
        _manifest(more=b',"subject":{"mediaType":"a/b","digest":"@D"}'),
    ),
    ("annotations a list", _manifest(more=b',"annotations":["x"]')),
    ("annotation a number", _manifest(more=b',"annotations":{"x":1}')),
    ("artifactType a number", _manifest(more=b',"artifactType":1')),
    ("a lone surrogate", _manifest(more=b',"annotations":{"x":"\\ud800"}')),
)


def _manifests() -> list[Row]:
    rows: list[Row] = []
    typed = {"Content-Type": _OCI}
    target = "/v2/team/app/manifests/new"
    for _, body in BAD_MANIFESTS:
        rows.append(("PUT", target, typed, body, 400, "MANIFEST_INVALID"))
    absent = _manifest(_DESCRIPTOR.replace(b"@D", b"@N"))
    rows.append(("PUT", target, typed, absent, 400, "MANIFEST_BLOB_UNKNOWN"))
    layers = b"[" + _DESCRIPTOR.replace(b"@D", b"@N") + b"]"
    absent = _manifest(layers=layers)
    rows.append(("PUT", target, typed, absent, 400, "MANIFEST_BLOB_UNKNOWN"))
    elsewhere = "/v2/team/other/manifests/new"
    rows.append(("PUT", elsewhere, typed, _manifest(), 400, "MANIFEST_BLOB_UNKNOWN"))
    by_digest = "/v2/team/app/manifests/@N"
    rows.append(("PUT", by_digest, typed, _manifest(), 400, "DIGEST_INVALID"))
    rows.append(("PUT", target, {}, _manifest(), 400, "MANIFEST_INVALID"))
    for media_type in ("x", "text/html", "application/json", _OCI[:-1], "a" * 300, ";"):
        row = {"Content-Type": media_type}
        rows.append(("PUT", target, row, _manifest(), 400, "MANIFEST_INVALID"))
    for media_type in (_INDEX, _LIST):
        row = {"Content-Type": media_type}
        rows.append(("PUT", target, row, _manifest(), 400, "MANIFEST_INVALID"))
    index = b'{"schemaVersion":2,"mediaType":"%s"}' % _INDEX.encode()
    row = {"Content-Type": _INDEX}
    rows.append(("PUT", target, row, index, 400, "MANIFEST_INVALID"))
    too_large = b" " * (4 * 1024 * 1024 + 1)
    rows.append(("PUT", target, typed, too_large, 413, "SIZE_INVALID"))
    foreign = b'[{"mediaType":"a/b","digest":"@N","size":1,"urls":["http://x/y"]}]'
    rows.append(("PUT", target, typed, _manifest(layers=foreign), 201, ""))
    parameters = {"Content-Type": f"{_OCI}; charset=utf-8"}
    rows.append(("PUT", target, parameters, _manifest(), 201, ""))
    capitals = {"Content-Type": _OCI.upper()}
    rows.append(("PUT", target, capitals, _manifest(), 201, ""))
    rows.append(("PUT", target, typed, _manifest(more=b',"x":null'), 201, ""))
    rows.append(("PUT", target, typed, b"\r\n" + _manifest() + b"\n", 201, ""))
    return rows


MANIFESTS = _manifests()
