"""The request head: bytes to a value, or a refusal. Sans-IO."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Head:
    """A request head that has passed every rule.

    :ivar method: in capitals, as sent.
    :ivar path: the raw path, ASCII, still percent-encoded.
    :ivar query: the raw query without ``?``; empty when there is none.
    :ivar headers: names in lower case, in the order sent.
    :ivar length: of the body in bytes; None when it is chunked.
    :ivar keep_alive: whether the client lets the connection stay open.
    :ivar expects_continue: whether it waits for ``100 Continue``.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    length: int | None = 0
    keep_alive: bool = True
    expects_continue: bool = False

    def get(self, name: str, default: str = "") -> str:
        """The value of the first header of that lower-case name."""
        return next((value for key, value in self.headers if key == name), default)

    def all(self, name: str) -> tuple[str, ...]:
        """The values of all headers of that lower-case name."""
        return tuple(value for key, value in self.headers if key == name)
