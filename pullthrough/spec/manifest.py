"""Manifests: what their JSON says, read within limits.

The bytes are the manifest; what is read here only tells what they refer to.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pullthrough.spec import documents, mediatypes, schema1
from pullthrough.spec.descriptor import Descriptor, ForeignLayer
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode, InvalidText

#: The largest manifest taken or fetched, in bytes. distribution-spec, "Pushing
#: Manifests": "Registries SHOULD ... support manifests of at least 4 megabytes".
LARGEST_MANIFEST = 4 * 1024 * 1024

#: Most referrers on one page of an upstream's.
MOST_LISTED = 5_000

#: A media type, roughly: artifacts are not pedantic about it, but it must fit into a
#: header (RFC 6838 section 4.2: at most 127 characters for each half).
_TYPE = re.compile(r"[\x20-\x7e]{0,255}")

#: image-spec, descriptor.md: "size" is an int64.
_SIZES = range(2**63)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a manifest refers to.

    :ivar blobs: the config first, then the layers; without foreign layers.
    :ivar manifests: what an index lists.
    :ivar annotations: as compact JSON text, or empty.
    """

    blobs: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()
    foreign: tuple[ForeignLayer, ...] = ()
    subject: Digest | None = None
    artifact_type: str = ""
    annotations: str = ""


def digest_of(body: bytes, media_type: str, algorithm: str = "sha256") -> Digest:
    """The digest that names a manifest: of its bytes, or of a signed payload.

    :raises InvalidText: when a signed schema 1 manifest has no signature.
    """
    if media_type == mediatypes.DOCKER_SCHEMA1_SIGNED:
        body = schema1.payload(body, load)
    return Digest.of(body, algorithm)


def media_type_of(body: bytes, declared: str) -> str:
    """The media type of a manifest, given what ``Content-Type`` said.

    A type that says nothing (``application/json``, octets, text) gives way to the
    ``mediaType`` in the document, or to what its fields show.

    :raises InvalidText: when neither tells.
    """
    declared = mediatypes.essence(declared)
    if declared not in ("", "application/json", "text/plain", mediatypes.OCTET_STREAM):
        return declared
    document = load(body)
    written = document.get("mediaType")
    if isinstance(written, str) and written:
        return written
    if document.get("schemaVersion") == 1:
        signed = "signatures" in document
        return mediatypes.DOCKER_SCHEMA1_SIGNED if signed else mediatypes.DOCKER_SCHEMA1
    if "manifests" in document:
        return mediatypes.OCI_INDEX
    if "config" in document:
        return mediatypes.OCI_MANIFEST
    raise _invalid("the manifest does not tell its media type")


#: The fields that mean something; anything else may be a label.
_FIELDS = frozenset(
    [
        "schemaVersion",
        "mediaType",
        "config",
        "layers",
        "manifests",
        "subject",
        "artifactType",
        "annotations",
        "digest",
        "size",
        "urls",
        "data",
        "platform",
        "fsLayers",
        "blobSum",
        "history",
        "signatures",
    ]
)

# Go's encoding/json takes a field in any case, by Unicode's folding: U+017F for an s.
_FOLDED = frozenset(field.casefold() for field in _FIELDS)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object without a key that stands twice, or a field in two cases.

    Of two equal keys Python takes the last, others the first; Go matches fields
    whatever their case. A document that holds both means two things.
    """
    found = dict(pairs)
    fields = [key.casefold() for key in found if key.casefold() in _FOLDED]
    if len(found) != len(pairs) or len(set(fields)) != len(fields):
        raise _invalid("a key stands twice in an object, or in two cases")
    return found


def load(body: bytes, strict: bool = False) -> dict[str, Any]:
    """Read the JSON object of a manifest, within limits.

    :param strict: refuse keys that stand twice, as for what is pushed to us.
    :raises InvalidText: when it is none, or too large or too deep.
    """
    if len(body) > LARGEST_MANIFEST:
        raise _invalid(f"a manifest has at most {LARGEST_MANIFEST} bytes")
    try:
        document = documents.read(body, _once if strict else None)
        if b"\\u" in body:
            # Half of a surrogate pair is no character; each reader makes of it what
            # it likes.
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except InvalidText:
        raise
    except documents.TooRich as error:
        raise _invalid(f"of a manifest {error}") from error
    except (ValueError, RecursionError) as error:
        raise _invalid("a manifest is a JSON object, in UTF-8") from error
    if not isinstance(document, dict):
        raise _invalid("a manifest is a JSON object")
    return document


def parse(body: bytes, media_type: str, strict: bool = False) -> Parsed:
    """Read what a manifest of that media type refers to.

    A type that we do not know is read as an OCI image manifest or index, by what
    it has, so that no artifact is refused for being new.

    :param strict: see :func:`load`.
    :raises InvalidText: MANIFEST_INVALID, and why.
    """
    if not _TYPE.fullmatch(media_type):
        raise _invalid("a media type has at most 255 printable characters")
    document = load(body, strict)
    if strict:
        _well_spelled(document)
    if media_type in mediatypes.SCHEMA1:
        return _schema1(document)
    _one_meaning(document, media_type)
    blobs, foreign = _layers(document)
    return Parsed(
        blobs=blobs,
        manifests=tuple(_descriptors(document.get("manifests"), "manifests")),
        foreign=foreign,
        subject=_subject(document),
        artifact_type=_artifact_type(document, strict),
        annotations=_annotations(document, strict),
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of an index of referrers, as a registry lists it."""

    descriptor: Descriptor
    artifact_type: str
    annotations: str


def listed_referrers(body: bytes) -> list[Listed]:
    """The entries of an index of referrers.

    :raises InvalidText: when it is no index.
    """
    document = load(body)
    if "manifests" not in document:
        raise _invalid("an index needs 'manifests'")
    entries = _list(document.get("manifests"), "manifests")
    if len(entries) > MOST_LISTED:
        raise _invalid(f"at most {MOST_LISTED} referrers are read at once")
    return [
        Listed(
            _descriptor(entry, f"manifests[{index}]"),
            _artifact_type(entry, strict=False),
            _annotations(entry, strict=False),
        )
        for index, entry in enumerate(entries)
    ]


def _well_spelled(document: dict[str, Any]) -> None:
    """Refuse a field in another case, which is one for Go and none for us."""
    objects = [document, document.get("config"), document.get("subject")]
    for name in ("layers", "manifests", "fsLayers"):
        objects += _list(document.get(name), name)
    for one in objects:
        for key in one if isinstance(one, dict) else ():
            if key not in _FIELDS and key.casefold() in _FOLDED:
                raise _invalid(f"{key!r} is a field in another case")


def _one_meaning(document: dict[str, Any], media_type: str) -> None:
    # OCI image-spec, image-index.md and manifest.md, CVE-2021-41190: "manifests"
    # and "layers"/"config" in one document read differently by different clients.
    if "manifests" in document and ("layers" in document or "config" in document):
        raise _invalid("a manifest has either 'manifests' or 'config' and 'layers'")
    written = document.get("mediaType", media_type)
    if written != media_type:
        raise _invalid("'mediaType' and the Content-Type header must be equal")
    if document.get("schemaVersion", 2) != 2:
        raise _invalid("'schemaVersion' must be 2")
    if media_type in mediatypes.INDEXES and "manifests" not in document:
        raise _invalid("an index needs 'manifests'")
    if media_type in mediatypes.IMAGES and "config" not in document:
        raise _invalid("an image manifest needs 'config'")


def _layers(
    document: dict[str, Any],
) -> tuple[tuple[Descriptor, ...], tuple[ForeignLayer, ...]]:
    """The config and the layers, apart from those that are foreign."""
    blobs: list[Descriptor] = []
    foreign: list[ForeignLayer] = []
    if "config" in document:
        blobs.append(_descriptor(document["config"], "config"))
    for index, layer in enumerate(_list(document.get("layers"), "layers")):
        descriptor = _descriptor(layer, f"layers[{index}]")
        # A foreign layer is named by "urls" and is not pushed to a registry
        # (image-spec, layer.md, "Non-Distributable Layers").
        if urls := _urls(layer):
            foreign.append(ForeignLayer(descriptor, urls))
        else:
            blobs.append(descriptor)
    return tuple(blobs), tuple(foreign)


def _urls(layer: dict[str, Any]) -> tuple[str, ...]:
    urls = layer.get("urls")
    if not isinstance(urls, list):
        return ()
    return tuple(url for url in urls if isinstance(url, str))


def _schema1(document: dict[str, Any]) -> Parsed:
    found = []
    for index, layer in enumerate(_list(document.get("fsLayers"), "fsLayers")):
        if not isinstance(layer, dict):
            raise _invalid(f"fsLayers[{index}] must be an object")
        digest = _digest(layer.get("blobSum"), f"fsLayers[{index}].blobSum")
        # Schema 1 does not tell sizes; 0 stands for "not told".
        found.append(Descriptor(mediatypes.OCTET_STREAM, digest, 0))
    return Parsed(blobs=tuple(dict.fromkeys(found)))


def _descriptors(value: Any, where: str) -> Iterable[Descriptor]:
    for index, item in enumerate(_list(value, where)):
        yield _descriptor(item, f"{where}[{index}]")


def _descriptor(value: Any, where: str) -> Descriptor:
    if not isinstance(value, dict):
        raise _invalid(f"{where} must be a descriptor")
    size = value.get("size")
    if isinstance(size, bool) or not isinstance(size, int) or size not in _SIZES:
        raise _invalid(f"{where}.size must be a number of bytes")
    media_type = value.get("mediaType")
    if not isinstance(media_type, str) or not _TYPE.fullmatch(media_type):
        raise _invalid(f"{where}.mediaType must be a media type")
    return Descriptor(media_type, _digest(value.get("digest"), where), size)


def _digest(value: Any, where: str) -> Digest:
    if not isinstance(value, str):
        raise _invalid(f"{where} needs a digest")
    try:
        return Digest.parse(value)
    except InvalidText as error:
        raise _invalid(f"{where}: {error.detail}") from error


def _subject(document: dict[str, Any]) -> Digest | None:
    if document.get("subject") is None:
        return None
    return _descriptor(document["subject"], "subject").digest


def _artifact_type(document: dict[str, Any], strict: bool) -> str:
    # distribution-spec, "Listing Referrers": "If the artifactType is empty or
    # missing in the image manifest, the value of artifactType MUST be set to the
    # config descriptor mediaType value".
    written = document.get("artifactType")
    if isinstance(written, str) and written and _TYPE.fullmatch(written):
        return written
    if strict and written not in (None, ""):
        raise _invalid("'artifactType' must be a media type")
    config = document.get("config")
    found = config.get("mediaType") if isinstance(config, dict) else None
    return found if isinstance(found, str) and _TYPE.fullmatch(found) else ""


def _annotations(document: dict[str, Any], strict: bool) -> str:
    annotations = document.get("annotations")
    if not annotations:
        return ""
    # image-spec, annotations.md: "a key-value map where both the key and value MUST be
    # strings".
    if not isinstance(annotations, dict) or not all(
        isinstance(value, str) for value in annotations.values()
    ):
        if strict:
            raise _invalid("'annotations' must be an object of strings")
        return ""
    return json.dumps(annotations, separators=(",", ":"), ensure_ascii=False)


def _list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _invalid(f"'{where}' must be a list")
    return value


def _invalid(detail: str) -> InvalidText:
    return InvalidText(ErrorCode.MANIFEST_INVALID, detail)
