"""Where a request's time goes: from stacks to stages."""

from collections import Counter
from collections.abc import Iterable, Sequence

#: A part of ``FILE:FUNCTION``, and the stage that it belongs to. The innermost frame
#: that any rule knows decides; the first rule that knows it.
RULES: tuple[tuple[str, str], ...] = (
    ("pullthrough/accessline", "log and metrics"),
    ("pullthrough/ops/accesslog", "log and metrics"),
    ("pullthrough/ops/auditlog", "audit"),
    ("pullthrough/audit", "audit"),
    ("pullthrough/ops/request", "log and metrics"),
    ("pullthrough/ops/log", "log and metrics"),
    ("pullthrough/ops/metrics", "log and metrics"),
    ("prometheus_client/", "log and metrics"),
    ("twisted/logger/", "log and metrics"),
    ("pullthrough/web/head.py", "head"),
    ("pullthrough/web/inlet.py", "head"),
    ("pullthrough/web/framing.py", "head"),
    ("pullthrough/web/chunked.py", "head"),
    ("pullthrough/spec/forwarded.py", "head"),
    ("pullthrough/web/listener.py:standing", "lookup"),
    ("pullthrough/web/kept.py", "lookup"),
    ("pullthrough/web/atonce.py", "lookup"),
    ("pullthrough/changes.py", "lookup"),
    ("pullthrough/web/main.py", "route"),
    ("pullthrough/web/door.py", "route"),
    ("pullthrough/web/site.py", "route"),
    ("pullthrough/spec/rights.py", "right"),
    ("pullthrough/access/policy.py", "right"),
    ("pullthrough/access/roles.py", "right"),
    ("pullthrough/access/", "auth"),
    ("pullthrough/web/guard.py", "auth"),
    ("pullthrough/spec/challenge.py", "auth"),
    ("pullthrough/spec/tokens.py", "auth"),
    ("pullthrough/storage/", "files"),
    ("pullthrough/upstream/", "upstream"),
    ("pullthrough/upstreams.py", "upstream"),
    ("twisted/web/", "upstream"),
    ("treq/", "upstream"),
    ("pullthrough/repository/fill", "fill"),
    ("pullthrough/repository/ahead", "fill"),
    ("pullthrough/repository/", "lookup"),
    ("pullthrough/metadata/", "lookup"),
    ("pullthrough/spec/", "route"),
    ("pullthrough/web/outlet.py", "write"),
    ("pullthrough/web/send", "write"),
    ("pullthrough/web/pacing.py", "write"),
    ("twisted/protocols/tls.py", "TLS"),
    ("OpenSSL/", "TLS"),
    ("twisted/internet/tcp.py:doRead", "read"),
    ("twisted/internet/tcp.py:_dataReceived", "read"),
    ("twisted/internet/tcp.py", "write"),
    ("twisted/internet/abstract.py", "write"),
    ("pullthrough/web/connection.py", "connection"),
    ("pullthrough/web/listener.py", "connection"),
    ("pullthrough/web/crowd.py", "connection"),
    ("pullthrough/web/transfers.py", "connection"),
    ("pullthrough/web/", "answer"),
    ("pullthrough/fairness.py", "threads"),
    ("pullthrough/threads.py", "threads"),
    ("twisted/_threads/", "threads"),
    ("twisted/python/threadpool.py", "threads"),
    ("twisted/internet/defer.py", "coroutines"),
    ("pullthrough/waiters.py", "coroutines"),
    ("pullthrough/ops/turn.py", "reactor"),
    ("twisted/internet/", "reactor"),
    ("pullthrough/", "other"),
)


def stage_of(stack: Sequence[str]) -> str:
    """The stage of a stack of ``FILE:FUNCTION``, the innermost frame first."""
    for frame in stack:
        for part, stage in RULES:
            if part in frame:
                return stage
    return "other"


def stages(stacks: Iterable[tuple[Sequence[str], float]]) -> list[tuple[str, float]]:
    """The share of each stage, the largest first; they sum up to 1."""
    return _shares((stage_of(stack), seconds) for stack, seconds in stacks)


def functions(
    stacks: Iterable[tuple[Sequence[str], float]],
) -> list[tuple[str, float]]:
    """The share of each function, by what it does itself, the largest first."""
    return _shares((_short(stack[0]), seconds) for stack, seconds in stacks if stack)


def _shares(found: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    seconds: Counter[str] = Counter()
    for name, some in found:
        seconds[name] += some  # type: ignore[assignment]
    whole = sum(seconds.values()) or 1
    return [(name, some / whole) for name, some in seconds.most_common()]


def _short(frame: str) -> str:
    """The last two parts of a path."""
    return "/".join(frame.split("/")[-2:])
