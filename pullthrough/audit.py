"""What is kept of each change: who did what, from where, to what."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One change, or an attempt to get in.

    :ivar action: ``push``, ``upload``, ``mount``, ``delete``, ``login``, ``reload``.
    :ivar outcome: ``done``, or why not.
    :ivar principal: the user's name; empty for anonymous, and for who could not prove
        theirs.
    :ivar address: of the client.
    :ivar image: its name; empty where it is about none.
    :ivar reference: the tag or digest that was named.
    :ivar digest: of the content.
    """

    action: str
    outcome: str = "done"
    principal: str = ""
    address: str = ""
    repository: str = ""
    image: str = ""
    reference: str = ""
    digest: str = ""


#: Keeps each event before the change is answered; raises StorageOutage when it cannot.
Audit = Callable[[AuditEvent], None]


def unheard(event: AuditEvent) -> None:
    """Keeps nothing, for what has no auditor."""
