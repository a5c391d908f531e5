"""Deployment policies: what a new push may change. Pure.

Nexus's names: ``allow`` ("Allow redeploy"), ``allow_once`` ("Disable redeploy"),
``deny`` ("Read-only"). A policy concerns new pushes only, never what is stored.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from pullthrough.spec.reference import Tag

#: The tag that ``latest_policy`` lets move all the same.
LATEST = Tag("latest")


class WritePolicy(Enum):
    """What may be written."""

    ALLOW = "allow"
    ALLOW_ONCE = "allow_once"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A repository's policy.

    :ivar latest: with ``allow_once``: the tag ``latest`` may move.
    """

    policy: WritePolicy = WritePolicy.ALLOW
    latest: bool = False

    @property
    def writable(self) -> bool:
        """Whether anything may be written at all."""
        return self.policy is not WritePolicy.DENY

    def fixed(self, tags: Iterable[Tag]) -> frozenset[Tag]:
        """Those of ``tags`` that, once they stand for a manifest, may not move."""
        if self.policy is WritePolicy.ALLOW:
            return frozenset()
        return frozenset(tag for tag in tags if not (self.latest and tag == LATEST))
