"""A group: several repositories behind one name, own images first."""

from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import replace
from math import inf
from typing import Any, TypeVar

from zope.interface import implementer

from pullthrough.changes import Facts
from pullthrough.errors import Miss, Offline, Outage, RuledOut
from pullthrough.interfaces import IBlob, INamespaced, IReferrers, IRepository
from pullthrough.repository.chain import first_for_now, gathered
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page, merged
from pullthrough.spec.provenance import Provenance
from pullthrough.spec.reference import Reference
from pullthrough.values import ANY, Manifest, Referrers, Resolved, Wanted

T = TypeVar("T")


@implementer(IRepository, IReferrers, INamespaced)
class GroupRepository:
    """Asks its members in order.

    :param members: in the order configured; those of a member that is a group
        itself stand in its place.
    :param namespaces: which members stand for the registry of a host.
    :param owners: whose names no proxy answers for; None: the members'.
    """

    kind = "group"

    def __init__(
        self,
        name: str,
        members: Iterable[IRepository],
        namespaces: Mapping[str, Collection[str]] | None = None,
        owners: Sequence[IRepository] | None = None,
    ) -> None:
        self.name = name
        self.members: tuple[IRepository, ...] = tuple(_flat(members))
        self._namespaces = namespaces or {}
        self._owners = self.members if owners is None else owners

    def within(self, namespace: str) -> IRepository | None:
        """See :meth:`INamespaced.within`: the proxies of that registry, which are not
        asked for names that a hosted member owns either."""
        names = self._namespaces.get(namespace, ())
        members = [member for member in self.members if member.name in names]
        if not members:
            return None
        return GroupRepository(self.name, members, owners=self._owners)

    async def owns(self, image: ImageName) -> bool:
        """See :meth:`IRepository.owns`."""
        for member in self._owners:
            if await member.owns(image):
                return True
        return False

    async def asked(self, image: ImageName) -> Sequence[IRepository]:
        """The members that may answer for a name: no proxy for one that is owned.

        :raises StorageOutage: when that cannot be told.
        """
        if await self.owns(image):
            return [member for member in self.members if member.kind != "proxy"]
        return self.members

    def watched(self, image: ImageName) -> Iterable[Facts]:
        """See :meth:`IRepository.watched`: any member may come to answer, or own it."""
        return [
            one
            for member in dict.fromkeys((*self.members, *self._owners))
            for one in member.watched(image)
        ]

    # -- manifests and blobs --

    async def resolve(self, image: ImageName, reference: Reference) -> Resolved:
        """See :meth:`IRepository.resolve`."""
        found, until = await self._first(
            image, reference, lambda member: member.resolve(image, reference)
        )
        return replace(found, provenance=found.provenance.at_most(until))

    async def manifest(self, image: ImageName, reference: Reference) -> Manifest:
        """See :meth:`IRepository.manifest`."""
        found, until = await self._first(
            image, reference, lambda member: member.manifest(image, reference)
        )
        return replace(found, provenance=found.provenance.at_most(until))

    async def blob(self, image: ImageName, digest: Digest) -> IBlob:
        """See :meth:`IRepository.blob`."""
        found, until = await self._first(
            image, digest, lambda member: member.blob(image, digest)
        )
        found.provenance = found.provenance.at_most(until)
        return found

    async def blob_size(
        self, image: ImageName, digest: Digest
    ) -> tuple[int, Provenance]:
        """See :meth:`IRepository.blob_size`."""
        (size, provenance), until = await self._first(
            image, digest, lambda member: member.blob_size(image, digest)
        )
        return size, provenance.at_most(until)

    async def _first(
        self,
        image: ImageName,
        reference: Reference,
        ask: Callable[[IRepository], Awaitable[T]],
    ) -> tuple[T, float]:
        """What the chain finds, and up to when those in front have nothing."""
        members = await self.asked(image)
        if isinstance(reference, Digest):
            holder = await _holder(members, image, reference)
            if holder is not None:
                return await ask(holder), inf
        return await first_for_now(members, ask)

    async def holds(self, image: ImageName, digest: Digest) -> Descriptor | None:
        """See :meth:`IRepository.holds`."""
        holder = await _holder(await self.asked(image), image, digest)
        return await holder.holds(image, digest) if holder else None

    async def links(self, image: ImageName, digest: Digest) -> bool:
        """See :meth:`IRepository.links`."""
        return bool(await self._linking(image, digest))

    async def _linking(self, image: ImageName, digest: Digest) -> list[IRepository]:
        """The members that have a manifest of the image that links to it."""
        members = await self.asked(image)
        return [member for member in members if await member.links(image, digest)]

    async def known_blob(
        self, image: ImageName, digest: Digest
    ) -> Sequence[IRepository]:
        """The members to ask for a blob that somebody here knows already.

        Who has a copy; else those whose manifests link to it. Nobody else is asked, so
        that a push tells no upstream the names of our images.
        """
        holder = await _holder(await self.asked(image), image, digest)
        return [holder] if holder else await self._linking(image, digest)

    # -- lists --

    async def tags(self, image: ImageName, page: Page) -> Names:
        """See :meth:`IRepository.tags`."""
        pages, warnings = await gathered(
            await self.asked(image), lambda member: member.tags(image, page)
        )
        return merged(pages, page, warnings)

    async def referrers(
        self, image: ImageName, subject: Digest, wanted: Wanted = ANY
    ) -> Referrers:
        """See :meth:`IReferrers.referrers`: those of all members.

        A member that cannot tell is named in a warning; if nobody knows of any, that
        is no proof that there are none.
        """
        listed = Referrers()
        warnings: list[str] = []
        outages: list[Outage] = []
        offline: list[Outage] = []
        answered = False
        for member in await self.asked(image):
            if not IReferrers.providedBy(member):
                continue
            try:
                found = await _referrers(member, image, subject, wanted)
            except (Miss, RuledOut):
                answered = True
                continue
            except Offline as error:
                offline.append(error)
                continue
            except Outage as error:
                if member.kind == "hosted":
                    raise
                outages.append(error)
                warnings.append(error.detail)
                continue
            answered = True
            warnings += [found.warning] if found.warning else []
            listed = listed.merged(found, wanted)
        known = listed.records or listed.more
        if (outages and not known) or (offline and not answered):
            raise (*outages, *offline)[0]
        return replace(listed, warning="; ".join(warnings))

    async def images(self, page: Page) -> Names:
        """See :meth:`IRepository.images`."""
        pages, warnings = await gathered(
            self.members, lambda member: self._shown(member, page)
        )
        return merged(pages, page, warnings)

    async def _shown(self, member: IRepository, page: Page) -> Names:
        """A page of a member's images; a proxy's without the names that are owned."""
        if member.kind != "proxy":
            return await member.images(page)
        shown: list[str] = []
        names = Names((), page.n > 0)
        while names.more and len(shown) < page.n:
            names = await member.images(page)
            page = Page(page.n, names.names[-1] if names.names else page.last)
            shown += [
                name for name in names.names if not await self.owns(ImageName(name))
            ]
        return Names(tuple(shown), names.more)

    async def search(self, term: str, limit: int) -> Names:
        """See :meth:`IRepository.search`."""
        pages, warnings = await gathered(
            self.members, lambda member: self._found(member, term, limit)
        )
        return merged(pages, Page(limit), warnings)

    async def _found(self, member: IRepository, term: str, limit: int) -> Names:
        """What a member finds; a proxy without the names that are owned."""
        found = await member.search(term, limit)
        if member.kind != "proxy":
            return found
        names = [name for name in found.names if not await self.owns(ImageName(name))]
        return replace(found, names=tuple(names))


async def _holder(
    members: Sequence[IRepository], image: ImageName, digest: Digest
) -> IRepository | None:
    """The first member with a copy: content is the same wherever it lies."""
    for member in members:
        try:
            if await member.holds(image, digest) is not None:
                return member
        except Outage:
            # Another copy is as good; without one the chain meets it again.
            continue
    return None


async def _referrers(
    member: Any, image: ImageName, subject: Digest, wanted: Wanted
) -> Referrers:
    found: Referrers = await member.referrers(image, subject, wanted)
    return found


def _flat(members: Iterable[IRepository]) -> Iterable[IRepository]:
    seen: set[str] = set()
    for member in members:
        inner = getattr(member, "members", (member,))
        for leaf in inner:
            if leaf.name not in seen:
                seen.add(leaf.name)
                yield leaf
