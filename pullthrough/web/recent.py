"""A table of what was asked for lately, of which the rest is forgotten."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Two generations: once the young one is full it becomes the old one, and of the
    old one only stays what was asked for meanwhile. Making room so costs nothing that
    grows with the table, however fast new keys come.

    :param most: entries in all; at least 2.
    """

    def __init__(self, most: int) -> None:
        self._full = most // 2
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """What was put there, if it is still known."""
        found = self._young.get(key)
        if found is None and self._old:
            found = self._old.pop(key, None)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        """Know this from now on."""
        if len(self._young) >= self._full and key not in self._young:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def drop(self, key: K) -> None:
        """Know nothing of that any more."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def clear(self) -> None:
        """Know nothing any more."""
        self._young.clear()
        self._old.clear()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)
