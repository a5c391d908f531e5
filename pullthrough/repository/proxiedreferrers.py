"""What refers to a manifest of an upstream: by its API, else by the fallback tag."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from pullthrough.errors import (
    Miss,
    Outage,
    Refused,
    UpstreamBlocked,
    UpstreamOutage,
    denied,
)
from pullthrough.interfaces import IMetadataStore, IUpstream
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.freshness import Decision, Freshness
from pullthrough.spec.manifest import Listed, listed_referrers, parse
from pullthrough.spec.mediatypes import EMPTY, INDEXES
from pullthrough.spec.names import ImageName
from pullthrough.spec.reference import fallback_tag
from pullthrough.values import (
    ANY,
    ManifestRecord,
    Referrers,
    ReferrersRecord,
    Wanted,
)
from pullthrough.waiters import Flights

#: Most artifacts of one fallback tag that are fetched for what the tag does not tell.
MOST_LOOKED_AT = 20


class ProxiedReferrers:
    """Lists, kept for as long as a tag is fresh; never empty for want of an answer.

    :param name: of the repository.
    :param repository: its id in the metadata store.
    :param now: seconds since the epoch.
    """

    def __init__(
        self,
        name: str,
        repository: int,
        upstream: IUpstream,
        metadata: IMetadataStore,
        freshness: Freshness,
        now: Callable[[], float],
    ) -> None:
        self._name = name
        self._repository = repository
        self._upstream = upstream
        self._metadata = metadata
        self._freshness = freshness
        self._now = now
        self._flights: Flights[tuple[ImageName, Digest], None] = Flights()

    async def referrers(
        self, image: ImageName, subject: Digest, wanted: Wanted = ANY
    ) -> Referrers:
        """See :meth:`IReferrers.referrers`."""
        known = await self._known(image, subject, wanted)
        tag = fallback_tag(subject).name
        checked_at = known.checked_at if known else None
        decision = self._freshness.decide(self._now(), checked_at, tag, image.text)
        if known is not None and decision is Decision.SERVE:
            return Referrers(known.records, more=known.more)
        try:
            await self._flights.join(
                (image, subject), lambda: self._ask(image, subject)
            )
        except (Miss, Outage, Refused) as error:
            if known is None or not self._may_be_stale(known, error):
                raise denied(ErrorCode.MANIFEST_UNKNOWN, error) from error
            warning = f"{self._name} serves its list of referrers: {error.detail}"
            return Referrers(known.records, warning, known.more)
        found = await self._known(image, subject, wanted)
        return Referrers(found.records, more=found.more) if found else Referrers()

    async def _known(
        self, image: ImageName, subject: Digest, wanted: Wanted
    ) -> ReferrersRecord | None:
        return await self._metadata.listed_referrers(
            self._repository, image, subject, wanted
        )

    def _may_be_stale(self, known: ReferrersRecord, error: Exception) -> bool:
        by_hand = isinstance(error, UpstreamBlocked) and error.by_hand
        return by_hand or self._freshness.may_be_stale(self._now(), known.checked_at)

    async def _ask(self, image: ImageName, subject: Digest) -> None:
        """Keep what the upstream lists, each once."""
        records = await self._upstream.referrers(image, subject)
        if records is None:
            records = await self._by_tag(image, subject)
        each = {one.descriptor.digest: one for one in records}
        found = ReferrersRecord(tuple(each.values()), self._now())
        await self._metadata.put_listed_referrers(
            self._repository, image, subject, found
        )

    async def _by_tag(
        self, image: ImageName, subject: Digest
    ) -> Sequence[ManifestRecord]:
        try:
            fetched = await self._upstream.manifest(image, fallback_tag(subject))
        except Miss as error:
            if error.certain:
                return ()  # distribution-spec: without the tag there are none
            raise
        descriptor = fetched.descriptor
        if descriptor.digest == subject or descriptor.media_type not in INDEXES:
            # GitLab takes the tag for the digest, and sends the subject itself, whose
            # platforms are no referrers (oras-go#1396). The specification: what is no
            # index lists none.
            return ()
        try:
            listed = listed_referrers(fetched.body)
        except InvalidText as error:
            raise UpstreamOutage(
                f"the upstream of {self._name} sent no usable list of referrers"
            ) from error
        return [
            await self._entry(image, one, look=number < MOST_LOOKED_AT)
            for number, one in enumerate(listed)
        ]

    async def _entry(
        self, image: ImageName, one: Listed, *, look: bool
    ) -> ManifestRecord:
        """An entry of a fallback tag.

        cosign writes none of the artifact's type and annotations there (cosign#4641),
        so that whoever filters by the type would find none. The artifact has them.

        :param look: whether the artifact may be fetched to see.
        """
        artifact_type, annotations = one.artifact_type, one.annotations
        if look and artifact_type in ("", EMPTY):
            with suppress(Miss, Refused, InvalidText):
                fetched = await self._upstream.manifest(image, one.descriptor.digest)
                parsed = parse(fetched.body, fetched.descriptor.media_type)
                artifact_type = parsed.artifact_type
                annotations = annotations or parsed.annotations
        return ManifestRecord(
            one.descriptor, artifact_type=artifact_type, annotations=annotations
        )
