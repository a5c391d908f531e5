"""``role = mirror``: what clients that use us beside another registry are told."""

import json
from typing import Any

from pullthrough import errors
from pullthrough.access.policy import SimplePolicy
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.web.failures import tell
from pullthrough.web.guard import Guard
from pullthrough.web.site import Site
from tests.support.authenticators import make_authenticator
from tests.support.images import make_image
from tests.support.site import USERS, SiteCase
from tests.support.upstream import ScriptedUpstream

MANIFEST = "/v2/library/redis/manifests/latest"
IMAGE = make_image(b"a layer")

#: Credentials that prove nothing here: a login for Docker Hub, and nonsense.
STRANGERS = (
    "Basic aHViLXVzZXI6aHViLXBhc3M=",
    "Basic !!!",
    "Basic bm9jb2xvbg==",
    "Bearer a-token-of-another",
    "Digest x",
)


class MirrorCase(SiteCase):
    """A site on a proxy, which everybody may pull from."""

    anonymous = True
    mirror = True

    def setUp(self) -> None:
        super().setUp()
        self.upstream = ScriptedUpstream()
        self.upstream.add("library/redis", "latest", IMAGE.media_type, IMAGE.manifest)
        self.proxy = self.house.proxy(self.upstream)
        self.site = self.make_site(self.proxy)

    def make_site(self, repository: Any) -> Site:
        """A site with two users, which is a mirror or not."""
        clock = self.house.clock
        authenticator = make_authenticator(USERS, clock)
        policy = SimplePolicy(self.anonymous)
        guard = Guard("hub", authenticator, policy, False, self.mirror)
        return Site(repository, guard, self.lines.append, clock, clock.seconds)

    def get(self, target: str, authorization: str = "") -> Any:
        """Ask with an Authorization header."""
        headers = {"Authorization": authorization} if authorization else {}
        return self.ask("GET", target, user="", headers=headers)


class MirrorTests(MirrorCase):
    """A mirror."""

    def test_credentials_that_prove_nothing(self) -> None:
        """They count as none: clients pass their login for Docker Hub (moby#42022)."""
        scope = "repository:library/redis:pull"
        for authorization in ("", *STRANGERS):
            found = self.get(MANIFEST, authorization)
            self.assertEqual((found.status, found.sent), (200, IMAGE.manifest))
            found = self.get(f"/v2/token?service=hub&scope={scope}", authorization)
            bearer = f"Bearer {found.json()['token']}"
            self.assertEqual(self.get(MANIFEST, bearer).status, 200)

    def test_they_open_nothing(self) -> None:
        """Who proves nothing may do what anybody may, and no more."""
        for authorization in STRANGERS:
            headers = {"Authorization": authorization}
            target = "/v2/library/redis/blobs/uploads/"
            pushed = self.ask("POST", target, user="", headers=headers)
            self.assertEqual(pushed.status, 401)

    def test_credentials_that_prove_something(self) -> None:
        """They count."""
        self.assertEqual(self.ask("GET", MANIFEST, user="alice").status, 200)
        self.assertEqual(self.lines[-1].principal, "alice")

    def test_the_upstreams_limit(self) -> None:
        """429 is told as 503, so that the client goes on to the registry itself, with
        when to come back."""
        self.upstream.failure = errors.UpstreamLimited("the upstream limits us", 30.0)
        found = self.get(MANIFEST)
        self.assertEqual((found.status, found.error), (503, "TOOMANYREQUESTS"))
        self.assertEqual(found.headers["Retry-After"], "30")


class RegistryTests(MirrorCase):
    """The same without ``role = mirror``."""

    mirror = False

    def test_credentials_that_prove_nothing(self) -> None:
        """They are refused, so that people see that they are wrong."""
        for authorization in STRANGERS:
            self.assertEqual(self.get(MANIFEST, authorization).status, 401)

    def test_the_upstreams_limit(self) -> None:
        """429, as it is."""
        self.upstream.failure = errors.UpstreamLimited("the upstream limits us", 30.0)
        found = self.get(MANIFEST)
        self.assertEqual((found.status, found.error), (429, "TOOMANYREQUESTS"))
        self.assertEqual(found.headers["Retry-After"], "30")


class TableTests(MirrorCase):
    """The table of errors, for a mirror."""

    def test_only_the_limit_differs(self) -> None:
        """Every other error has the status, body and headers that it has elsewhere."""
        for error in (
            errors.Miss(ErrorCode.MANIFEST_UNKNOWN, "x"),
            errors.Refused(ErrorCode.DENIED, "x"),
            errors.RuledOut("x"),
            errors.Unauthenticated("x"),
            errors.Invalid(ErrorCode.NAME_INVALID, "x"),
            errors.UpstreamOutage("x"),
            errors.EgressOutage("x"),
            errors.UpstreamTimeout("x"),
            errors.UpstreamBlocked("x", 40.0),
            errors.UpstreamBlocked("x", by_hand=True),
            errors.StorageOutage("x"),
            errors.Rotten("x"),
            errors.Overload("x"),
        ):
            self.assertEqual(tell(error, mirror=True), tell(error))
        limited = errors.UpstreamLimited("x", 90.0)
        told, mirrored = tell(limited), tell(limited, mirror=True)
        self.assertEqual((told.status, mirrored.status), (429, 503))
        self.assertEqual((told.body, told.headers), (mirrored.body, mirrored.headers))

    def test_statuses(self) -> None:
        """What is blocked, ruled out or rotten has its status and when to come back."""
        for error, status, wait in (
            (errors.UpstreamBlocked("x", 39.6), 503, "40"),
            (errors.UpstreamBlocked("x", by_hand=True), 503, "5"),
            (errors.Rotten("x"), 503, "5"),
            (errors.RuledOut("x"), 403, None),
        ):
            told = tell(error)
            self.assertEqual(told.status, status)
            self.assertEqual(dict(told.headers).get("Retry-After"), wait)
            self.assertTrue(json.loads(told.body)["errors"])
