"""PUT and DELETE of manifests, DELETE of blobs, and uploads."""

from collections.abc import Sequence

from pullthrough.errors import Invalid, OutOfOrder, TooLarge
from pullthrough.interfaces import IUpload, IWritableRepository
from pullthrough.spec.digest import Digest, hasher
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.manifest import LARGEST_MANIFEST
from pullthrough.spec.mediatypes import essence
from pullthrough.spec.names import ImageName
from pullthrough.spec.ranges import held, parse_chunk_range
from pullthrough.spec.reference import Tag
from pullthrough.spec.routes import (
    BlobRoute,
    ManifestRoute,
    UploadRoute,
    UploadsRoute,
)
from pullthrough.web.call import Call
from pullthrough.web.exchange import Disconnected

#: What clients are told to put into a chunk at least, in bytes: each is made durable
#: before it is answered. Smaller ones are taken all the same.
LEAST_CHUNK = 1024 * 1024


async def put_manifest(
    call: Call,
    repository: IWritableRepository,
    route: ManifestRoute,
    overwrite: bool,
) -> None:
    """PUT of a manifest (end-7).

    :param overwrite: whether the client may move tags.
    """
    media_type = essence(call.head.get("content-type"))
    if not media_type:
        raise Invalid(
            ErrorCode.MANIFEST_INVALID, "the Content-Type header must say what it is"
        )
    try:
        body = await call.exchange.read(LARGEST_MANIFEST)
    except TooLarge as error:
        raise TooLarge(f"a manifest has at most {LARGEST_MANIFEST} bytes") from error
    tags = []
    if isinstance(route.reference, Digest):
        tags = [Tag(name) for name in dict.fromkeys(call.parameters.get("tag", []))]
    record = await repository.put_manifest(
        route.image, route.reference, media_type, body, tags, overwrite
    )
    for reference in (route.reference, *tags):
        call.changed("push", route.image, reference, record.descriptor.digest)
    headers = [
        ("Location", call.url(f"/v2/{route.image}/manifests/{route.reference}")),
        ("Docker-Content-Digest", str(record.descriptor.digest)),
    ]
    if record.subject is not None:
        headers.append(("OCI-Subject", str(record.subject)))
    headers += [("OCI-Tag", tag.name) for tag in tags]
    call.answer(201, headers)


async def delete_manifest(
    call: Call, repository: IWritableRepository, route: ManifestRoute
) -> None:
    """DELETE of a tag, or of a manifest with its tags (end-9)."""
    if isinstance(route.reference, Tag):
        await repository.delete_tag(route.image, route.reference)
    else:
        await repository.delete_manifest(route.image, route.reference)
    call.changed("delete", route.image, route.reference)
    call.answer(202, [])


async def delete_blob(
    call: Call, repository: IWritableRepository, route: BlobRoute
) -> None:
    """DELETE of a blob (end-10)."""
    await repository.delete_blob(route.image, route.digest)
    call.changed("delete", route.image, digest=route.digest)
    call.answer(202, [])


async def begin_upload(
    call: Call,
    repository: IWritableRepository,
    route: UploadsRoute,
    sources: Sequence[ImageName],
) -> None:
    """POST of an upload (end-4, end-11): mounted, whole at once, or to be continued.

    :param sources: images to mount from, which the client may read.
    """
    for source in sources:
        digest = Digest.parse(call.parameter("mount"))
        if await repository.mount(route.image, digest, source):
            call.changed("mount", route.image, source, digest)
            _answer_blob(call, route.image, digest)
            return
    whole = call.parameter("digest")
    wanted = Digest.parse(whole) if whole else None
    algorithm = wanted.algorithm if wanted else call.parameter("digest-algorithm")
    if algorithm:
        hasher(algorithm)
    principal = call.identity.principal
    upload = await repository.begin_upload(
        route.image, principal, algorithm or "sha256"
    )
    if wanted is not None:
        await _finish(call, route.image, upload, wanted)
    else:
        offset = await upload.checkpoint()
        headers = _standing(call, route.image, upload.identifier, offset)
        headers.append(("OCI-Chunk-Min-Length", str(LEAST_CHUNK)))
        call.answer(202, headers)


async def append(
    call: Call, repository: IWritableRepository, route: UploadRoute
) -> None:
    """PATCH of an upload (end-5)."""
    upload = await _open(call, repository, route)
    await _receive(call, upload)
    await _pause(call, route.image, upload)


async def finish_upload(
    call: Call, repository: IWritableRepository, route: UploadRoute
) -> None:
    """PUT of an upload (end-6), with or without a last chunk."""
    digest = Digest.parse(call.parameter("digest"))
    upload = await _open(call, repository, route)
    await _finish(call, route.image, upload, digest)


async def _open(
    call: Call, repository: IWritableRepository, route: UploadRoute
) -> IUpload:
    """Open the session, where the chunk says that it stands."""
    principal = call.identity.principal
    upload = await repository.upload(route.image, route.identifier, principal)
    stated = call.head.get("content-range")
    length = call.head.length
    refusal = _chunk_refusal(stated, length, upload.offset) if stated else None
    if refusal is not None:
        await upload.checkpoint()
        raise refusal
    return upload


def _chunk_refusal(stated: str, length: int | None, offset: int) -> Invalid | None:
    """Why a chunk with that ``Content-Range`` is not taken, or None.

    :param length: its bytes, where they are told beforehand.
    :param offset: where the session stands, in bytes.
    """
    chunk = parse_chunk_range(stated)
    if chunk is None:
        return Invalid(
            ErrorCode.BLOB_UPLOAD_INVALID,
            "Content-Range must be FIRST-LAST, both counted from 0",
        )
    if chunk.start != offset:
        return OutOfOrder(offset)
    if length not in (None, chunk.end - chunk.start):
        return Invalid(
            ErrorCode.SIZE_INVALID,
            f"Content-Range promises {chunk.end - chunk.start} bytes,"
            f" Content-Length {length}",
        )
    return None


async def _receive(call: Call, upload: IUpload) -> None:
    """Take the body; what came of a broken one stays, to be continued."""
    try:
        await call.exchange.deliver(upload)
    except Disconnected:
        await upload.checkpoint()
        raise


async def _finish(
    call: Call, image: ImageName, upload: IUpload, digest: Digest
) -> None:
    await _receive(call, upload)
    await upload.commit(digest)
    call.changed("upload", image, digest=digest)
    _answer_blob(call, image, digest)


async def _pause(call: Call, image: ImageName, upload: IUpload) -> None:
    offset = await upload.checkpoint()
    call.answer(202, _standing(call, image, upload.identifier, offset))


def _answer_blob(call: Call, image: ImageName, digest: Digest) -> None:
    call.answer(
        201,
        [
            ("Location", call.url(f"/v2/{image}/blobs/{digest}")),
            ("Docker-Content-Digest", str(digest)),
        ],
    )


def _standing(
    call: Call, image: ImageName, identifier: str, offset: int
) -> list[tuple[str, str]]:
    return [
        ("Location", call.url(f"/v2/{image}/blobs/uploads/{identifier}")),
        ("Docker-Upload-UUID", identifier),
        ("Range", held(offset)),
    ]


async def tell_upload(
    call: Call, repository: IWritableRepository, route: UploadRoute
) -> None:
    """GET of an upload's state (end-13)."""
    principal = call.identity.principal
    offset = await repository.upload_offset(route.image, route.identifier, principal)
    call.answer(204, _standing(call, route.image, route.identifier, offset))


async def cancel_upload(
    call: Call, repository: IWritableRepository, route: UploadRoute
) -> None:
    """DELETE of an upload (end-14)."""
    principal = call.identity.principal
    upload = await repository.upload(route.image, route.identifier, principal)
    await upload.cancel()
    call.answer(204, [])
