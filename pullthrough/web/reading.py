"""GET and HEAD: manifests, blobs and lists."""

import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from urllib.parse import quote

from pullthrough.interfaces import IBlob, IReferrers, IRepository
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.mediatypes import OCI_INDEX, OCTET_STREAM
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page, next_link
from pullthrough.spec.provenance import Provenance
from pullthrough.spec.ranges import Slice, Unsatisfiable, parse_range
from pullthrough.spec.routes import (
    BlobRoute,
    ManifestRoute,
    ReferrersRoute,
    parse_page,
)
from pullthrough.values import ENOUGH, ManifestRecord, Wanted
from pullthrough.web.call import Call
from pullthrough.web.kept import plain

#: What counts as a transfer of the client's as long as one is within it.
Transfer = Callable[[Call], AbstractAsyncContextManager[None]]

#: Longest blob that is sent in one piece with its head, in bytes.
LONGEST_WHOLE = 64 * 1024

#: Most characters of a ``Warning`` (distribution-spec: at most 4096 in all).
_LONGEST_WARNING = 1024


async def read_manifest(
    call: Call, repository: IRepository, route: ManifestRoute, transfer: Transfer
) -> None:
    """GET and HEAD of a manifest (end-3).

    :param transfer: a large one goes out within it.
    """
    if call.method == "HEAD":
        resolved = await repository.resolve(route.image, route.reference)
        call.provenance = resolved.provenance
        _answer_manifest(call, resolved.descriptor, resolved.provenance)
        return
    manifest = await repository.manifest(route.image, route.reference)
    descriptor, content = manifest.descriptor, manifest.content
    call.provenance = manifest.provenance
    if content is None:
        _answer_manifest(call, descriptor, manifest.provenance, manifest.body)
        return
    try:
        if _unchanged(call, str(descriptor.digest)):
            _answer_manifest(call, descriptor, manifest.provenance)
            return
        headers = _manifest_headers(descriptor, manifest.provenance)
        headers.append(("Content-Type", descriptor.media_type))
        async with transfer(call):
            await call.stream(200, headers, content, 0, content.size)
    finally:
        await content.close()


def _answer_manifest(
    call: Call, descriptor: Descriptor, provenance: Provenance, body: bytes = b""
) -> None:
    """Answer with a small manifest, with its head alone, or with 304."""
    headers = _manifest_headers(descriptor, provenance)
    if _unchanged(call, str(descriptor.digest)):
        call.answer(304, headers)
        return
    headers += [
        ("Content-Type", descriptor.media_type),
        ("Content-Length", str(descriptor.size)),
    ]
    call.answer(200, headers, body)


def _manifest_headers(
    descriptor: Descriptor, provenance: Provenance
) -> list[tuple[str, str]]:
    return [
        ("Docker-Content-Digest", str(descriptor.digest)),
        ("ETag", f'"{descriptor.digest}"'),
        *told_warning(provenance.warning),
    ]


async def read_blob(call: Call, repository: IRepository, route: BlobRoute) -> None:
    """GET and HEAD of a blob (end-2)."""
    if call.method == "HEAD":
        size, provenance = await repository.blob_size(route.image, route.digest)
        call.provenance = provenance
        headers = _blob_headers(provenance, str(route.digest))
        call.answer(200, [*headers, ("Content-Length", str(size))])
        return
    blob = await repository.blob(route.image, route.digest)
    try:
        call.provenance = blob.provenance
        headers = _blob_headers(blob.provenance, str(route.digest))
        if _unchanged(call, str(route.digest)):
            call.answer(304, headers)
            return
        wanted = parse_range(_range(call, str(route.digest)), blob.size)
        if plain(call.head) and blob.size <= LONGEST_WHOLE:
            body = await _whole(blob)
            call.answer(200, [*headers, ("Content-Length", str(blob.size))], body)
        elif isinstance(wanted, Unsatisfiable):
            call.answer(416, [("Content-Range", f"bytes */{blob.size}")])
        elif isinstance(wanted, Slice):
            span = f"bytes {wanted.start}-{wanted.end - 1}/{blob.size}"
            headers.append(("Content-Range", span))
            blob.expect(wanted.start, wanted.end)
            await call.stream(206, headers, blob, wanted.start, wanted.end)
        else:
            await call.stream(200, headers, blob, 0, blob.size)
    finally:
        await blob.close()


async def _whole(blob: IBlob) -> bytes:
    """All of a small blob, once it is verified."""
    await blob.available(blob.size)
    pieces = []
    offset = 0
    while offset < blob.size:
        piece = await blob.read(offset, blob.size - offset)
        pieces.append(piece)
        offset += len(piece)
    return b"".join(pieces)


def _blob_headers(provenance: Provenance, digest: str) -> list[tuple[str, str]]:
    return [
        ("Content-Type", OCTET_STREAM),
        ("Docker-Content-Digest", digest),
        ("ETag", f'"{digest}"'),
        ("Accept-Ranges", "bytes"),
        *told_warning(provenance.warning),
    ]


def _unchanged(call: Call, digest: str) -> bool:
    """RFC 9110 section 13.1.2: 304 when one of If-None-Match is the entity tag."""
    for header in call.head.all("if-none-match"):
        for tag in header.split(","):
            if tag.strip().removeprefix("W/") in ("*", f'"{digest}"', digest):
                return True
    return False


def _range(call: Call, digest: str) -> str:
    """The Range header; none when If-Range names other content (RFC 9110 13.1.5)."""
    condition = call.head.get("if-range")
    if condition and condition != f'"{digest}"':
        return ""
    return call.head.get("range")


def told_warning(warning: str) -> list[tuple[str, str]]:
    """The ``Warning`` header that tells it; none for an empty text."""
    if not warning:
        return []
    text = warning.encode("ascii", "replace").decode()
    safe = "".join(char for char in text if char.isprintable() and char not in '"\\')
    return [("Warning", f'299 - "{safe[:_LONGEST_WARNING]}"')]


async def list_tags(call: Call, repository: IRepository, image: ImageName) -> None:
    """GET of an image's tags (end-8)."""
    page = parse_page(call.parameters)
    names = await repository.tags(image, page)
    name = f"{call.way.prefix}{image}"
    _answer_list(call, f"/v2/{image}/tags/list", "tags", names, {"name": name})


async def list_referrers(
    call: Call, repository: IReferrers, route: ReferrersRoute, room: int
) -> tuple[list[tuple[str, str]], bytes] | None:
    """GET of the referrers of a manifest (end-12): an index, perhaps an empty one.

    :param room: bytes that the entries may take.
    :returns: the headers and the body of the answer; None when what is wanted takes
        more, and less than :data:`ENOUGH` was given.
    """
    page = parse_page(call.parameters)
    kind = call.parameter("artifactType")
    wanted = Wanted(page, kind, room)
    found = await repository.referrers(route.image, route.digest, wanted)
    if room < ENOUGH and found.more and len(found.records) < page.n:
        return None
    path = f"/v2/{route.image}/referrers/{route.digest}"
    headers = [("Content-Type", OCI_INDEX), *told_warning(found.warning)]
    if kind:
        path += f"?artifactType={quote(kind, safe='')}"
        headers.append(("OCI-Filters-Applied", "artifactType"))
    digests = tuple(str(one.descriptor.digest) for one in found.records)
    link = next_link(call.outer(path), page, Names(digests, found.more))
    if link is not None:
        headers.append(("Link", link))
    entries = b",".join(_referrer(one) for one in found.records)
    start = f'{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":['
    return headers, b"".join((start.encode(), entries, b"]}"))


def _referrer(record: ManifestRecord) -> bytes:
    """The descriptor of a referrer as JSON, with its type and annotations."""
    found: dict[str, object] = {
        "mediaType": record.descriptor.media_type,
        "digest": str(record.descriptor.digest),
        "size": record.descriptor.size,
    }
    if record.artifact_type:
        found["artifactType"] = record.artifact_type
    text = json.dumps(found, separators=(",", ":"))
    if record.annotations:  # which are JSON already
        text = f'{text[:-1]},"annotations":{record.annotations}}}'
    return text.encode()


async def list_images(call: Call, fetch: Callable[[Page], Awaitable[Names]]) -> None:
    """GET of the catalogue.

    :param fetch: a page of what the client may see of it.
    """
    answer_images(call, await fetch(parse_page(call.parameters)))


def answer_images(call: Call, names: Names) -> None:
    """Answer with a page of the catalogue."""
    _answer_list(call, "/v2/_catalog", "repositories", names, {})


def _answer_list(
    call: Call, path: str, key: str, names: Names, fields: dict[str, str]
) -> None:
    headers = [("Content-Type", "application/json"), *told_warning(names.warning)]
    link = next_link(call.outer(path), parse_page(call.parameters), names)
    if link is not None:
        headers.append(("Link", link))
    document = {**fields, key: list(names.names)}
    call.answer(200, headers, json.dumps(document, separators=(",", ":")).encode())
