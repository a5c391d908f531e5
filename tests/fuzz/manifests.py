"""Manifests: what is read out of any JSON, bombs, and signed payloads."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

from pullthrough.spec import mediatypes
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.manifest import (
    Parsed,
    digest_of,
    listed_referrers,
    load,
    media_type_of,
    parse,
)
from tests.fuzz.feed import Feed, Target

_TYPES = (
    mediatypes.OCI_MANIFEST,
    mediatypes.OCI_INDEX,
    mediatypes.DOCKER_MANIFEST,
    mediatypes.DOCKER_LIST,
    mediatypes.DOCKER_SCHEMA1,
    mediatypes.DOCKER_SCHEMA1_SIGNED,
    "application/vnd.new+json",
    "application/json",
    "",
)

_PRINTABLE = re.compile("[ -~]{0,255}")

#: Most of each sign that a manifest may have (reliability, section 2.3).
_CAPS = ((b"{", 20_000), (b"[", 20_000), (b",", 100_000))


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object as it is for readers that take the first of equal keys."""
    return dict(reversed(pairs))


def _folded(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object as Go reads it: keys in any case, by Unicode's simple folding, and the
    last of equal ones."""
    return {_fold(key): value for key, value in pairs}


def _fold(key: str) -> str:
    # encoding/json: U+017F folds to "s" and U+212A to "k".
    return key.replace("\u017f", "s").replace("\u212a", "k").lower()


def _read(body: bytes, pairs: Callable[[Any], Any] | None = None) -> Any:
    # Numbers as they are written: Python reads none of more than 4300 digits.
    return json.loads(body.decode(), object_pairs_hook=pairs, parse_int=str)


def _digests(document: dict[str, Any], fold: Callable[[str], str]) -> set[str]:
    """The digests that a document refers to, as plainly as they can be read."""
    places = [document.get(fold(name)) for name in ("config", "subject")]
    for name in ("layers", "manifests"):
        listed = document.get(fold(name))
        places += listed if isinstance(listed, list) else []
    found = [one.get("digest") for one in places if isinstance(one, dict)]
    return set(filter(None, found))


def _sums(document: dict[str, Any], fold: Callable[[str], str]) -> set[str]:
    """The same of schema 1."""
    listed = document.get(fold("fsLayers")) or []
    return {str(one.get(fold("blobSum"))) for one in listed if isinstance(one, dict)}


def _referred(parsed: Parsed) -> set[str]:
    found = [*parsed.blobs, *parsed.manifests]
    found += [one.descriptor for one in parsed.foreign]
    digests = {str(one.digest) for one in found}
    return digests | ({str(parsed.subject)} if parsed.subject else set())


def _well_typed(descriptor: Descriptor) -> None:
    assert type(descriptor.size) is int
    assert 0 <= descriptor.size < 2**63
    assert _PRINTABLE.fullmatch(descriptor.media_type)
    assert Digest.parse(str(descriptor.digest)) == descriptor.digest


def manifests(data: bytes) -> None:
    """What is taken from a pusher means the same to readers that take the first of two
    keys, and to those that take any case; everything in it has its type."""
    feed = Feed(data)
    media_type, body = feed.pick(_TYPES), feed.rest()
    try:
        media_type = media_type_of(body, media_type)
    except InvalidText as error:
        assert error.code is ErrorCode.MANIFEST_INVALID
        return
    try:
        parsed = parse(body, media_type)
    except InvalidText as error:
        assert error.code is ErrorCode.MANIFEST_INVALID
        _refused(body, media_type)
        return
    assert _PRINTABLE.fullmatch(media_type)
    for one in (*parsed.blobs, *parsed.manifests):
        _well_typed(one)
    for layer in parsed.foreign:
        _well_typed(layer.descriptor)
        assert layer.urls
        assert all(isinstance(url, str) for url in layer.urls)
    assert _PRINTABLE.fullmatch(parsed.artifact_type)
    document = _read(body)
    if parsed.annotations:
        assert json.loads(parsed.annotations) == document["annotations"]
        assert all(isinstance(it, str) for it in document["annotations"].values())
    plain = _sums if media_type in mediatypes.SCHEMA1 else _digests
    assert _referred(parsed) == plain(document, str)
    try:
        strict = parse(body, media_type, strict=True)
    except InvalidText:
        return
    assert strict == parsed, "a pusher's manifest means something else to us"
    assert _read(body, _first) == _read(body)
    read_by_go = _read(body, _folded)
    assert plain(read_by_go, _fold) == _referred(parsed), "Go reads it otherwise"


def _refused(body: bytes, media_type: str) -> None:
    """What is refused is refused from a pusher too."""
    try:
        parse(body, media_type, strict=True)
    except InvalidText:
        return
    raise AssertionError("what is refused from upstreams is taken from pushers")


_UNITS = (
    b"[",
    b"{",
    b'{"a":',
    b"[],",
    b"{},",
    b"1,",
    b'{"layers":[',
    b'"\\ud800",',
    b'"\\u00e4",',
    b"9",
    b"-",
    b" ",
    b'"a":',
    b"]",
    b"}",
    b'"',
    b"\\",
    b"\xff",
    b'{"config":',
    b'"manifests":[',
)
_TIMES = (1, 2, 3, 64, 999, 1001, 4301, 20_000, 20_001, 100_001)


def bombs(data: bytes) -> None:
    """However often something stands in it: an error of ours or an object within the
    caps, whichever way the bytes come in."""
    feed = Feed(data)
    pieces: list[bytes] = []
    while feed and len(pieces) < 12:
        pieces.append(feed.pick(_UNITS) * feed.pick(_TIMES))
    body = b"".join(pieces)
    loads: bool = _invalid(lambda: load(body)) is None
    if loads:
        for sign, cap in _CAPS:
            assert body.count(sign) <= cap
        assert isinstance(_read(body), dict)
    for media_type in _TYPES:
        strict = _invalid(lambda: parse(body, media_type, strict=True))  # noqa: B023
        assert loads or strict is not None
    signed = _invalid(lambda: digest_of(body, mediatypes.DOCKER_SCHEMA1_SIGNED))
    assert loads or signed is not None, "a bomb goes off when its digest is made"
    inner = _signed(b"{}", body)
    _invalid(lambda: digest_of(inner, mediatypes.DOCKER_SCHEMA1_SIGNED))
    _invalid(lambda: listed_referrers(body))


def _invalid(run: Callable[[], object]) -> InvalidText | None:
    try:
        run()
    except InvalidText as error:
        return error
    return None


def _signed(before: bytes, protected: bytes) -> bytes:
    text = base64.urlsafe_b64encode(protected).rstrip(b"=")
    return before[:-1] + b'"signatures":[{"protected":"' + text + b'"}]}'


def signed(data: bytes) -> None:
    """The digest of a signed manifest is that of the payload that was signed; of any
    bytes it is that of a beginning of them with a tail."""
    feed = Feed(data)
    tail, rest = feed.take(), feed.rest()
    payload = json.dumps({"schemaVersion": 1, "name": rest.hex()}, indent=3).encode()
    start, end = payload[:-2], b"\n}" + tail
    encoded = base64.urlsafe_b64encode(end).rstrip(b"=").decode()
    header = {"formatLength": len(start), "formatTail": encoded}
    protected = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")
    body = start + b',"signatures":[{"protected":"' + protected + b'"}]}'
    assert digest_of(body, mediatypes.DOCKER_SCHEMA1_SIGNED) == Digest.of(start + end)
    _invalid(lambda: digest_of(rest, mediatypes.DOCKER_SCHEMA1_SIGNED))
    _invalid(lambda: digest_of(_signed(b"{}", rest), mediatypes.DOCKER_SCHEMA1_SIGNED))


def referrers(data: bytes) -> None:
    """The entries of an upstream's index: each with its type, each can be told on."""
    try:
        found = listed_referrers(data)
    except InvalidText as error:
        assert error.code is ErrorCode.MANIFEST_INVALID
        return
    listed = _read(data)["manifests"] or []
    assert [str(one.descriptor.digest) for one in found] == [
        one["digest"] for one in listed
    ]
    for one in found:
        _well_typed(one.descriptor)
        assert _PRINTABLE.fullmatch(one.artifact_type), one.artifact_type
        if one.annotations:
            told = json.loads(one.annotations)
            assert isinstance(told, dict)
            assert all(isinstance(value, str) for value in told.values())


_HEX = b"0123456789abcdef" * 4
_DESCRIPTOR = b'{"mediaType":"a/b","digest":"sha256:' + _HEX + b'","size":5}'
_OTHER = _DESCRIPTOR.replace(b"0", b"f")
_IMAGE = (
    b'{"schemaVersion":2,"config":' + _DESCRIPTOR + b',"layers":[' + _OTHER + b"],"
    b'"subject":' + _DESCRIPTOR + b',"artifactType":"x/y","annotations":{"a":"b"}}'
)
_FOREIGN = _OTHER.replace(b"}", b',"urls":["https://x/y"]}')
_LISTED = _DESCRIPTOR[:-1] + b',"config":{"mediaType":"q/r"},"annotations":{"k":"v"}}'

_WORDS = (
    b'"config":',
    b'"layers":',
    b'"Layers":',
    b'"manifests":',
    b'"subject":',
    b'"artifactType":',
    b'"annotations":',
    b'"mediaType":',
    b'"digest":',
    b'"size":',
    b'"\xc5\xbfize":',
    b'"urls":',
    b'"fsLayers":',
    b'"blobSum":',
    b'"schemaVersion":',
    b'"\\u0073ize":',
    b"null",
    b"NaN",
    b"9223372036854775807",
    _DESCRIPTOR,
    _OTHER,
)

TARGETS = (
    Target(
        manifests,
        (
            b"\x00" + _IMAGE,
            b"\x00" + _IMAGE.replace(_OTHER, _FOREIGN),
            b"\x00" + _IMAGE.replace(b'"layers"', b'"Layers"'),
            b"\x00" + _IMAGE.replace(b'"size":5', b'"size":5,"\xc5\xbfize":6', 1),
            b"\x00" + _IMAGE.replace(_OTHER, _OTHER[:-1] + b',"digest":"x"}'),
            b"\x00"
            + _IMAGE.replace(_OTHER, _OTHER[:-1] + b',"dige\xc5\xbft":"sha256:0"}'),
            b'\x01{"schemaVersion":2,"manifests":[' + _DESCRIPTOR + b"]}",
            b'\x04{"schemaVersion":1,"fsLayers":[{"blobSum":"sha256:' + _HEX + b'"}]}',
            b"\x00" + _IMAGE.replace(b":5}", b":9223372036854775808}"),
            b"\x07" + _IMAGE,
            b'\x08{"mediaType":"application/x\\r\\ny"}',
            b'\x06{"mediaType":"application/vnd.new+json","config":null}',
        ),
        _WORDS,
    ),
    Target(
        bombs,
        (
            b"\x00\x04",
            b"\x00\x05\x0d\x05",
            b"\x02\x04\x00\x00",
            b"\x02\x06\x09\x00\x0e\x06",
            b"\x00\x00\x03\x09\x0d\x00",
            b"\x02\x00\x09\x06\x0e\x00",
            b"\x02\x00\x07\x02\x0e\x00",
            b"\x10\x04\x0b\x04",
            b"\x06\x00\x03\x08\x09\x00\x0d\x00\x0e\x00",
            b"\x06\x00\x04\x08\x09\x00\x0d\x00\x0e\x00",
            b"\x06\x00\x05\x09\x09\x00\x0d\x00\x0e\x00",
            b"\x06\x00\x05\x08\x09\x00\x0d\x00\x0e\x00",
        ),
    ),
    Target(
        signed,
        (
            b"\x00{}",
            b"\x05\n \xff\n}[]",
            b'\x00{"formatLength":1,"formatTail":"YQ"}',
            b'\x00{"formatLength":true,"formatTail":7}',
            b'\x00{"signatures":[{"protected":"eyJ4Ijox"}]}',
            b'\x00{"signatures":{"0":1}}',
            b"\x00" + '{"signatures":[]}'.encode("utf-16"),
        ),
        (b'"formatLength":', b'"formatTail":', b'"signatures":', b'"protected":'),
    ),
    Target(
        referrers,
        (
            b'{"manifests":[' + _LISTED + b"]}",
            b'{"manifests":[' + _LISTED.replace(b"q/r", b"q\\nr") + b"]}",
            b'{"manifests":[' + _LISTED.replace(b'"q/r"', b'{"x":1}') + b"]}",
            b'{"manifests":[' + _LISTED.replace(b'"v"', b"1") + b"]}",
            b'{"manifests":null}',
            b'{"manifests":{}}',
        ),
        _WORDS,
    ),
)
