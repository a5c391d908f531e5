"""A group: several repositories behind one name, own images first."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from zope.interface import implementer

from pullthrough.errors import Miss, Outage, RuledOut
from pullthrough.interfaces import IBlob, IReferrers, IRepository
from pullthrough.repository.chain import all_found, first_found
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page, merged
from pullthrough.spec.provenance import Provenance
from pullthrough.spec.reference import Reference
from pullthrough.values import Manifest, ManifestRecord, Referrers, Resolved

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
        pages = await all_found(self.members, lambda member: member.tags(image, page))
        return merged(pages, page)

    async def referrers(self, image: ImageName, subject: Digest) -> Referrers:
        """See :meth:`IReferrers.referrers`: those of all members.

        A member that cannot tell is named in a warning; if nobody knows of any, that
        is no proof that there are none.
        """
        records: dict[Digest, ManifestRecord] = {}
        warnings: list[str] = []
        outages: list[Outage] = []
        for member in self.members:
            if not IReferrers.providedBy(member):
                continue
            try:
                found = await _referrers(member, image, subject)
            except (Miss, RuledOut):
                continue
            except Outage as error:
                if member.kind == "hosted":
                    raise
                outages.append(error)
                warnings.append(error.detail)
                continue
            warnings += [found.warning] if found.warning else []
            for record in found.records:
                records.setdefault(record.descriptor.digest, record)
        if outages and not records:
            raise outages[0]
        listed = tuple(records[digest] for digest in sorted(records))
        return Referrers(listed, "; ".join(warnings))

    async def images(self, page: Page) -> Names:
        """See :meth:`IRepository.images`."""
        return merged([await member.images(page) for member in self.members], page)

    async def search(self, term: str, limit: int) -> Sequence[ImageName]:
        """See :meth:`IRepository.search`."""
        found = await all_found(self.members, lambda one: one.search(term, limit))
        return sorted({name for names in found for name in names})[:limit]


async def _referrers(member: Any, image: ImageName, subject: Digest) -> Referrers:
    found: Referrers = await member.referrers(image, subject)
    return found


def _flat(members: Iterable[IRepository]) -> Iterable[IRepository]:
    seen: set[str] = set()
    for member in members:
        inner = getattr(member, "members", (member,))
        for leaf in inner:
            if leaf.name not in seen:
                seen.add(leaf.name)
                yield leaf
