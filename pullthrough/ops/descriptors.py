"""How many file descriptors the process may have."""

from contextlib import suppress
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit

#: As many as the service unit gives; more are of no use to us.
ENOUGH = 65_536


def raise_limit() -> None:
    """Use what the system allows: shells and containers begin with 1024 of it, which is
    meant for programs that call ``select``."""
    soft, hard = getrlimit(RLIMIT_NOFILE)
    most = ENOUGH if hard == RLIM_INFINITY else min(hard, ENOUGH)
    if soft != RLIM_INFINITY and soft < most:
        with suppress(ValueError, OSError):  # then what there is must do
            setrlimit(RLIMIT_NOFILE, (most, hard))
