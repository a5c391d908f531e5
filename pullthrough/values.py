"""The values that pass through the interfaces."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from pullthrough.spec.descriptor import Descriptor, ForeignLayer
from pullthrough.spec.digest import Digest
from pullthrough.spec.forwarded import Seen
from pullthrough.spec.manifest import LARGEST_MANIFEST
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Page
from pullthrough.spec.provenance import Provenance
from pullthrough.spec.tokens import Access

if TYPE_CHECKING:
    from pullthrough.interfaces import IContent


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a reference stands for, and who said so."""

    descriptor: Descriptor
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest's bytes, exactly as they were pushed.

    :ivar body: all of them; empty for a large one.
    :ivar content: a large one, verified; whoever has it closes it.
    """

    descriptor: Descriptor
    body: bytes
    provenance: Provenance
    content: "IContent | None" = None


@dataclass(frozen=True, slots=True)
class UpstreamHead:
    """What an upstream says of a manifest without sending it.

    :ivar warning: why it could not be confirmed: the upstream is a proxy of its own,
        whose upstream cannot tell. Empty: it is so.
    """

    descriptor: Descriptor
    warning: str = ""


@dataclass(frozen=True, slots=True)
class UpstreamManifest:
    """A manifest as an upstream sent it; the digest is that of the body.

    :ivar warning: see :class:`UpstreamHead`.
    """

    descriptor: Descriptor
    body: bytes
    warning: str = ""


@dataclass(frozen=True, slots=True)
class ManifestRecord:
    """The facts about a manifest; its bytes lie in the blob store.

    :ivar blobs: config and layers that must be there, with media type and size.
    :ivar manifests: what an index lists.
    :ivar foreign: layers that need not be there.
    :ivar subject: the manifest that this one refers to, if it does.
    :ivar artifact_type: of the manifest, or of its config; may be empty.
    :ivar annotations: JSON text of the manifest's annotations; may be empty.
    """

    descriptor: Descriptor
    blobs: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()
    foreign: tuple[ForeignLayer, ...] = ()
    subject: Digest | None = None
    artifact_type: str = ""
    annotations: str = ""

    @property
    def cost(self) -> int:
        """What it takes in a list of referrers, in bytes, about."""
        texts = len(self.descriptor.media_type) + len(self.artifact_type)
        return _ENTRY + texts + len(self.annotations.encode())


#: What an entry of a list of referrers costs besides its texts, about, in bytes.
_ENTRY = 512


@dataclass(frozen=True, slots=True)
class BlobRecord:
    """A blob that is an image's.

    :ivar size: in bytes.
    :ivar leased_until: how long it is kept without a manifest that links to it
        (seconds since the epoch).
    """

    size: int
    leased_until: float = 0


#: Room for any single referrer: no annotations are larger than a manifest.
ENOUGH = LARGEST_MANIFEST + 4096


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which referrers are wanted.

    :ivar page: how many, and behind which digest.
    :ivar artifact_type: of which type; empty: of any.
    :ivar room: bytes that they may take.
    """

    page: Page = Page()  # noqa: RUF009  frozen
    artifact_type: str = ""
    room: int = ENOUGH

    def takes(self, record: ManifestRecord) -> bool:
        """Whether it is one of them, be there room or not."""
        return str(record.descriptor.digest) > self.page.last and (
            self.artifact_type in ("", record.artifact_type)
        )


#: All of them, as many as fit on a page.
ANY = Wanted()


@dataclass(frozen=True, slots=True)
class Referrers:
    """A page of the manifests that refer to another one, each once, by digest; without
    their links.

    :ivar warning: a sentence for a ``Warning: 299`` header, or empty.
    :ivar more: whether others follow; with none before them: the first of those does
        not fit into the room that there was.
    """

    records: tuple[ManifestRecord, ...] = ()
    warning: str = ""
    more: bool = False

    @classmethod
    def first(cls, records: Iterable[ManifestRecord], wanted: Wanted) -> "Referrers":
        """As many of them as are wanted, and fit.

        :param records: those wanted, by digest, behind the last one known.
        """
        found: list[ManifestRecord] = []
        room = wanted.room
        for record in records:
            room -= record.cost
            if room < 0 or len(found) == wanted.page.n:
                return cls(tuple(found), more=wanted.page.n > 0)
            found.append(record)
        return cls(tuple(found))

    def merged(self, other: "Referrers", wanted: Wanted) -> "Referrers":
        """The page of both, which answer to the same; without their warnings."""
        both = {str(one.descriptor.digest): one for one in other.records}
        both |= {str(one.descriptor.digest): one for one in self.records}
        # Where one of them was cut, nothing is known of what follows.
        ends = [
            str(found.records[-1].descriptor.digest)
            if found.records
            else wanted.page.last
            for found in (self, other)
            if found.more
        ]
        known = [name for name in sorted(both) if not ends or name <= min(ends)]
        found = Referrers.first([both[name] for name in known], wanted)
        return Referrers(found.records, more=found.more or bool(ends))


@dataclass(frozen=True, slots=True)
class ReferrersRecord:
    """What an upstream has listed, or a page of it.

    :ivar checked_at: when (seconds since the epoch).
    :ivar more: see :class:`Referrers`.
    """

    records: tuple[ManifestRecord, ...]
    checked_at: float
    more: bool = False


@dataclass(frozen=True, slots=True)
class TagRecord:
    """What a tag stands for.

    :ivar checked_at: when the upstream last said so (seconds since the epoch);
        in a hosted repository when it was pushed.
    """

    digest: Digest
    checked_at: float


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """An upload session.

    :ivar offset: bytes that are durable.
    :ivar touched: when it last moved (seconds since the epoch).
    """

    identifier: str
    repository: int
    image: ImageName
    principal: str
    algorithm: str
    offset: int
    started: float
    touched: float


@dataclass(frozen=True, slots=True)
class UpstreamState:
    """How it stands with an upstream, for people and metrics.

    :ivar name: of the registry, and of the account if there is one.
    :ivar limit, remaining: requests that it grants and has left; None: not told.
    :ivar limited_for: seconds for which it wants to be left alone (429).
    :ivar breaker: ``closed``, ``blocked`` or ``half-open``.
    :ivar blocked_for: seconds until the next attempt.
    :ivar retries, retries_refused: how often a request that failed was sent again, and
        how often not because the retry budget was spent.
    """

    name: str
    limit: int | None = None
    remaining: int | None = None
    limited_for: float = 0.0
    breaker: str = "closed"
    blocked_for: float = 0.0
    retries: int = 0
    retries_refused: int = 0


@dataclass(frozen=True, slots=True)
class FillState:
    """How it stands with what one repository fetches.

    :ivar name: of the repository.
    :ivar fills: how many are under way.
    :ivar followers: how many clients read them.
    :ivar wrong: how many were held back at their end, for a wrong size or digest.
    """

    name: str
    fills: int
    followers: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Load:
    """How it stands with something of which there is only so much.

    :ivar name: what it is.
    :ivar count: how much of it is in use.
    :ivar waiting: how many wait for it.
    :ivar refused: how many were sent away.
    :ivar oldest: for how many seconds the one has waited that has waited longest.
    """

    name: str
    count: int
    waiting: int
    refused: int
    oldest: float = 0.0


@dataclass(frozen=True, slots=True)
class Document:
    """A page of the main connector.

    :ivar content: makes its bytes, given how the client sees the connection.
    :ivar free: whether everybody may see it.
    """

    content_type: str
    content: Callable[[Seen], bytes]
    free: bool = False


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A page of the main connector that is found out first, and may say no.

    :ivar content: finds out its status and its bytes.
    """

    content_type: str
    content: Callable[[], Awaitable[tuple[int, bytes]]]
    free: bool = False


@dataclass(frozen=True, slots=True)
class LoginRecord:
    """A login by refresh token.

    :ivar token_hash: SHA-256 of the token, which itself is kept nowhere.
    :ivar proof: changes with the password; an old one proves nothing any more.
    :ivar used_at: when it was used last (seconds since the epoch).
    """

    token_hash: bytes
    principal: str
    service: str
    proof: str
    used_at: float


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking: a principal, perhaps narrowed by a token.

    :ivar principal: the user's name; empty for anonymous.
    :ivar access: what the token allows; None when nothing narrows it.
    :ivar until: up to when that is proven (seconds since the epoch).
    """

    principal: str = ""
    access: tuple[Access, ...] | None = field(default=None)
    until: float = field(default=inf, compare=False)
