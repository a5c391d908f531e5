"""The one table from domain errors to what a client is told."""

import json
from dataclasses import dataclass

from pullthrough import errors
from pullthrough.errors import RegistryError
from pullthrough.spec.errorcodes import ErrorCode

#: Seconds after which a client may come back when we are overloaded.
COME_BACK = 5

#: Status by type of error, the most special first.
_STATUS: tuple[tuple[type[RegistryError], int], ...] = (
    (errors.Unauthenticated, 401),
    (errors.Throttled, 429),
    (errors.OutOfOrder, 416),
    (errors.TooLarge, 413),
    (errors.UpstreamLimited, 429),
    (errors.UpstreamTimeout, 504),
    (errors.UpstreamOutage, 502),
    (errors.Outage, 503),
    (errors.Miss, 404),
    (errors.Invalid, 400),
    (errors.Refused, 403),
)

#: Where the code says more than the type.
_STATUS_BY_CODE = {
    (403, ErrorCode.UNSUPPORTED): 405,
    (400, ErrorCode.BLOB_UPLOAD_UNKNOWN): 404,
}

#: The text beside each code: what the code means; the detail says what to do.
_MESSAGES = {
    ErrorCode.BLOB_UNKNOWN: "blob unknown to registry",
    ErrorCode.BLOB_UPLOAD_INVALID: "blob upload invalid",
    ErrorCode.BLOB_UPLOAD_UNKNOWN: "blob upload unknown to registry",
    ErrorCode.DIGEST_INVALID: "provided digest did not match uploaded content",
    ErrorCode.MANIFEST_BLOB_UNKNOWN: "manifest references a blob unknown to registry",
    ErrorCode.MANIFEST_INVALID: "manifest invalid",
    ErrorCode.MANIFEST_UNKNOWN: "manifest unknown to registry",
    ErrorCode.NAME_INVALID: "invalid repository name",
    ErrorCode.NAME_UNKNOWN: "repository name not known to registry",
    ErrorCode.SIZE_INVALID: "provided length did not match content length",
    ErrorCode.TAG_INVALID: "invalid tag",
    ErrorCode.UNAUTHORIZED: "authentication required",
    ErrorCode.DENIED: "requested access to the resource is denied",
    ErrorCode.UNSUPPORTED: "the operation is unsupported",
    ErrorCode.TOOMANYREQUESTS: "too many requests",
    ErrorCode.UNKNOWN: "the registry cannot answer now",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a client is told of an error."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def tell(error: RegistryError, mirror: bool = False) -> Told:
    """The status, the headers and the JSON body of an error.

    :param mirror: the client goes on to another registry after a 503, but would ask
        again and again after a 429 (wire.md 5.6).
    """
    code = error.code
    status = next(number for kind, number in _STATUS if isinstance(error, kind))
    status = _STATUS_BY_CODE.get((status, code), status)
    headers = [("Content-Type", "application/json")]
    if isinstance(error, errors.UpstreamLimited):
        code = ErrorCode.TOOMANYREQUESTS
        status = 503 if mirror else status
        if error.retry_after is not None:
            headers.append(("Retry-After", str(max(1, round(error.retry_after)))))
    elif isinstance(error, errors.Throttled):
        headers.append(("Retry-After", str(max(1, round(error.retry_after)))))
    elif status == 503:
        wait = getattr(error, "retry_after", None) or COME_BACK
        headers.append(("Retry-After", str(max(1, round(wait)))))
    elif isinstance(error, errors.Miss) and not error.certain:
        # A proxy in front of us must not remember it (RFC 9111 section 5.2.2.5).
        headers.append(("Cache-Control", "no-store"))
    elif isinstance(error, errors.OutOfOrder):
        headers.append(("Range", f"0-{max(0, error.offset - 1)}"))
    entry = {"code": code.value, "message": _MESSAGES[code], "detail": error.detail}
    body = json.dumps({"errors": [entry]}, separators=(",", ":")).encode()
    return Told(status, tuple(headers), body)
