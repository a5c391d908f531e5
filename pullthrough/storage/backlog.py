"""How much may wait to be written, so that a fast client need not wait for the disk."""

#: Bytes for all ingests of a store together; for one alone; and for each, however many
#: there are.
ALL = 32 * 1024 * 1024
MOST = 2 * 1024 * 1024
LEAST = 256 * 1024


class Backlog:
    """Shares memory among the ingests of a store that somebody writes into.

    :ivar writers: how many those are.
    """

    def __init__(self) -> None:
        self.writers = 0

    @property
    def high(self) -> int:
        """Bytes that may wait in one of them, before its producer is paused."""
        return max(LEAST, min(MOST, ALL // max(1, self.writers)))

    @property
    def low(self) -> int:
        """Bytes with which it goes on: so many that the disk has something to do until
        more comes."""
        return max(LEAST, self.high * 3 // 4)
