"""The names that a hosted repository owns in groups."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pullthrough.interfaces import IMetadataStore
from pullthrough.spec.names import ImageName
from pullthrough.spec.ownership import Ownership

#: Says whether a name is owned.
Owns = Callable[[ImageName], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Owned:
    """Knows the names of one repository, whether it is online or not.

    :param repository: its id in the metadata store.
    """

    ownership: Ownership
    repository: int
    metadata: IMetadataStore

    async def __call__(self, image: ImageName) -> bool:
        """See :meth:`IRepository.owns`."""
        if self.ownership.claims(image):
            return True
        if not self.ownership.existing:
            return False
        return await self.metadata.has_image(self.repository, image)


async def nothing(image: ImageName) -> bool:
    """Owns no name."""
    return False
