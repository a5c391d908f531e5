"""What a registry has acknowledged, and what it may therefore answer."""

import threading
from dataclasses import dataclass, field

from pullthrough.spec.digest import Digest
from tests.support.invariants import (
    Ask,
    blob_is_there,
    manifest_is_there,
    session_is_bound,
    tag_resolves,
)


@dataclass
class Pushed:
    """A manifest that was acknowledged."""

    body: bytes
    blobs: tuple[Digest, ...]


@dataclass
class Session:
    """An upload session left open.

    :ivar acked: bytes that were acknowledged; ``sent``: that went out.
    """

    owner: str
    content: bytes
    acked: int = 0
    sent: int = 0


@dataclass
class Ledger:
    """Facts that pushers note and a checker holds the registry to.

    For a tag all values are kept that it may have: of a move that was not answered,
    the old one and the new one.
    """

    blobs: set[tuple[str, Digest]] = field(default_factory=set)
    manifests: dict[tuple[str, Digest], Pushed] = field(default_factory=dict)
    tags: dict[tuple[str, str], set[Digest | None]] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def moving(self, image: str, tag: str, digest: Digest | None) -> None:
        """A tag is about to move, or to go."""
        with self.lock:
            self.tags.setdefault((image, tag), {None}).add(digest)

    def moved(self, image: str, tag: str, digest: Digest | None) -> None:
        """It was acknowledged."""
        with self.lock:
            self.tags[image, tag] = {digest}

    def check(self, ask: Ask, user: str, stranger: str) -> None:
        """Hold the registry to all of it; what it answers now it must keep to."""
        for image, digest in self.blobs:
            blob_is_there(ask, user, image, digest)
        for (image, _), pushed in self.manifests.items():
            manifest_is_there(ask, user, image, pushed.body, pushed.blobs)
        for (image, tag), allowed in self.tags.items():
            self.tags[image, tag] = {tag_resolves(ask, user, image, tag, allowed)}
        for location, one in list(self.sessions.items()):
            other = stranger if one.owner == user else user
            offset = session_is_bound(
                ask, one.owner, other, location, one.acked, one.sent
            )
            if offset is None:
                del self.sessions[location]
            else:
                one.acked = one.sent = offset

    def forget_content(self) -> None:
        """Blobs and manifests have been looked at; tags and sessions stay."""
        self.blobs.clear()
        self.manifests.clear()
