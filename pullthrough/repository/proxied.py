"""The manifests of a proxy: copies while they are fresh, else the upstream's."""

from collections.abc import Callable
from math import inf

from twisted.logger import Logger

from pullthrough.errors import (
    Invalid,
    Miss,
    Outage,
    Refused,
    UpstreamBlocked,
    UpstreamOutage,
    denied,
)
from pullthrough.interfaces import IMetadataStore, IUpstream
from pullthrough.repository.manifests import Manifests, described
from pullthrough.repository.negative import KnownMisses
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.freshness import Decision, Deleted, Freshness
from pullthrough.spec.names import ImageName
from pullthrough.spec.provenance import Provenance, Source
from pullthrough.spec.reference import Reference, Tag
from pullthrough.values import Manifest, ManifestRecord, TagRecord
from pullthrough.waiters import Flights

Found = tuple[ManifestRecord, Provenance]


class ProxiedManifests:
    """Finds manifests by tag and digest; at most one question to the upstream for each.

    :param name: of the repository.
    :param repository: its id in the metadata store.
    :param any_type: whether manifests of types unknown to us are fetched.
    :param now: seconds since the epoch.
    """

    _log = Logger()

    def __init__(
        self,
        name: str,
        repository: int,
        upstream: IUpstream,
        metadata: IMetadataStore,
        manifests: Manifests,
        freshness: Freshness,
        misses: KnownMisses,
        now: Callable[[], float],
        *,
        any_type: bool = False,
    ) -> None:
        self._name = name
        self._repository = repository
        self._upstream = upstream
        self._metadata = metadata
        self._manifests = manifests
        self._freshness = freshness
        self._misses = misses
        self._now = now
        self._any_type = any_type
        self._flights: Flights[tuple[ImageName, Reference], Found] = Flights()

    async def manifest(self, image: ImageName, reference: Reference) -> Manifest:
        """A manifest with its bytes."""
        record, provenance = await self.find(image, reference)
        try:
            return await self._manifests.read(record, provenance)
        except Miss:
            # The store has lost the bytes; the upstream has them still.
            record, provenance = await self._fetch(image, record.descriptor.digest)
            return await self._manifests.read(record, provenance)

    async def find(self, image: ImageName, reference: Reference) -> Found:
        """What a reference stands for."""
        copy = await self._manifests.record(image, reference)
        if isinstance(reference, Digest):
            if copy is not None:
                return copy, Provenance(self._name, Source.HIT, until=inf)
            return await self._fetch_unknown(image, reference)
        tag = await self._metadata.tag(self._repository, image, reference)
        checked_at = tag.checked_at if tag else None
        decision = self._freshness.decide(
            self._now(), checked_at, reference.name, image.text
        )
        if copy is None or tag is None or decision is Decision.FETCH:
            return await self._fetch_unknown(image, reference)
        if decision is Decision.SERVE:
            until = self._freshness.fresh_until(
                tag.checked_at, reference.name, image.text
            )
            return copy, Provenance(self._name, Source.HIT, until=until)
        return await self._flights.join(
            (image, reference),
            lambda: self._revalidate(image, reference, copy, tag),
        )

    async def _fetch_unknown(self, image: ImageName, reference: Reference) -> Found:
        known = self._misses.get((image, reference))
        if known is not None:
            raise known
        return await self._fetch(image, reference)

    # -- a tag that is no longer fresh --

    async def _revalidate(
        self, image: ImageName, tag: Tag, copy: ManifestRecord, standing: TagRecord
    ) -> Found:
        known = self._misses.get((image, tag))
        try:
            if known is not None:
                raise known
            there = await self._upstream.head(image, tag)
            if there is None or there.descriptor.digest != copy.descriptor.digest:
                return await self._fetch_alone(image, tag)
            if there.warning:
                raise UpstreamOutage(there.warning)  # nobody has confirmed it
        except Miss as error:
            if error.certain:
                return await self._deleted(image, tag, copy, error)
            return self._stale(image, tag, copy, standing, error)
        except (Outage, Refused) as error:
            return self._stale(image, tag, copy, standing, error)
        await self._metadata.checked(self._repository, image, tag, self._now())
        return copy, Provenance(self._name, Source.HIT)

    async def _deleted(
        self, image: ImageName, tag: Tag, copy: ManifestRecord, error: Miss
    ) -> Found:
        """The upstream has the tag no more."""
        if self._misses.get((image, tag)) is None:
            self._misses.note((image, tag), error)
        if self._freshness.deleted is Deleted.DROP:
            await self._metadata.delete_tag(self._repository, image, tag)
            raise error
        warning = f"{self._name} has kept {image}:{tag}, which its upstream has no more"
        return copy, Provenance(self._name, Source.STALE, warning)

    def _stale(
        self,
        image: ImageName,
        tag: Tag,
        copy: ManifestRecord,
        standing: TagRecord,
        error: Miss | Outage | Refused,
    ) -> Found:
        """The upstream cannot tell: the copy, unless it is too old (invariant I14)."""
        by_hand = isinstance(error, UpstreamBlocked) and error.by_hand
        now = self._now()
        if not by_hand and not self._freshness.may_be_stale(now, standing.checked_at):
            raise denied(ErrorCode.MANIFEST_UNKNOWN, error)
        warning = f"{self._name} serves its copy of {image}:{tag}: {error.detail}"
        self._log.warn("{warning}", warning=warning)
        return copy, Provenance(self._name, Source.STALE, warning)

    # -- fetching --

    async def _fetch(self, image: ImageName, reference: Reference) -> Found:
        return await self._flights.join(
            (image, reference), lambda: self._fetch_alone(image, reference)
        )

    async def _fetch_alone(self, image: ImageName, reference: Reference) -> Found:
        try:
            fetched = await self._upstream.manifest(image, reference)
        except Miss as error:
            self._misses.note((image, reference), error)
            raise
        except Refused as error:
            raise denied(ErrorCode.MANIFEST_UNKNOWN, error) from error
        descriptor = fetched.descriptor
        try:
            record = await described(
                self._manifests.threads,
                fetched.body,
                descriptor.media_type,
                descriptor.digest.algorithm,
                any_type=self._any_type,
            )
        except Invalid as error:
            raise UpstreamOutage(
                f"the upstream of {self._name} sent no usable manifest for"
                f" {image} {reference}: {error.detail}"
            ) from error
        tags = [reference] if isinstance(reference, Tag) else []
        warning = fetched.warning if tags else ""
        checked_at = self._now()
        if warning:
            # An upstream that could not confirm it: it is old at once, but may be
            # served while nobody can tell.
            age = self._freshness.max_age(str(reference))
            checked_at -= min(age, self._freshness.stale_max_age)
        record = await self._manifests.write(
            image, record, fetched.body, tags, checked_at
        )
        self._misses.clear((image, reference))
        self._misses.clear((image, descriptor.digest))
        source = Source.STALE if warning else Source.MISS
        return record, Provenance(self._name, source, warning)
