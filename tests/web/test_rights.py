"""Rights by roles: every role, repository, route and credential against a model."""

import base64
import itertools
from collections.abc import Callable
from typing import Any

from pullthrough.access.roles import RolePolicy
from pullthrough.audit import AuditEvent
from pullthrough.errors import StorageOutage
from pullthrough.spec import routes
from pullthrough.spec.digest import Digest
from pullthrough.spec.mediatypes import OCI_MANIFEST
from pullthrough.spec.names import ImageName
from pullthrough.spec.rights import Right, Role
from tests.support.exchange import FakeExchange, run
from tests.support.images import make_image
from tests.support.site import SiteCase

OURS, THEIRS = make_image(b"ours"), make_image(b"theirs")
DIGEST = next(iter(OURS.blobs))
NONE = Digest.of(b"none")

#: What each request needs. ``{image}`` stands for the name.
REQUESTS: tuple[tuple[str, str, type, Right], ...] = (
    ("GET", "/v2/{image}/manifests/v1", routes.ManifestRoute, Right.READ),
    ("HEAD", "/v2/{image}/manifests/v1", routes.ManifestRoute, Right.READ),
    ("GET", f"/v2/{{image}}/blobs/{DIGEST}", routes.BlobRoute, Right.READ),
    ("HEAD", f"/v2/{{image}}/blobs/{DIGEST}", routes.BlobRoute, Right.READ),
    ("GET", "/v2/{image}/tags/list", routes.TagsRoute, Right.READ),
    (
        "GET",
        f"/v2/{{image}}/referrers/{OURS.digest}",
        routes.ReferrersRoute,
        Right.READ,
    ),
    ("PUT", "/v2/{image}/manifests/v1", routes.ManifestRoute, Right.PUSH),
    ("POST", "/v2/{image}/blobs/uploads/", routes.UploadsRoute, Right.PUSH),
    (
        "GET",
        f"/v2/{{image}}/blobs/uploads/{'a' * 32}",
        routes.UploadRoute,
        Right.PUSH,
    ),
    (
        "PATCH",
        f"/v2/{{image}}/blobs/uploads/{'a' * 32}",
        routes.UploadRoute,
        Right.PUSH,
    ),
    (
        "PUT",
        f"/v2/{{image}}/blobs/uploads/{'a' * 32}",
        routes.UploadRoute,
        Right.PUSH,
    ),
    (
        "DELETE",
        f"/v2/{{image}}/blobs/uploads/{'a' * 32}",
        routes.UploadRoute,
        Right.PUSH,
    ),
    ("DELETE", f"/v2/{{image}}/manifests/{NONE}", routes.ManifestRoute, Right.DELETE),
    ("DELETE", "/v2/{image}/manifests/none", routes.ManifestRoute, Right.DELETE),
    ("DELETE", f"/v2/{{image}}/blobs/{NONE}", routes.BlobRoute, Right.DELETE),
)

#: Routes about no image: the base and the token realm are for whoever may come in, the
#: catalogue needs browse.
OTHERS = frozenset({routes.Base, routes.Token, routes.Catalog})

SUBSETS = [
    frozenset(chosen)
    for size in range(len(Right) + 1)
    for chosen in itertools.combinations(Right, size)
]
WHO = ("alice", "bob", "", "wrong")


def authorization(who: str) -> dict[str, str]:
    """The credentials of somebody."""
    if not who:
        return {}
    password = "nonsense" if who == "wrong" else f"pw-{who}"
    pair = base64.b64encode(f"{who}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


class RightsCase(SiteCase):
    """A hosted repository with one image, and roles."""

    def setUp(self) -> None:
        super().setUp()
        self.push_image()
        self.site = self.make_site(self.hosted)

    def roles(self, *roles: Role, anonymous: bool = True) -> None:
        """These and no others."""
        self.policy = RolePolicy(anonymous, roles)
        self.site = self.make_site(self.hosted)

    def request(self, who: str, method: str, target: str, **more: Any) -> FakeExchange:
        """One request."""
        if who == "wrong":
            self.house.clock.advance(7)  # guesses are rationed
        headers = {**authorization(who), **more.pop("headers", {})}
        exchange = FakeExchange(method, target, headers, **more)
        return run(self.site, exchange)


class MatrixTests(RightsCase):
    """The matrix."""

    def test_every_cell(self) -> None:
        """Whoever lacks the right is refused, in the same words whether the image is
        there or not; whoever has it gets past the door."""
        cells = 0
        for rights in SUBSETS:
            for repositories, images in (("*", "*"), ("own", "team/*"), ("hub", "*")):
                role = Role(
                    "r", frozenset({"alice"}), rights, (repositories,), (images,)
                )
                self.roles(role)
                for who, (method, target, _, right) in itertools.product(WHO, REQUESTS):
                    answers = []
                    for image in ("team/app", "team/none", "other/app"):
                        cells += 1
                        covered = role.covers("own", ImageName(image))
                        may = who == "alice" and right in rights and covered
                        got = self.request(who, method, target.format(image=image))
                        where = (sorted(r.value for r in rights), who, method, target)
                        if may:
                            self.assertNotIn(got.status, (401, 403), where)
                        else:
                            self.assertIn(got.status, (401, 403), where)
                            answers.append((got.status, got.sent, image))
                    refused = {(status, sent) for status, sent, _ in answers}
                    self.assertLessEqual(len(refused), 1, (method, target))
        self.assertGreaterEqual(cells, 5000)

    def test_every_route_has_its_right(self) -> None:
        """A route that is added needs a row above."""
        known = {route for _, _, route, _ in REQUESTS} | OTHERS
        self.assertEqual(known, set(routes.METHODS))
        for route, methods in routes.METHODS.items():
            if route in OTHERS:
                continue
            tried = {method for method, _, one, _ in REQUESTS if one is route}
            self.assertEqual(tried, set(methods), route)


class RoleTests(RightsCase):
    """What roles mean beyond the door."""

    def put(self, who: str, tag: str, query: str = "", image: Any = THEIRS) -> int:
        """The status of a push of another manifest."""
        for content in image.blobs.values():
            self.hosted_blob(content)
        got = self.request(
            who,
            "PUT",
            f"/v2/team/app/manifests/{tag}{query}",
            headers={"Content-Type": OCI_MANIFEST},
            body=image.manifest,
        )
        return got.status

    def hosted_blob(self, content: bytes) -> None:
        """Have a blob, whoever brought it."""
        self.policy = None
        site, self.site = self.site, self.make_site(self.hosted)
        self.push_blob(content)
        self.site = site

    def test_overwrite(self) -> None:
        """Without it a tag that stands may not move, by no way (R24); a new one may
        come, and the same manifest again."""
        push = Role("p", frozenset({"bob"}), frozenset({Right.PUSH}))
        everything = Role("e", frozenset({"alice"}), frozenset(Right))
        self.roles(push, everything)
        self.assertEqual(self.put("bob", "v1"), 403)
        self.assertEqual(self.put("bob", str(THEIRS.digest), "?tag=v1"), 403)
        self.assertEqual(self.put("bob", str(THEIRS.digest), "?tag=new&tag=v1"), 403)
        self.assertEqual(self.put("bob", "v2"), 201)
        self.assertEqual(self.put("bob", "v2"), 201)
        self.assertEqual(self.put("alice", "v1"), 201)

    def test_lists(self) -> None:
        """Only what may be browsed is listed, on full pages; reading needs no list."""
        for image in ("a/1", "b/1", "b/2", "c/1", "c/2"):
            self.push_blob(b"x", image)
            self.ask(
                "PUT",
                f"/v2/{image}/manifests/v1",
                headers={"Content-Type": "application/vnd.oci.image.index.v1+json"},
                body=b'{"schemaVersion":2,"manifests":[]}',
            )
        browse = frozenset({Right.BROWSE, Right.READ})
        self.roles(Role("b", frozenset({"bob"}), browse, images=("a/*", "c/*")))
        found, target = [], "/v2/_catalog?n=1"
        while target:
            got = self.request("bob", "GET", target)
            self.assertLessEqual(len(got.json()["repositories"]), 1)
            found += got.json()["repositories"]
            link = got.headers.get("Link", "")
            target = link[1 : link.index(">")] if link else ""
        self.assertEqual(found, ["a/1", "c/1", "c/2"])
        self.assertEqual(self.request("alice", "GET", "/v2/_catalog").status, 403)

    def test_anonymous(self) -> None:
        """A principal like others, behind the one switch."""
        read = Role("r", frozenset({"anonymous"}), frozenset({Right.READ}))
        self.roles(read)
        token = self.request("", "GET", "/v2/token?scope=repository:team/app:pull,push")
        bearer = {"Authorization": f"Bearer {token.json()['token']}"}
        target = "/v2/team/app/manifests/v1"
        got = self.request("", "GET", target, headers=bearer)
        self.assertEqual(got.status, 200)
        self.roles(read, anonymous=False)
        got = self.request("", "GET", target)
        self.assertEqual(got.status, 401)

    def test_a_mount(self) -> None:
        """The source must be readable now; else the client sends the blob."""
        push = Role("p", frozenset({"bob"}), frozenset({Right.PUSH}))
        mount = f"/v2/team/b/blobs/uploads/?mount={DIGEST}&from=team/app"
        self.roles(push)
        self.assertEqual(self.request("bob", "POST", mount).status, 202)
        self.roles(push, Role("r", frozenset({"bob"}), frozenset({Right.READ})))
        self.assertEqual(self.request("bob", "POST", mount).status, 201)


class AuditTests(RightsCase):
    """Every change is kept, with who, from where and what."""

    def test_changes(self) -> None:
        """Pushes with each tag, uploads, mounts, deletes; reading and failing keep
        nothing."""
        self.kept.clear()
        self.push_blob(b"one")
        digest = Digest.of(b"one")
        self.ask("POST", f"/v2/b/blobs/uploads/?mount={digest}&from=team/app")
        self.ask("GET", "/v2/team/app/manifests/v1")
        self.ask("DELETE", "/v2/team/app/manifests/none")
        self.ask("DELETE", "/v2/team/app/manifests/v1")
        self.ask("DELETE", f"/v2/team/app/manifests/{OURS.digest}", user="bob")
        self.ask("DELETE", f"/v2/team/app/blobs/{digest}")
        kept = [
            (one.action, one.principal, one.image, one.reference, one.digest)
            for one in self.kept
        ]
        self.assertEqual(
            kept,
            [
                ("upload", "alice", "team/app", "", str(digest)),
                ("mount", "alice", "b", "team/app", str(digest)),
                ("delete", "alice", "team/app", "v1", ""),
                ("delete", "alice", "team/app", "", str(digest)),
            ],
        )
        self.assertEqual({one.address for one in self.kept}, {"192.0.2.7"})
        self.assertEqual({one.repository for one in self.kept}, {"own"})
        self.kept.clear()
        self.push_image("v7")
        self.assertEqual(
            [one.action for one in self.kept], ["upload", "upload", "push"]
        )
        self.assertEqual(self.kept[-1].reference, "v7")

    def test_logins(self) -> None:
        """Who was claimed, when a password was wrong; not each challenge."""
        self.kept.clear()
        self.request("", "GET", "/v2/")
        self.request("wrong", "GET", "/v2/")
        self.assertEqual(
            [(one.action, one.principal) for one in self.kept], [("login", "wrong")]
        )
        self.assertIn("wrong", self.kept[0].outcome)

    def test_what_cannot_be_kept(self) -> None:
        """A change that nobody could look up later is answered 503; a wrong password
        is refused all the same."""

        def full(event: AuditEvent) -> None:
            raise StorageOutage("the audit log cannot be written")

        self.kept = Kept(full)
        self.site = self.make_site(self.hosted)
        got = self.ask("DELETE", "/v2/team/app/manifests/v1")
        self.assertEqual(got.status, 503)
        self.assertEqual(self.request("wrong", "GET", "/v2/").status, 401)


class Kept(list[AuditEvent]):
    """What is kept of events, and what happens at each."""

    def __init__(self, happens: Callable[[AuditEvent], None]) -> None:
        super().__init__()
        self._happens = happens

    def append(self, event: AuditEvent) -> None:
        """One more."""
        self._happens(event)
