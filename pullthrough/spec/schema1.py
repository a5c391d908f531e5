"""Docker schema 1 manifests, whose digest is that of their signed payload.

Docker "Image Manifest Version 2, Schema 1", section "Signed Manifests": the
payload is what stands before ``formatLength`` bytes and the ``formatTail``.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from pullthrough.spec.errorcodes import ErrorCode, InvalidText


def payload(body: bytes, load: Callable[[bytes], dict[str, Any]]) -> bytes:
    """The bytes that were signed, and from which the digest is made.

    :param load: reads a JSON object within limits, or raises ValueError.
    :raises InvalidText: when the body carries no usable signature.
    """
    try:
        protected = load(body)["signatures"][0]["protected"]
        header = load(_unpadded(protected))
        length, tail = header["formatLength"], _unpadded(header["formatTail"])
    except (ValueError, LookupError, TypeError) as error:
        raise _unsigned() from error
    if not isinstance(length, int) or not 0 <= length <= len(body):
        raise _unsigned()
    return body[:length] + tail


def _unpadded(text: Any) -> bytes:
    """Decode base64url without padding (RFC 7515 section 2)."""
    if not isinstance(text, str):
        raise TypeError("not a text")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def _unsigned() -> InvalidText:
    return InvalidText(
        ErrorCode.MANIFEST_INVALID, "a signed schema 1 manifest needs its signature"
    )
