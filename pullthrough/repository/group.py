"""A group: several repositories behind one name, own images first."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from zope.interface import implementer

from pullthrough.errors import Outage
from pullthrough.interfaces import IBlob, IReferrers, IRepository
from pullthrough.repository.chain import all_found, first_found
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page, cut
from pullthrough.spec.provenance import Provenance
from pullthrough.spec.reference import Reference
from pullthrough.values import Manifest, ManifestRecord, Resolved

T = TypeVar("T")


@implementer(IRepository, IReferrers)
class GroupRepository:
    """Asks its members in order.

    :param members: in the order configured; those of a member that is a group
        itself stand in its place.
    """

    kind = "group"

    def __init__(self, name: str, members: Iterable[IRepository]) -> None:
        self.name = name
        self.members: tuple[IRepository, ...] = tuple(_flat(members))

    async def resolve(self, image: ImageName, reference: Reference) -> Resolved:
        """See :meth:`IRepository.resolve`."""
        return await self._first(
            image, reference, lambda member: member.resolve(image, reference)
        )

    async def manifest(self, image: ImageName, reference: Reference) -> Manifest:
        """See :meth:`IRepository.manifest`."""
        return await self._first(
            image, reference, lambda member: member.manifest(image, reference)
        )

    async def blob(self, image: ImageName, digest: Digest) -> IBlob:
        """See :meth:`IRepository.blob`."""
        return await self._first(
            image, digest, lambda member: member.blob(image, digest)
        )

    async def blob_size(
        self, image: ImageName, digest: Digest
    ) -> tuple[int, Provenance]:
        """See :meth:`IRepository.blob_size`."""
        return await self._first(
            image, digest, lambda member: member.blob_size(image, digest)
        )

    async def _first(
        self,
        image: ImageName,
        reference: Reference,
        ask: Callable[[IRepository], Awaitable[T]],
    ) -> T:
        if isinstance(reference, Digest):
            holder = await self._holder(image, reference)
            if holder is not None:
                return await ask(holder)
        return await first_found(self.members, ask)

    async def _holder(self, image: ImageName, digest: Digest) -> IRepository | None:
        """The first member with a copy: content is the same wherever it lies."""
        for member in self.members:
            try:
                if await member.holds(image, digest) is not None:
                    return member
            except Outage:
                # Another copy is as good; without one the chain meets it again.
                continue
        return None

    async def holds(self, image: ImageName, digest: Digest) -> Descriptor | None:
        """See :meth:`IRepository.holds`."""
        holder = await self._holder(image, digest)
        return await holder.holds(image, digest) if holder else None

    async def links(self, image: ImageName, digest: Digest) -> bool:
        """See :meth:`IRepository.links`."""
        return bool(await self.linking(image, digest))

    async def linking(self, image: ImageName, digest: Digest) -> list[IRepository]:
        """The members that have a manifest of the image that links to it."""
        return [member for member in self.members if await member.links(image, digest)]

    async def known_blob(
        self, image: ImageName, digest: Digest
    ) -> Sequence[IRepository]:
        """The members to ask for a blob that somebody here knows already.

        Who has a copy; else those whose manifests link to it. Nobody else is asked, so
        that a push tells no upstream the names of our images.
        """
        holder = await self._holder(image, digest)
        return [holder] if holder else await self.linking(image, digest)

    async def tags(self, image: ImageName, page: Page) -> Names:
        """See :meth:`IRepository.tags`."""
        # Every member's page begins behind the same name, so the smallest names
        # of all are among them.
        pages = await all_found(self.members, lambda member: member.tags(image, page))
        return _merged(pages, page)

    async def referrers(
        self, image: ImageName, subject: Digest
    ) -> Sequence[ManifestRecord]:
        """See :meth:`IReferrers.referrers`: those of all members, each once."""
        records: dict[Digest, ManifestRecord] = {}
        for member in self.members:
            if IReferrers.providedBy(member):
                for record in await member.referrers(image, subject):
                    records.setdefault(record.descriptor.digest, record)
        return [records[digest] for digest in sorted(records)]

    async def images(self, page: Page) -> Names:
        """See :meth:`IRepository.images`."""
        return _merged([await member.images(page) for member in self.members], page)

    async def search(self, term: str, limit: int) -> Sequence[ImageName]:
        """See :meth:`IRepository.search`."""
        found = await all_found(self.members, lambda one: one.search(term, limit))
        return sorted({name for names in found for name in names})[:limit]


def _merged(pages: Sequence[Names], page: Page) -> Names:
    merged = cut((name for names in pages for name in names.names), page)
    more = page.n > 0 and (merged.more or any(names.more for names in pages))
    return Names(merged.names, more)


def _flat(members: Iterable[IRepository]) -> Iterable[IRepository]:
    seen: set[str] = set()
    for member in members:
        inner = getattr(member, "members", (member,))
        for leaf in inner:
            if leaf.name not in seen:
                seen.add(leaf.name)
                yield leaf
