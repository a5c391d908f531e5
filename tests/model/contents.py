"""What is pushed: a few blobs, and manifests of them."""

import json
from collections.abc import Sequence

from pullthrough.spec.digest import Digest
from pullthrough.spec.mediatypes import OCI_MANIFEST

CONTENTS = (b"", b"x", b"layer one", b"layer two" * 100)
DIGESTS = tuple(
    Digest.of(content, algorithm)
    for content in CONTENTS
    for algorithm in ("sha256", "sha512")
)


def descriptor(digest: Digest, size: int, media_type: str) -> dict[str, object]:
    """A descriptor."""
    return {"mediaType": media_type, "digest": str(digest), "size": size}


def image_body(blobs: Sequence[Digest], subject: Digest | None) -> bytes:
    """An image manifest of these blobs, the first as its config."""
    described = [
        descriptor(digest, len(CONTENTS[DIGESTS.index(digest) // 2]), "a/b")
        for digest in blobs
    ]
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": described[0],
        "layers": described[1:],
    }
    if subject is not None:
        document["subject"] = descriptor(subject, 1, OCI_MANIFEST)
    return json.dumps(document).encode()
