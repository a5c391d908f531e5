"""How many upload sessions somebody has open at one image."""

from collections.abc import Awaitable, Callable

from pullthrough.allowance import Allowance
from pullthrough.spec.names import ImageName

#: Open sessions of one user for one image. ``docker push`` has five at once.
PER_IMAGE = 16

#: Seconds without a request after which a session makes room for another: a push that
#: was cut off leaves its sessions behind.
FORSAKEN = 300.0

#: A repository's id, an image and a principal.
Owner = tuple[int, ImageName, str]


class Sessions:
    """Counts those that have begun since the start.

    :param allowance: shared by all repositories.
    :param now: seconds since the epoch.
    """

    def __init__(self, allowance: Allowance[Owner], now: Callable[[], float]) -> None:
        self._allowance = allowance
        self._now = now
        self._owners: dict[str, Owner] = {}
        #: since when, those that rest; the one that has rested longest first.
        self._resting: dict[str, float] = {}

    async def begin(
        self, identifier: str, owner: Owner, end: Callable[[str], Awaitable[None]]
    ) -> None:
        """One more; a request has it open.

        :param end: ends a session that rests.
        :raises Throttled: when there are too many, and have been for a while.
        """
        if self._allowance.full(owner):
            forsaken = self._forsaken(owner)
            if forsaken is not None:
                await end(forsaken)
        await self._allowance.take(owner)
        self._owners[identifier] = owner

    def _forsaken(self, owner: Owner) -> str | None:
        latest = self._now() - FORSAKEN
        for identifier, since in self._resting.items():
            if since > latest:
                break
            if self._owners[identifier] == owner:
                return identifier
        return None

    def opened(self, identifier: str) -> None:
        """A request has it open."""
        self._resting.pop(identifier, None)

    def rests(self, identifier: str) -> None:
        """It waits for the next request."""
        if identifier in self._owners:
            self._resting[identifier] = self._now()

    def ended(self, identifier: str) -> None:
        """It is over. Safe twice."""
        self._resting.pop(identifier, None)
        owner = self._owners.pop(identifier, None)
        if owner is not None:
            self._allowance.give_back(owner)
