"""The domain errors, in four groups with four behaviours.

A *miss* is an answered "no", *refused* is our own rule, *invalid* is bad input,
an *outage* is no answer. A group's chain and the web layer's table tell them
apart by these types; nobody else decides a status.
"""

from pullthrough.spec.errorcodes import ErrorCode


class RegistryError(Exception):
    """What a repository may raise; everything else is a bug.

    :ivar code: the OCI code.
    :ivar detail: one sentence for a person, without secrets.
    """

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Miss(RegistryError):
    """The content, tag, name or upload session is not there.

    :ivar certain: whether the upstream said so plainly. A 401, or a 404 that is no
        registry's, is a miss for the client, but nothing to remember (invariant I15).
    :ivar until: up to when that is the answer, as long as the facts here stand
        (seconds since the epoch); 0: that is not known.
    """

    def __init__(
        self,
        code: ErrorCode,
        detail: str,
        *,
        certain: bool = True,
        until: float = 0.0,
    ) -> None:
        super().__init__(code, detail)
        self.certain = certain
        self.until = until


class Refused(RegistryError):
    """Forbidden by a rule of ours: rights, policy, a read-only repository."""


class RuledOut(Refused):
    """A routing rule of a proxy refuses the image; another member may have it."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorCode.DENIED, detail)


class Unauthenticated(Refused):
    """No credentials, or credentials that prove nothing.

    :ivar username: who somebody claimed to be; empty where nobody tried.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorCode.UNAUTHORIZED, detail)
        self.username = ""


class Throttled(Refused):
    """Too many attempts; later is fine.

    :ivar retry_after: seconds.
    """

    def __init__(self, detail: str, retry_after: float) -> None:
        super().__init__(ErrorCode.TOOMANYREQUESTS, detail)
        self.retry_after = retry_after


class Invalid(RegistryError):
    """The client sent something that its grammar or the content refuses."""


class OutOfOrder(Invalid):
    """An upload chunk that does not begin where the session stands.

    :ivar offset: the bytes that the session has; the next chunk begins there.
    """

    def __init__(self, offset: int) -> None:
        super().__init__(
            ErrorCode.BLOB_UPLOAD_INVALID,
            f"the next chunk must begin at byte {offset}",
        )
        self.offset = offset


class TooLarge(Invalid):
    """A body over its limit."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorCode.SIZE_INVALID, detail)


def denied(code: ErrorCode, error: "Miss | Refused | Outage") -> "Miss | Outage":
    """What an upstream denies to us it does not have for our clients: a group goes on
    to the next member. A miss or an outage is passed on.

    :param code: of the miss.
    """
    if isinstance(error, Refused):
        return Miss(code, error.detail, certain=False)
    return error


class Outage(RegistryError):
    """Nobody could tell: never stored, never cached, never sent as 404."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorCode.UNKNOWN, detail)


class Offline(Outage):
    """A repository that is switched off (``online = no``)."""

    def __init__(self, name: str) -> None:
        super().__init__(f"repository {name} is offline")


class UpstreamOutage(Outage):
    """The upstream, or the way to it, gave no usable answer."""


class UpstreamTimeout(Outage):
    """The upstream gave no answer in time."""


class UpstreamLimited(Outage):
    """The upstream limits us (429).

    :ivar retry_after: seconds until asking again makes sense, or None.
    """

    def __init__(self, detail: str, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class UpstreamBlocked(Outage):
    """Nothing is asked of the upstream now: by hand, or because it keeps failing.

    :ivar retry_after: seconds until it is tried again, or None.
    :ivar by_hand: copies of any age are served then.
    """

    def __init__(
        self, detail: str, retry_after: float | None = None, by_hand: bool = False
    ) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.by_hand = by_hand


class EgressOutage(UpstreamOutage):
    """The egress proxy refused, or could not be reached."""


class StorageOutage(Outage):
    """Our own disk or database failed; one cannot know what it holds."""


class Rotten(StorageOutage):
    """Stored content is not what its name says."""


class Overload(Outage):
    """A queue of ours is full; asking again later helps."""
