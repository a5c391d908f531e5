"""Small images that run and say which they are."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

from tests.testbed.make_images import elf_hello

_DOCKER = "application/vnd.docker"
_MANIFEST = f"{_DOCKER}.distribution.manifest.v2+json"
_CONFIG = f"{_DOCKER}.container.image.v1+json"
_LAYER = f"{_DOCKER}.image.rootfs.diff.tar.gzip"


def rootfs(words: str) -> bytes:
    """A tar with a program in it that says *words*."""
    program: bytes = elf_hello(f"{words}\n".encode())
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo("hello")
        entry.mode, entry.size = 0o755, len(program)
        tar.addfile(entry, io.BytesIO(program))
    return written.getvalue()


def image(folder: Path, words: str) -> str:
    """An image that says *words*, in skopeo's layout; the digest of its manifest."""
    folder.mkdir(parents=True)

    def put(media: str, body: bytes) -> dict[str, object]:
        hexadecimal = hashlib.sha256(body).hexdigest()
        (folder / hexadecimal).write_bytes(body)
        digest = f"sha256:{hexadecimal}"
        return {"mediaType": media, "size": len(body), "digest": digest}

    tar = rootfs(words)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/hello"]},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}"],
        },
    }
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": put(_CONFIG, json.dumps(config).encode()),
            "layers": [put(_LAYER, gzip.compress(tar, mtime=0))],
        }
    ).encode()
    (folder / "manifest.json").write_bytes(manifest)
    (folder / "version").write_text("Directory Transport Version: 1.1\n")
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"
