"""Kept answers for those whose right to them needs no waiting to be seen.

The same questions in the same order as on the long way (``web/door.py``): who asks,
whether he may, what the answer is. Whatever is not known here goes the long way.
"""

from collections.abc import Callable

from pullthrough.accessline import AccessLine
from pullthrough.interfaces import IRepository
from pullthrough.web.guard import Guard
from pullthrough.web.head import Head
from pullthrough.web.kept import Again, Kept, KeptAnswers, Standing, plain


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
        if not plain(head):
            return None
        now = self._now()
        key = (self._repository, head.method, head.path, head.query)
        kept = self._answers.find(key, now)
        if kept is None:
            return None
        # The same who asks for the same here: also what the log says is the same.
        way = (self, head.get("authorization"), head.get("user-agent"))
        standing = kept.given.get(way)
        if standing is None or now >= standing.until:
            standing = self._found_out(head, kept)
            if standing is not None:
                self._answers.give(kept, way, standing, len(way[1]) + len(way[2]))
        return standing

    def _found_out(self, head: Head, kept: Kept) -> Standing | None:
        identity = self._guard.known(head.get("authorization"))
        if identity is None or not self._guard.permits(identity, kept.image, "pull"):
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
