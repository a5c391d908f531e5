"""Large manifests are read in a thread, one at a time."""

import json
from collections.abc import Awaitable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.errors import Overload
from pullthrough.repository.group import GroupRepository
from pullthrough.repository.manifests import LARGE, described
from pullthrough.repository.writable import WritableGroup
from pullthrough.spec.mediatypes import OCI_INDEX
from pullthrough.spec.names import ImageName
from pullthrough.spec.reference import Tag
from pullthrough.threads import Inline
from tests.support.house import House
from tests.support.upstream import ScriptedUpstream

APP, V1 = ImageName("team/app"), Tag("v1")


class Counting(Inline):
    """Counts the jobs, and takes no more than it is told to."""

    def __init__(self) -> None:
        self.count = 0
        self.full = False

    def admit(self) -> None:
        """As long as there is room."""
        if self.full:
            raise Overload("too much work is waiting")

    def run(self, function: Any, *args: Any, **kwargs: Any) -> "Deferred[Any]":
        """Count it."""
        self.count += 1
        return super().run(function, *args, **kwargs)


def index(size: int) -> bytes:
    """An index of so many bytes."""
    start = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
    return start.encode().ljust(size)


class LargeTests(SynchronousTestCase):
    """Where they are read."""

    def setUp(self) -> None:
        self.house = House()
        self.threads = self.house.threads = Counting()
        self.upstream = ScriptedUpstream()
        self.own = self.house.hosted()
        self.hub = self.house.proxy(self.upstream)

    def now(self, work: Awaitable[Any]) -> Any:
        """The result of work that waits for nothing."""
        return self.successResultOf(Deferred.fromCoroutine(work))  # type: ignore[arg-type]

    def test_pushes(self) -> None:
        """To a hosted repository, or through a group."""
        self.now(self.own.put_manifest(APP, V1, OCI_INDEX, index(LARGE)))
        self.assertEqual(self.threads.count, 0)
        self.now(self.own.put_manifest(APP, V1, OCI_INDEX, index(LARGE + 1)))
        self.assertEqual(self.threads.count, 1)
        group = GroupRepository("all", [self.own, self.hub], {})
        writable = WritableGroup(group, self.own, self.threads)
        self.now(writable.put_manifest(APP, V1, OCI_INDEX, index(LARGE + 2)))
        self.assertEqual(self.threads.count, 3)

    def test_fetches(self) -> None:
        """From an upstream."""
        for size, count in ((LARGE, 0), (LARGE + 1, 1)):
            self.upstream.add("team/app", f"v{size}", OCI_INDEX, index(size))
            self.now(self.hub.manifest(APP, Tag(f"v{size}")))
            self.assertEqual(self.threads.count, count)

    def test_too_many(self) -> None:
        """503, before anything of it is stored."""
        self.threads.full = True
        put = self.own.put_manifest(APP, V1, OCI_INDEX, index(LARGE + 1))
        self.failureResultOf(Deferred.fromCoroutine(put), Overload)
        fetched = described(self.threads, index(LARGE + 1), OCI_INDEX)
        self.failureResultOf(Deferred.fromCoroutine(fetched), Overload)
        self.assertEqual(self.threads.count, 0)
