"""Images for tests: a manifest's bytes with its blobs."""

import json
from dataclasses import dataclass

from pullthrough.spec import mediatypes
from pullthrough.spec.digest import Digest


@dataclass(frozen=True)
class MadeImage:
    """An OCI image: the manifest, and its blobs by digest."""

    manifest: bytes
    digest: Digest
    blobs: dict[Digest, bytes]
    media_type: str = mediatypes.OCI_MANIFEST


def make_image(
    *layers: bytes, config: bytes = b'{"architecture":"amd64"}'
) -> MadeImage:
    """An image of these layers."""

    def descriptor(content: bytes, media_type: str) -> dict[str, object]:
        digest = str(Digest.of(content))
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    document = {
        "schemaVersion": 2,
        "mediaType": mediatypes.OCI_MANIFEST,
        "config": descriptor(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [
            descriptor(layer, "application/vnd.oci.image.layer.v1.tar")
            for layer in layers
        ],
    }
    body = json.dumps(document, indent=3).encode()
    blobs = {Digest.of(content): content for content in (config, *layers)}
    return MadeImage(body, Digest.of(body), blobs)
