"""How long an upstream is waited for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for each step (reliability, section 5).

    :ivar connect: to look up a name and connect: to the upstream or an egress proxy.
    :ivar greeting: for an egress proxy to connect us.
    :ivar tls: for the handshake.
    :ivar head: from a request to the whole head of its answer.
    :ivar idle: between bytes of a body.
    """

    connect: float = 10.0
    greeting: float = 10.0
    tls: float = 10.0
    head: float = 30.0
    idle: float = 60.0

    @classmethod
    def of(cls, seconds: float | None) -> "Patience":
        """The same for each step, as ``[http] timeout`` says; None: as above."""
        return cls() if seconds is None else cls(*(seconds,) * 5)

    @property
    def answer(self) -> float:
        """Seconds in which one attempt has its answer, or has failed."""
        return self.connect + self.greeting + self.tls + self.head
