"""The values that pass through the interfaces."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from pullthrough.spec.descriptor import Descriptor, ForeignLayer
from pullthrough.spec.digest import Digest
from pullthrough.spec.forwarded import Seen
from pullthrough.spec.names import ImageName
from pullthrough.spec.provenance import Provenance
from pullthrough.spec.tokens import Access


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a reference stands for, and who said so."""

    descriptor: Descriptor
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest's bytes, exactly as they were pushed."""

    descriptor: Descriptor
    body: bytes
    provenance: Provenance


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


@dataclass(frozen=True, slots=True)
class BlobRecord:
    """A blob that is an image's.

    :ivar size: in bytes.
    :ivar leased_until: how long it is kept without a manifest that links to it
        (seconds since the epoch).
    """

    size: int
    leased_until: float = 0


@dataclass(frozen=True, slots=True)
class Referrers:
    """The manifests that refer to another one, each once.

    :ivar warning: a sentence for a ``Warning: 299`` header, or empty.
    """

    records: tuple[ManifestRecord, ...] = ()
    warning: str = ""


@dataclass(frozen=True, slots=True)
class ReferrersRecord:
    """What an upstream has listed.

    :ivar checked_at: when (seconds since the epoch).
    """

    records: tuple[ManifestRecord, ...]
    checked_at: float


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
    """

    name: str
    limit: int | None = None
    remaining: int | None = None
    limited_for: float = 0.0
    breaker: str = "closed"
    blocked_for: float = 0.0


@dataclass(frozen=True, slots=True)
class Load:
    """How it stands with something of which there is only so much.

    :ivar name: what it is.
    :ivar count: how much of it is in use.
    :ivar waiting: how many wait for it.
    :ivar refused: how many were sent away.
    """

    name: str
    count: int
    waiting: int
    refused: int


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
