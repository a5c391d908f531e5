"""How many connections there are: in all, and from one address."""

from array import array
from collections import Counter
from collections.abc import MutableSequence

from pullthrough.spec.forwarded import TrustedProxies

#: Connections at once in all, and from one address (reliability, section 5).
MOST = 4096
MOST_PER_ADDRESS = 256

_NOBODY = TrustedProxies()


class Crowd:
    """Shared by all connectors, so that one client cannot fill them.

    :param most: connections in all.
    :param per_address: connections from one address, of this process.
    :param counts: the connections of each process, perhaps shared; None: there is one.
    :param own: which of them is this process's.
    :ivar exempt: reverse proxies, which bring many clients from one address.
    :ivar refused: connections that were turned away.
    """

    def __init__(
        self,
        most: int = MOST,
        per_address: int = MOST_PER_ADDRESS,
        exempt: TrustedProxies = _NOBODY,
        counts: MutableSequence[int] | None = None,
        own: int = 0,
    ) -> None:
        self._counts = array("Q", [0]) if counts is None else counts
        self._own = own
        self._most = most
        self._per_address = per_address
        self._addresses: Counter[str] = Counter()
        self.exempt = exempt
        self.refused = 0

    @property
    def count(self) -> int:
        """Connections that are open, of all processes."""
        return sum(self._counts)

    @property
    def limits(self) -> tuple[int, int]:
        """The most connections in all, and from one address."""
        return self._most, self._per_address

    def limit(self, most: int, per_address: int, exempt: TrustedProxies) -> None:
        """Other limits from now on; who is in stays in."""
        self._most, self._per_address, self.exempt = most, per_address, exempt

    def enter(self, address: str) -> bool:
        """Whether one more connection from there is taken; *leave* gives it back."""
        crowded = self.count >= self._most or (
            self._addresses.get(address, 0) >= self._per_address
            and address not in self.exempt
        )
        if crowded:
            self.refused += 1
            return False
        self._counts[self._own] += 1
        self._addresses[address] += 1
        return True

    def leave(self, address: str) -> None:
        """A connection from there has ended."""
        self._counts[self._own] -= 1
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]
