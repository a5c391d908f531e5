"""What is said of each request once it is answered."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccessLine:
    """One request.

    :ivar principal: the user's name; empty for anonymous.
    :ivar sent: bytes of the body that were answered.
    :ivar seconds: from the end of the head to the end of the answer.
    :ivar member: which repository answered; empty when none did.
    :ivar source: ``hit``, ``miss``, ``stale`` or ``error``; empty where nothing was
        looked up.
    """

    peer: str
    principal: str
    repository: str
    method: str
    path: str
    status: int
    sent: int
    seconds: float
    member: str
    source: str
    agent: str


#: Takes each line as it comes.
AccessLog = Callable[[AccessLine], None]
