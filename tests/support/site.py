"""A site on a hosted repository in memory, and requests to it."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.access.htpasswd import entry, parse_htpasswd
from pullthrough.access.policy import SimplePolicy
from pullthrough.accessline import AccessLine
from pullthrough.audit import AuditEvent
from pullthrough.interfaces import IAccessPolicy
from pullthrough.spec.digest import Digest
from pullthrough.web.guard import Guard
from pullthrough.web.kept import KeptAnswers
from pullthrough.web.site import Site
from tests.support.authenticators import make_authenticator
from tests.support.exchange import FakeExchange, run
from tests.support.house import House
from tests.support.images import make_image

USERS = parse_htpasswd(
    "".join(entry(name, f"pw-{name}", 4) for name in ("alice", "bob"))
)
LAYER = b"0123456789"
DIGEST = Digest.of(LAYER)
BLOB = f"/v2/team/app/blobs/{DIGEST}"
UPLOADS = "/v2/team/app/blobs/uploads/"


class SiteCase(SynchronousTestCase):
    """A site on a hosted repository."""

    anonymous = False
    force = False
    v1 = False
    policy: IAccessPolicy | None = None

    def setUp(self) -> None:
        self.house = House()
        self.hosted = self.house.hosted("own")
        self.lines: list[AccessLine] = []
        self.kept: list[AuditEvent] = []
        self.site = self.make_site(self.hosted)

    def make_site(self, repository: Any) -> Site:
        """A site with two users."""
        authenticator = make_authenticator(USERS, self.house.clock)
        policy = self.policy or SimplePolicy(self.anonymous)
        clock = self.house.clock
        guard = Guard(
            repository.name, authenticator, policy, self.force, now=clock.seconds
        )
        return Site(
            repository,
            guard,
            self.lines.append,
            clock,
            clock.seconds,
            v1_enabled=self.v1,
            audit=self.kept.append,
            kept=KeptAnswers(self.house.metadata.changes),
        )

    def ask(
        self, method: str, target: str, user: str = "alice", **more: Any
    ) -> FakeExchange:
        """One request."""
        return run(self.site, FakeExchange(method, target, user=user, **more))

    def push_blob(self, content: bytes = LAYER, image: str = "team/app") -> str:
        """Push a blob in one request; its path."""
        digest = Digest.of(content)
        target = f"/v2/{image}/blobs/uploads/?digest={digest}"
        self.assertEqual(self.ask("POST", target, body=content).status, 201)
        return f"/v2/{image}/blobs/{digest}"

    def push_image(self, tag: str = "v1") -> Any:
        """Push an image."""
        made = make_image(LAYER)
        for content in made.blobs.values():
            self.push_blob(content)
        put = self.ask(
            "PUT",
            f"/v2/team/app/manifests/{tag}",
            headers={"Content-Type": f"{made.media_type}; charset=utf-8"},
            body=made.manifest,
        )
        self.assertEqual(put.status, 201)
        self.assertEqual(put.headers["Docker-Content-Digest"], str(made.digest))
        self.assertEqual(put.headers["Location"], f"/v2/team/app/manifests/{tag}")
        return made
