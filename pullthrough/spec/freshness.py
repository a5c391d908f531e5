"""Freshness: whether a proxied tag may be served without asking. Pure."""

from enum import Enum


class Decision(Enum):
    """What to do about a tag; digests never change and are never asked for."""

    SERVE = "serve"
    REVALIDATE = "revalidate"
    FETCH = "fetch"


def decide(now: float, checked_at: float | None, max_age: float) -> Decision:
    """Decide about a tag last confirmed at ``checked_at``.

    :param now: seconds since the epoch.
    :param checked_at: likewise; None when there is no copy.
    :param max_age: seconds; infinite for ``never`` asking again. A time in the
        future (the clock was set back) counts as just now.
    """
    if checked_at is None:
        return Decision.FETCH
    fresh = now - checked_at < max_age
    return Decision.SERVE if fresh else Decision.REVALIDATE
