"""What an upstream tells of its rate limit. Pure.

``ratelimit-limit: 100;w=21600`` and ``ratelimit-remaining: 76;w=21600`` (Docker Hub,
after draft-polli-ratelimit-headers; the window is in seconds).
"""

import re
from dataclasses import dataclass

_VALUE = re.compile(r"\s*([0-9]{1,9})\s*(?:;\s*w\s*=\s*([0-9]{1,9})\s*)?")

#: Seconds for which an upstream that answers 429 without saying how long is left alone,
#: and the longest that is believed.
USUAL = 60.0
LONGEST = 3600.0


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left: ``remaining`` of ``limit`` requests in ``window`` seconds."""

    limit: int
    remaining: int
    window: int = 0


def parse_budget(limit: str, remaining: str) -> Budget | None:
    """The budget that two headers tell, or None."""
    most, left = _VALUE.fullmatch(limit), _VALUE.fullmatch(remaining)
    if most is None or left is None:
        return None
    return Budget(int(most[1]), int(left[1]), int(left[2] or most[2] or 0))


def pause_after(told: float | None) -> float:
    """How long to leave an upstream alone after a 429, in seconds.

    :param told: what ``Retry-After`` said.
    """
    return USUAL if told is None else min(max(told, 1.0), LONGEST)
