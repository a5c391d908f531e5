"""A certificate for the servers, which clients take without looking at it."""

import functools
import ssl
import subprocess
from pathlib import Path


@functools.cache
def context() -> ssl.SSLContext:
    """What clients use."""
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def certify(folder: Path) -> None:
    """Make ``server.crt`` and ``server.key``, for a day."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.crt"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
