"""What has changed lately: a stamp for the facts of each repository's image.

Answers are kept in memory as long as the stamps of all facts behind them stand still.
The code that changes a fact moves its stamp before it says so to anybody.
"""

from array import array
from collections.abc import Iterable, MutableSequence
from zlib import crc32

from pullthrough.spec.names import ImageName

#: Stamps; images that share one only lose kept answers more often.
SLOTS = 16384

#: The stamp that counts all changes, the one that counts configurations, and the first
#: one of facts.
_ALL, _CONFIGURATION, _FACTS = 0, 1, 2

#: A stamp's slot, and how it stood.
Seen = tuple[tuple[int, int], ...]

#: A repository's id in the metadata store, and an image there.
Facts = tuple[int, ImageName]


class Watch:
    """The stamps of some facts, as they stood at one moment.

    :ivar seen: how they stood.
    """

    __slots__ = ("_all", "_stamps", "seen")

    def __init__(self, stamps: MutableSequence[int], slots: Iterable[int]) -> None:
        self._stamps = stamps
        self._all = stamps[_ALL]
        self.seen: Seen = tuple(
            (slot, stamps[slot]) for slot in (_CONFIGURATION, *slots)
        )

    def same(self) -> bool:
        """Whether nothing has changed since."""
        stamps = self._stamps
        moved = stamps[_ALL]
        if moved != self._all:
            if not unmoved(stamps, self.seen):
                return False
            self._all = moved
        return True


def unmoved(stamps: MutableSequence[int], seen: Seen) -> bool:
    """Whether stamps, perhaps moved by another process, stand as they stood.

    Each is looked at: in which order another process is seen to write is not certain.
    """
    return all(stamps[slot] == stamp for slot, stamp in seen)


class Changes:
    """The stamps.

    :param stamps: ``SLOTS`` numbers, perhaps shared with processes that read them.
    """

    def __init__(self, stamps: MutableSequence[int] | None = None) -> None:
        self._stamps = array("Q", bytes(8 * SLOTS)) if stamps is None else stamps

    def changed(self, repository: int, image: ImageName) -> None:
        """Facts about an image have changed, or may have."""
        self._move(_slot(repository, image))

    def configured(self) -> None:
        """Another configuration is served: nothing stands that was seen before."""
        self._move(_CONFIGURATION)

    def _move(self, slot: int) -> None:
        self._stamps[slot] += 1
        self._stamps[_ALL] += 1

    def watch(self, facts: Iterable[Facts]) -> Watch:
        """To be made before the facts are read."""
        return Watch(self._stamps, [_slot(*one) for one in facts])


def _slot(repository: int, image: ImageName) -> int:
    return _FACTS + crc32(f"{repository}/{image}".encode()) % (SLOTS - _FACTS)
