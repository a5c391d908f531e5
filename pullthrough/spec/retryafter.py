"""``Retry-After``: seconds, or a date. Pure."""

from datetime import UTC
from email.utils import parsedate_to_datetime

from pullthrough.spec.numbers import bounded

#: The longest wait believed, in seconds.
LONGEST = 3600.0


def parse_retry_after(header: str, now: float) -> float | None:
    """Seconds to wait from ``now`` (since the epoch); None when it does not say.

    RFC 9110 section 10.2.3: Retry-After = HTTP-date / delay-seconds.
    """
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(bounded(text, int(LONGEST)))
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None  # OverflowError: a year or a time zone of any size
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return min(max(0.0, date.timestamp() - now), LONGEST)
