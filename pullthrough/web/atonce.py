"""Kept answers for those whose right to them needs no waiting to be seen.

The same questions in the same order as on the long way (``web/door.py``): who asks,
whether he may, what the answer is. Whatever is not known here goes the long way.
"""

from collections.abc import Callable

from pullthrough.accessline import AccessLine
from pullthrough.interfaces import IRepository
from pullthrough.web.guard import Guard
from pullthrough.web.head import Head
from pullthrough.web.kept import Again, KeptAnswers, Standing, plain


class AtOnce:
    """Finds the answers of one site.

    :param now: seconds since the epoch.
    :param again: takes what the access log says of them.
    """

    def __init__(
        self,
        repository: IRepository,
        guard: Guard,
        answers: KeptAnswers,
        now: Callable[[], float],
        again: Again,
    ) -> None:
        self._repository = repository
        self._guard = guard
        self._answers = answers
        self._now = now
        self._again = again

    def find(self, head: Head) -> Standing | None:
        """The answer to a request, if that needs no asking."""
        identity = self._guard.known(head.get("authorization"))
        if identity is None or not plain(head):
            return None
        key = (self._repository, head.method, head.path, head.query)
        kept = self._answers.find(key, self._now())
        if kept is None or not self._guard.permits(identity, kept.image, "pull"):
            return None
        line = AccessLine(
            peer="",
            principal=identity.principal,
            repository=self._repository.name,
            method=head.method,
            path=head.path,
            status=200,
            sent=kept.length,
            seconds=0.0,
            member=kept.provenance.member,
            source=kept.provenance.source.value,
            agent=head.get("user-agent"),
        )
        return Standing(kept, identity.until, line, self._again)
