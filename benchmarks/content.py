"""Blobs and manifests to measure with: made from a number, never held in memory."""

import hashlib
import json
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024

#: Bytes that differ from blob to blob, at its begin; after them all are the same.
PREFIX = 64

#: Bytes of what all are cut from, over and over.
BASE = 32 * MIB

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob.

    :ivar size: in bytes.
    """

    number: int
    size: int
    digest: str

    @property
    def prefix(self) -> bytes:
        """Its first bytes."""
        return prefix_of(self.number)[: self.size]


def prefix_of(number: int) -> bytes:
    """The first bytes of the blob of that number."""
    return hashlib.sha512(str(number).encode()).digest()


def spans(begin: int, size: int) -> Iterator[tuple[int, int]]:
    """Where in the base the bytes from ``begin`` to ``size`` lie: begin and length."""
    while begin < size:
        inside = begin % BASE
        length = min(BASE - inside, size - begin)
        yield inside, length
        begin += length


class Contents:
    """A folder that tells an upstream what it has: ``base``, ``blobs/HEX`` with number
    and size, ``manifests/IMAGE_TAG`` and ``manifests/HEX``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._next = 0
        for name in ("blobs", "manifests"):
            (folder / name).mkdir(parents=True)
        (folder / "base").write_bytes(os.urandom(BASE))
        with (folder / "base").open("rb") as file:
            self._base = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def blob(self, size: int) -> Blob:
        """A new blob, which the upstreams have."""
        self._next += 1
        made = Blob(self._next, size, "")
        hashed = hashlib.sha256()
        for piece in self.pieces(made):
            hashed.update(piece)
        digest = hashed.hexdigest()
        (self.folder / "blobs" / digest).write_text(f"{made.number} {size}")
        return Blob(made.number, size, f"sha256:{digest}")

    def pieces(self, blob: Blob) -> Iterator[memoryview]:
        """The bytes of a blob, in order."""
        yield memoryview(blob.prefix)
        base = memoryview(self._base)
        for begin, length in spans(PREFIX, blob.size):
            yield base[begin : begin + length]

    def manifest(self, image: str, tag: str, blob: Blob) -> "Manifest":
        """A manifest with one layer, which the upstreams have."""
        one = {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": blob.digest,
            "size": blob.size,
        }
        content = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": one,
                "layers": [],
                "annotations": {"image": image, "tag": tag},
            }
        ).encode()
        hexed = hashlib.sha256(content).hexdigest()
        for name in (hexed, f"{image.replace('/', '_')}_{tag}"):
            (self.folder / "manifests" / name).write_bytes(content)
        return Manifest(image, tag, content, f"sha256:{hexed}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest."""

    image: str
    tag: str
    content: bytes
    digest: str
