"""What a worker does without, for memory: each one takes it anew."""

import ctypes
import gc
import inspect
import sys
from contextlib import suppress
from types import ModuleType


def do_without(secure: bool) -> None:
    """To be called before Twisted is imported.

    :param secure: whether there will be TLS.
    """
    if not secure:
        # Twisted does without it as well; that is 6 MiB.
        sys.modules["OpenSSL"] = None  # type: ignore[assignment]
    # Twisted imports three names from it, and uses them only for who uses asyncio: with
    # all that they bring along 3 MiB.
    names = {"AbstractEventLoop": object, "Future": object}
    stand_in = ModuleType("asyncio")
    vars(stand_in).update(names, iscoroutine=inspect.iscoroutine)
    sys.modules["asyncio"] = stand_in


def give_back() -> None:
    """To be called once all is imported: what that took besides goes to the system."""
    gc.collect()
    gc.freeze()
    with suppress(AttributeError):  # another libc
        ctypes.CDLL(None).malloc_trim(0)
