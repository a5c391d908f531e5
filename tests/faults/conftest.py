"""No test here may end with a bug in the log."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogPublisher


@contextmanager
def no_bugs_logged() -> Iterator[None]:
    """An outage is logged as one; what is critical is a bug of ours."""
    bugs: list[str] = []

    def observe(event: LogEvent) -> None:
        if event.get("log_level") is LogLevel.critical:
            bugs.append(formatEvent(event))

    observer: Any = observe
    globalLogPublisher.addObserver(observer)
    try:
        yield
    finally:
        globalLogPublisher.removeObserver(observer)
    assert not bugs, "\n".join(bugs)


@pytest.fixture(autouse=True)
def no_bugs() -> Iterator[None]:
    """While a test runs."""
    with no_bugs_logged():
        yield


@pytest.fixture(autouse=True, scope="module")
def no_forgotten_bugs() -> Iterator[None]:
    """A failure that nobody looks at is logged when it is collected."""
    with no_bugs_logged():
        yield
        gc.collect()
