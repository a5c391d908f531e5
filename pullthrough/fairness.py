"""Who pays for work, and a line in which nobody waits behind all that another wants.

See docs/decisions/0011-who-pays.md.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Generic, TypeVar

T = TypeVar("T")

#: For whom the coroutine at hand works: a user, an anonymous client's address, or
#: nobody. A coroutine that it starts works for the same one.
_payer: ContextVar[str] = ContextVar("payer", default="")


def work_for(principal: str, address: str) -> None:
    """The coroutine at hand works for this client from now on.

    :param principal: the user's name; empty for anonymous, who are told apart by
        address.
    """
    _payer.set(f"user {principal}" if principal else f"address {address}")


def payer() -> str:
    """For whom the coroutine at hand works; empty: for nobody."""
    return _payer.get()


class Line(Generic[T]):
    """Those who wait. Payers are served in turn, one each; whoever waits for the same
    payer, in the order in which they came (deficit round robin, all at one price).

    :param now: seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._waiting: OrderedDict[str, deque[tuple[float, T]]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def join(self, one: T) -> None:
        """One more waits, for the payer of the coroutine at hand."""
        self._waiting.setdefault(payer(), deque()).append((self._now(), one))
        self._count += 1

    def leave(self, one: T) -> None:
        """One of them waits no longer."""
        for name, mine in self._waiting.items():
            for entry in mine:
                if entry[1] is one:
                    mine.remove(entry)
                    self._count -= 1
                    if not mine:
                        del self._waiting[name]
                    return

    def room(self) -> T | None:
        """Whoever came last for the payer with most in the line, taken out to make room
        for one of the payer at hand; None when that has as many."""
        longest = max(self._waiting, key=lambda name: len(self._waiting[name]))
        if len(self._waiting[longest]) <= self.own + 1:
            return None
        _, one = self._waiting[longest].pop()
        self._count -= 1
        return one

    @property
    def oldest(self) -> float:
        """For how many seconds the one has waited that has waited longest."""
        first = min((mine[0][0] for mine in self._waiting.values()), default=None)
        return 0.0 if first is None else self._now() - first

    @property
    def own(self) -> int:
        """How many wait for the payer of the coroutine at hand."""
        return len(self._waiting.get(payer(), ()))

    @property
    def payers(self) -> int:
        """For how many payers somebody waits."""
        return len(self._waiting)

    def pop(self) -> T:
        """Whose turn it is; at least one must be waiting."""
        name, mine = self._waiting.popitem(last=False)
        _, one = mine.popleft()
        self._count -= 1
        if mine:
            self._waiting[name] = mine
        return one
