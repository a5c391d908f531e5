"""A small registry in memory: what ours must be the same as.

It is told what was asked and says what the answer must be, without any of our code but
the digest's. It knows nothing of storage, transactions or HTTP.
"""

import json
from dataclasses import dataclass, field

from pullthrough.spec.digest import Digest


@dataclass
class Image:
    """One image name."""

    blobs: dict[Digest, bytes] = field(default_factory=dict)
    manifests: dict[Digest, bytes] = field(default_factory=dict)
    tags: dict[str, Digest] = field(default_factory=dict)


@dataclass
class Session:
    """An upload session."""

    user: str
    image: str
    received: bytes = b""


class Reference:
    """One repository."""

    def __init__(self) -> None:
        self.images: dict[str, Image] = {}
        self.sessions: dict[str, Session] = {}

    def _image(self, name: str) -> Image:
        return self.images.setdefault(name, Image())

    def _at(self, name: str) -> Image:
        return self.images.get(name, Image())

    # -- blobs --

    def push_blob(self, image: str, digest: Digest, content: bytes) -> int:
        """201, or 400 when the digest is another."""
        if Digest.of(content, digest.algorithm) != digest:
            return 400
        self._image(image).blobs[digest] = content
        return 201

    def blob(self, image: str, digest: Digest) -> bytes | None:
        """The content, or None for 404."""
        return self._at(image).blobs.get(digest)

    def mount(self, image: str, digest: Digest, source: str | None) -> int:
        """201 when the source, or any image, has it; else an upload begins."""
        sources = [source] if source else list(self.images)
        for name in sources:
            content = self.blob(name, digest)
            if content is not None:
                self._image(image).blobs[digest] = content
                return 201
        return 202

    def delete_blob(self, image: str, digest: Digest) -> int:
        """202, or 404."""
        return 404 if self._at(image).blobs.pop(digest, None) is None else 202

    # -- upload sessions --

    def session(self, location: str, user: str, image: str) -> Session | None:
        """The session, if it is that user's and that image's."""
        found = self.sessions.get(location)
        if found is None or (found.user, found.image) != (user, image):
            return None
        return found

    # -- manifests --

    def put_manifest(self, image: str, body: bytes, tags: list[str]) -> int:
        """201, or 400 when a blob that it needs is not the image's."""
        document = json.loads(body)
        needed = [*document.get("layers", []), *_config(document)]
        for one in needed:
            content = self.blob(image, Digest.parse(one["digest"]))
            if content is None or len(content) != one["size"]:
                return 400
        at, digest = self._image(image), Digest.of(body)
        at.manifests[digest] = body
        at.tags.update(dict.fromkeys(tags, digest))
        return 201

    def manifest(self, image: str, reference: str | Digest) -> bytes | None:
        """The bytes, or None for 404."""
        at = self._at(image)
        if isinstance(reference, str):
            found = at.tags.get(reference)
            return None if found is None else at.manifests[found]
        return at.manifests.get(reference)

    def delete(self, image: str, reference: str | Digest) -> int:
        """202, or 404; with a manifest go its tags."""
        at = self._at(image)
        if isinstance(reference, str):
            return 404 if at.tags.pop(reference, None) is None else 202
        if at.manifests.pop(reference, None) is None:
            return 404
        at.tags = {
            tag: digest for tag, digest in at.tags.items() if digest != reference
        }
        return 202

    # -- lists --

    def tags(self, image: str) -> list[str] | None:
        """In ASCII order; None for 404."""
        return sorted(self.images[image].tags) if image in self.images else None

    def catalogue(self) -> list[str]:
        """The images with a manifest."""
        return sorted(name for name, image in self.images.items() if image.manifests)

    def referrers(self, image: str, subject: Digest) -> list[str]:
        """The digests of those with that subject."""
        return sorted(
            str(digest)
            for digest, body in self._at(image).manifests.items()
            if json.loads(body).get("subject", {}).get("digest") == str(subject)
        )


def _config(document: dict[str, dict[str, object]]) -> list[dict[str, object]]:
    return [document["config"]] if "config" in document else []
