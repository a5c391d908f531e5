"""The main connector on repositories in memory, and requests to it."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.access.policy import SimplePolicy
from pullthrough.accessline import AccessLine
from pullthrough.interfaces import IAccessPolicy, IRepository
from pullthrough.repository.group import GroupRepository
from pullthrough.repository.offline import OfflineRepository
from pullthrough.repository.writable import WritableGroup
from pullthrough.spec.digest import Digest
from pullthrough.spec.forwarded import Seen, TrustedProxies
from pullthrough.values import Document, Inquiry
from pullthrough.web.everything import Everything
from pullthrough.web.guard import Guard
from pullthrough.web.kept import KeptAnswers
from pullthrough.web.main import Main
from pullthrough.web.pages import Pages
from pullthrough.web.site import Site
from tests.support.authenticators import make_authenticator
from tests.support.exchange import FakeExchange, run
from tests.support.house import House
from tests.support.images import make_image
from tests.support.site import LAYER, USERS
from tests.support.upstream import ScriptedUpstream

SUBDOMAINS = MappingProxyType({"mine": "own", "images": "all"})

#: The host of the main connector, as tests see it.
HOST = "registry.test:5000"


class MainCase(SynchronousTestCase):
    """Hosted repositories `own`, `other` and `strict`, the proxy `hub`, the group `all`
    and `off`, which is offline."""

    anonymous = False
    policy: IAccessPolicy | None = None

    def setUp(self) -> None:
        self.house = House()
        self.upstream = ScriptedUpstream()
        self.own = self.house.hosted("own")
        hub = self.house.proxy(self.upstream, "hub")
        group = GroupRepository("all", [self.own, hub], {"docker.io": {"hub"}})
        self.repositories: list[IRepository] = [
            self.own,
            self.house.hosted("other"),
            self.house.hosted("strict"),
            hub,
            WritableGroup(group, self.own),
            OfflineRepository("off", "hosted"),
        ]
        self.lines: list[AccessLine] = []
        self.main = self.make()

    def make(self, subdomains: Mapping[str, str] = SUBDOMAINS) -> Main:
        """The main connector, with two users."""
        clock = self.house.clock
        authenticator = make_authenticator(USERS, clock)
        policy = self.policy or SimplePolicy(self.anonymous)
        kept = KeptAnswers(self.house.metadata.changes)
        common = (self.lines.append, clock, clock.seconds)
        self.sites = {
            one.name: Site(
                one,
                Guard(
                    one.name,
                    authenticator,
                    policy,
                    one.name == "strict",
                    now=clock.seconds,
                ),
                *common,
                v1_enabled=one.name in ("own", "hub"),
                kept=kept,
            )
            for one in self.repositories
        }
        pages = {
            "/status": Document("text/plain", lambda seen: seen.connector.encode()),
            "/health/live": Document("text/plain", lambda seen: b"live", free=True),
            "/health/ready": Inquiry("application/json", self.ready, free=True),
        }
        return Main(
            self.sites,
            subdomains,
            Everything(self.sites, authenticator, policy, *common),
            Pages(pages, authenticator),
        )

    async def ready(self) -> tuple[int, bytes]:
        """What is answered to ``/health/ready``."""
        return 503, b"not ready"

    def ask(
        self,
        method: str,
        target: str,
        user: str = "alice",
        host: str = HOST,
        peer: str = "192.0.2.7",
        **more: Any,
    ) -> FakeExchange:
        """One request, perhaps through the trusted proxy 10.0.0.1."""
        exchange = FakeExchange(method, target, user=user, **more)
        trusted = TrustedProxies(["10.0.0.1"])
        exchange.seen = trusted.seen(Seen(peer, False, host), exchange.head.get)
        return run(self.main, exchange)

    def token(self, *scopes: str, user: str = "alice", base: str = "") -> str:
        """A token for these scopes."""
        query = "&".join(f"scope={scope}" for scope in scopes)
        got = self.ask("GET", f"{base}/v2/token?service=Pullthrough&{query}", user)
        self.assertEqual(got.status, 200, got.sent)
        return str(got.json()["token"])

    def bearer(self, method: str, target: str, token: str, **more: Any) -> FakeExchange:
        """A request with a token."""
        headers = {"Authorization": f"Bearer {token}"}
        return self.ask(method, target, "", headers=headers, **more)

    def push(self, lead: str, tag: str = "v1", **more: Any) -> Any:
        """Push an image in chunks, below a path such as ``/v2/own/team/app``; each
        request goes where the one before has led."""
        made = make_image(LAYER)
        for digest, content in made.blobs.items():
            got = self.ask("POST", f"{lead}/blobs/uploads/", **more)
            self.assertEqual(got.status, 202, got.sent)
            half = len(content) // 2
            got = self.ask(
                "PATCH", got.headers["Location"], body=content[:half], **more
            )
            self.assertEqual(got.status, 202)
            place = got.headers["Location"]
            self.assertEqual(self.ask("GET", place, **more).status, 204)
            mark = "&" if "?" in place else "?"
            end = f"{place}{mark}digest={digest}"
            got = self.ask("PUT", end, body=content[half:], **more)
            self.assertEqual(got.status, 201, got.sent)
            self.assertEqual(got.headers["Location"], f"{lead}/blobs/{digest}")
        more["headers"] = {"Content-Type": made.media_type, **more.get("headers", {})}
        target = f"{lead}/manifests/{tag}"
        got = self.ask("PUT", target, body=made.manifest, **more)
        self.assertEqual(got.status, 201, got.sent)
        self.assertEqual(got.headers["Location"], f"{lead}/manifests/{tag}")
        return made

    def offer(self, image: str = "library/alpine", tag: str = "1") -> Digest:
        """The upstream of `hub` has an image; its digest."""
        made = make_image(LAYER)
        self.upstream.add(image, tag, made.media_type, made.manifest)
        return made.digest


def listed(exchange: FakeExchange, key: str = "repositories") -> list[str]:
    """The names of a list that was answered."""
    found: list[str] = json.loads(exchange.sent)[key]
    return found
