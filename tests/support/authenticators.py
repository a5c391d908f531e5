"""Authenticators for tests: real, in memory, with bytes that differ each time."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from pullthrough.access.logins import Logins
from pullthrough.access.principals import Authenticator
from pullthrough.access.throttle import Throttle
from pullthrough.access.tokens import Tokens
from pullthrough.metadata.memory import MemoryMetadataStore
from pullthrough.threads import Inline


def make_authenticator(
    users: Mapping[str, bytes], clock: Any, threads: Any = None
) -> Authenticator:
    """One that knows these users."""
    numbers = count(1)

    def random(size: int) -> bytes:
        return next(numbers).to_bytes(size)

    return Authenticator(
        users,
        Tokens(clock, random),
        threads or Inline(),
        clock,
        random,
        Logins(MemoryMetadataStore(), users, random, clock.seconds),
        Throttle(clock.seconds),
    )
