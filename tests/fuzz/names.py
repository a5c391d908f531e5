"""Image names, digests, references, and where they lie in a store."""

import re
from pathlib import Path
from urllib.parse import quote

from pullthrough.spec.digest import Digest, hasher
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.names import LONGEST_NAME, ImageName
from pullthrough.spec.reference import Tag, fallback_tag, parse_reference
from pullthrough.storage.layout import Layout, digest_at
from tests.fuzz.feed import Target, text

#: distribution-spec v1.1, "Pulling manifests", as it stands there.
NAME = re.compile(
    r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
)
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")

#: image-spec v1.1, descriptor.md, "Registered Algorithms".
DIGEST = re.compile(r"sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}")

_EMPTY = b"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_LONG = b"sha512:" + b"0123456789abcdef" * 8

_ROOT = Path("/srv/store")


def names(data: bytes) -> None:
    """Taken is what the specification's own pattern takes, up to 255 characters."""
    given = text(data)
    fits = len(given) <= LONGEST_NAME and NAME.fullmatch(given) is not None
    try:
        name = ImageName(given)
    except InvalidText as error:
        assert error.code is ErrorCode.NAME_INVALID
        assert not fits, "a name was refused"
        return
    assert fits, "what is no name was taken"
    assert str(name) == given
    assert name.one_part == (given.count("/") == 0)
    assert quote(given) == given, "a name needs no escapes in a URL"
    for part in given.split("/"):
        assert part.strip("._-") == part, "a part of a name could lead elsewhere"


def digests(data: bytes) -> None:
    """Taken is what the specification's patterns take; it renders to itself, and lies
    in the store where no separator but the layout's own is."""
    given = text(data)
    fits = DIGEST.fullmatch(given) is not None
    try:
        digest = Digest.parse(given)
    except InvalidText as error:
        assert error.code is ErrorCode.DIGEST_INVALID
        assert not fits, "a digest was refused"
        return
    assert fits, "what is no digest was taken"
    assert str(digest) == given
    assert Digest.parse(str(digest)) == digest
    hasher(digest.algorithm)
    _lies_well(digest)
    assert TAG.fullmatch(fallback_tag(digest).name)


def _lies_well(digest: Digest) -> None:
    layout = Layout(_ROOT)
    path = layout.blob(digest)
    algorithm, hexes = str(digest).split(":")
    assert path.relative_to(_ROOT).parts == ("content", algorithm, hexes[:2], hexes)
    assert digest_at(path.parent.parent.name, path.name) == digest
    aside = layout.aside(digest).relative_to(_ROOT)
    assert aside.parts == ("quarantine", f"{algorithm}-{hexes}")


def contents(data: bytes) -> None:
    """The digest of any content can be read back, and lies well."""
    for algorithm in ("sha256", "sha512"):
        digest = Digest.of(data, algorithm)
        assert Digest.parse(str(digest)) == digest
        _lies_well(digest)


def references(data: bytes) -> None:
    """A tag by the specification's pattern, or a digest; never both, and it renders to
    itself."""
    given = text(data)
    tag, digest = TAG.fullmatch(given), DIGEST.fullmatch(given)
    try:
        reference = parse_reference(given)
    except InvalidText as error:
        assert error.code in (ErrorCode.TAG_INVALID, ErrorCode.DIGEST_INVALID)
        assert tag is None
        assert digest is None
        return
    assert isinstance(reference, Tag) == (tag is not None)
    assert isinstance(reference, Digest) == (digest is not None)
    assert str(reference) == given
    assert quote(given, safe=":") == given


def keys(data: bytes) -> None:
    """A key of an ingest is the name of a file in the folder of ingests."""
    given = text(data)
    layout = Layout(_ROOT)
    try:
        path = layout.ingest(given)
    except ValueError:
        assert not re.fullmatch("[a-f0-9-]{16,64}", given), "a session's key is refused"
        return
    assert path.relative_to(_ROOT).parts == ("ingest", given)
    assert path.name not in (".", "..")


_NAMES = (
    b"alpine",
    b"library/redis",
    b"a.b_c__d---e/f",
    b"a..b",
    b"a___b",
    b"Upper/case",
    b"a/../b",
    b"a//b",
    b"-a",
    b"a-",
    b"a" * 255,
    b"a" * 256,
    b"a\n",
    "é/a".encode(),
)

TARGETS = (
    Target(names, _NAMES, (b"__", b"---", b"/", b"..", b"%2f", b"\x00")),
    Target(
        digests,
        (
            _EMPTY,
            _LONG,
            _EMPTY.upper(),
            _EMPTY + b"\n",
            _EMPTY[:-1],
            _LONG[:71],
            b"sha512" + _EMPTY[6:],
            b"sha256:../../../../etc/passwd",
            b"md5:d41d8cd98f00b204e9800998ecf8427e",
            b"sha256+b64:abc",
            b":",
        ),
        (b"sha256:", b"sha512:", b"/", b"..", b"\xd9\xa3"),
    ),
    Target(contents, (b"", b"x", b"\x00" * 64)),
    Target(
        references,
        (_EMPTY, b"latest", b"v1.2.3-rc_4", b".x", b"-x", b"a" * 129, b"a\n", b"a:b"),
        (b"sha256:", b".", b"-", b"/"),
    ),
    Target(
        keys,
        (b"0123456789abcdef", b"a-b", b"..", b"a/b", b"", b"a" * 65, b"a\n", b"."),
        (b"/", b"..", b"\x00"),
    ),
)
