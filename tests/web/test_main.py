"""The main connector: every repository by every way in."""

import json
from typing import Any

from pullthrough.errors import Overload
from pullthrough.spec.ways import RESERVED
from pullthrough.values import Document, Identity, Inquiry
from pullthrough.web.pages import Pages
from tests.support.authenticators import make_authenticator
from tests.support.exchange import FakeExchange, run
from tests.support.main import HOST, MainCase, listed
from tests.support.site import DIGEST, LAYER, USERS

#: By path, also as Docker makes it of Nexus's base path; the base path itself; by
#: subdomain, where nothing stands in front.
WAYS = (
    ("/v2/own/", "own/", {}),
    ("/v2/repository/own/", "repository/own/", {}),
    ("/repository/own/v2/", "", {}),
    ("/v2/", "", {"host": "mine.registry.test:5000"}),
)


class WaysTests(MainCase):
    """What is the same whichever way a client comes."""

    def test_push_and_pull(self) -> None:
        """Chunks, manifest and blobs come back the way that the client came."""
        for lead, _, more in WAYS:
            made = self.push(f"{lead}team/app", **more)
            for reference in ("v1", str(made.digest)):
                path = f"{lead}team/app/manifests/{reference}"
                got = self.ask("GET", path, **more)
                self.assertEqual((got.status, got.sent), (200, made.manifest))
                self.assertEqual(self.ask("HEAD", path, **more).status, 200)
            got = self.ask("GET", f"{lead}team/app/blobs/{DIGEST}", **more)
            self.assertEqual((got.status, got.sent), (200, LAYER))
            self.assertEqual(self.lines[-1].repository, "own")
            path = f"{lead}team/app/manifests/v1"
            self.assertEqual(self.ask("DELETE", path, **more).status, 202)

    def test_behind_a_reverse_proxy(self) -> None:
        """URLs are absolute and still lead back the same way."""
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "hub.corp.example"}
        for lead, _, more in WAYS[:3]:
            got = self.ask(
                "POST",
                f"{lead}a/blobs/uploads/",
                headers=headers,
                peer="10.0.0.1",
                **more,
            )
            begin = f"https://hub.corp.example{lead}a/blobs/uploads/"
            self.assertTrue(got.headers["Location"].startswith(begin))

    def test_lists(self) -> None:
        """Tags with the name that the client gave, and the next page its way."""
        self.push("/v2/own/team/app", "a")
        self.push("/v2/own/team/app", "b")
        for lead, prefix, more in WAYS:
            path = f"{lead}team/app/tags/list"
            got = self.ask("GET", f"{path}?n=1", **more)
            self.assertEqual(got.json(), {"name": f"{prefix}team/app", "tags": ["a"]})
            link = f'<{path}?n=1&last=a>; rel="next"'
            self.assertEqual(got.headers["Link"], link)
            got = self.ask("GET", f"{path}?n=1&last=a", **more)
            self.assertEqual(got.json()["tags"], ["b"])

    def test_referrers(self) -> None:
        """Their pages as well."""
        made = self.push("/v2/own/team/app")
        for number in range(2):
            document = json.loads(made.manifest)
            document["annotations"] = {"number": str(number)}
            document["subject"] = {
                "mediaType": made.media_type,
                "digest": str(made.digest),
                "size": len(made.manifest),
            }
            got = self.ask(
                "PUT",
                f"/v2/own/team/app/manifests/r{number}",
                headers={"Content-Type": made.media_type},
                body=json.dumps(document).encode(),
            )
            self.assertEqual(got.headers["OCI-Subject"], str(made.digest))
        for lead, _, more in WAYS:
            path = f"{lead}team/app/referrers/{made.digest}"
            got = self.ask("GET", f"{path}?n=1", **more)
            self.assertTrue(got.headers["Link"].startswith(f"<{path}?n=1&last="))

    def test_challenges(self) -> None:
        """The realm of the way, and the scope that the client asks it for."""
        for lead, prefix, more in WAYS:
            host = more.get("host", HOST)
            base = lead.partition("/v2/")[0]
            service = "Pullthrough" if prefix else "own"
            for method, path, actions in (
                ("GET", "team/app/tags/list", "pull"),
                ("POST", "team/app/blobs/uploads/", "pull,push"),
                ("DELETE", "team/app/manifests/v1", "pull,delete"),
            ):
                got = self.ask(method, f"{lead}{path}", user="", **more)
                self.assertEqual((got.status, got.error), (401, "UNAUTHORIZED"))
                self.assertEqual(
                    got.headers["WWW-Authenticate"],
                    f'Bearer realm="http://{host}{base}/v2/token",'
                    f'service="{service}",'
                    f'scope="repository:{prefix}team/app:{actions}"',
                )

    def test_mounts(self) -> None:
        """From an image of the same repository, by any of its names on the main
        connector; from another repository it becomes an upload."""
        self.push("/v2/own/team/app")
        self.push("/v2/other/team/app")
        for number, (lead, prefix, more) in enumerate(WAYS):
            sources = [("", 201), (f"{prefix}team/app", 201), ("BAD", 202)]
            if prefix:
                sources += [("own/team/app", 201), ("repository/own/team/app", 201)]
                sources += [("other/team/app", 202), ("team/app", 202), ("own", 202)]
            for index, (source, status) in enumerate(sources):
                image = f"{lead}mounted/into-{number}-{index}"
                origin = f"&from={source}" if source else ""
                target = f"{image}/blobs/uploads/?mount={DIGEST}{origin}"
                got = self.ask("POST", target, **more)
                self.assertEqual(got.status, status, target)
                self.assertTrue(got.headers["Location"].startswith(image))

    def test_the_challenge_of_a_mount(self) -> None:
        """Both images are named as the client names them; a token for both will do."""
        self.push("/v2/own/team/app")
        for lead, prefix, more in WAYS[:2]:
            target = f"{lead}b/blobs/uploads/?mount={DIGEST}&from={prefix}team/app"
            got = self.ask("POST", target, user="", **more)
            push, pull = (
                f"repository:{prefix}b:pull,push",
                f"repository:{prefix}team/app:pull",
            )
            self.assertIn(f'scope="{push} {pull}"', got.headers["WWW-Authenticate"])
            got = self.bearer("POST", target, self.token(push))
            self.assertEqual(got.status, 401)
            self.assertIn(f'scope="{push} {pull}"', got.headers["WWW-Authenticate"])
            self.assertEqual(
                self.bearer("POST", target, self.token(push, pull)).status, 201
            )

    def test_a_proxy(self) -> None:
        """It fetches what stands behind its name."""
        digest = self.offer()
        for path in (
            "/v2/hub/library/alpine/manifests/1",
            "/v2/repository/hub/library/alpine/manifests/1",
            "/repository/hub/v2/library/alpine/manifests/1",
        ):
            got = self.ask("GET", path)
            found = (got.status, got.headers["Docker-Content-Digest"])
            self.assertEqual(found, (200, str(digest)))
            self.assertEqual(self.lines[-1].repository, "hub")
        self.assertEqual(self.ask("PUT", path).status, 405)

    def test_offline(self) -> None:
        """503, as on a connector of its own."""
        for path in ("/v2/off/a/tags/list", "/repository/off/v2/a/tags/list"):
            self.assertEqual(self.ask("GET", path).status, 503)

    def test_force_basic_auth(self) -> None:
        """It holds on every way in: no anonymous token helps."""
        self.anonymous = True
        self.main = self.make()
        for path in ("/v2/strict/a/tags/list", "/repository/strict/v2/a/tags/list"):
            got = self.ask("GET", path, user="")
            challenge = got.headers["WWW-Authenticate"]
            self.assertEqual((got.status, challenge[:5]), (401, "Basic"))
            self.assertEqual(self.ask("GET", path).status, 404)
        token = self.token("repository:strict/a:pull", user="")
        got = self.bearer("GET", "/v2/strict/a/tags/list", token)
        self.assertEqual(got.status, 401)
        token = self.token("repository:strict/a:pull")
        got = self.bearer("GET", "/v2/strict/a/tags/list", token)
        self.assertEqual(got.status, 404)
        self.assertEqual(self.ask("GET", "/repository/strict/v2/token", "").status, 401)


class BaseTests(MainCase):
    """Nexus's base path, and subdomains: the whole API."""

    def test_everything_is_there(self) -> None:
        """The base, the catalogue without a prefix, and a token realm of its own."""
        self.push("/v2/own/team/app")
        self.push("/v2/own/team/base")
        for base, host in (("/repository/own", HOST), ("", "mine.registry.test")):
            for path in ("/v2", "/v2/"):
                self.assertEqual(self.ask("GET", base + path, host=host).status, 200)
                got = self.ask("GET", base + path, user="", host=host)
                realm = f'realm="http://{host}{base}/v2/token",service="own"'
                self.assertIn(realm, got.headers["WWW-Authenticate"])
            got = self.ask("GET", f"{base}/v2/_catalog?n=1", host=host)
            self.assertEqual(listed(got), ["team/app"])
            link = f'<{base}/v2/_catalog?n=1&last=team%2Fapp>; rel="next"'
            self.assertEqual(got.headers["Link"], link)

    def test_its_tokens(self) -> None:
        """They are those of the repository's own connector: good there and by
        subdomain, and nowhere else."""
        self.push("/v2/own/team/app")
        token = self.token("repository:team/app:pull", base="/repository/own")
        path = "team/app/manifests/v1"
        self.assertEqual(
            self.bearer("GET", f"/repository/own/v2/{path}", token).status, 200
        )
        host = "mine.registry.test"
        self.assertEqual(
            self.bearer("GET", f"/v2/{path}", token, host=host).status, 200
        )
        for other in (f"/v2/own/{path}", f"/repository/other/v2/{path}", "/v2/"):
            self.assertEqual(self.bearer("GET", other, token).status, 401)
        token = self.token("repository:own/team/app:pull")
        got = self.bearer("GET", f"/repository/own/v2/{path}", token)
        self.assertEqual(got.status, 401)

    def test_v1(self) -> None:
        """Where it is switched on, by base path and subdomain."""
        self.push("/v2/own/team/app")
        for base, more in (
            ("/repository/own", {}),
            ("", {"host": "mine.registry.test"}),
        ):
            self.assertEqual(
                self.ask("GET", f"{base}/v1/_ping", "", **more).status, 200
            )
            got = self.ask("GET", f"{base}/v1/search?q=app", **more)
            self.assertEqual(got.json()["results"][0]["name"], "team/app")
        self.assertEqual(self.ask("GET", "/repository/other/v1/_ping").status, 404)
        self.assertEqual(self.ask("GET", "/v1/_ping").status, 404)

    def test_subdomains(self) -> None:
        """The first label of the host, in any case, as a trusted proxy tells it."""
        self.push("/v2/own/team/app")
        path = "/v2/team/app/tags/list"
        for host in ("mine", "MINE.registry.test", "mine.registry.test:8081"):
            self.assertEqual(self.ask("GET", path, host=host).status, 200)
        for host in (
            "x.mine.test",
            "minex.registry.test",
            HOST,
            "10.0.0.1:8081",
            "[::1]",
        ):
            self.assertEqual(self.ask("GET", path, host=host).status, 404)
        headers = {"X-Forwarded-Host": "mine.registry.test"}
        got = self.ask("GET", path, peer="10.0.0.1", headers=headers)
        self.assertEqual(got.status, 200)
        self.assertEqual(self.ask("GET", path, headers=headers).status, 404)
        # Everything else is what it is on other hosts.
        for path in ("/v2/own/team/app/tags/list", "/health/live"):
            found = self.ask("GET", path, host="mine.registry.test").status
            self.assertEqual(found, 200 if path == "/health/live" else 404)
        path = "/repository/other/v2/a/tags/list"
        self.ask("GET", path, host="mine.registry.test")
        self.assertEqual(self.lines[-1].repository, "other")

    def test_a_group(self) -> None:
        """A push lands in the writable member, a pull asks them all."""
        self.offer()
        self.push("/v2/all/team/app")
        self.assertEqual(self.ask("GET", "/v2/own/team/app/tags/list").status, 200)
        host = "images.registry.test"
        got = self.ask("GET", "/v2/library/alpine/manifests/1", host=host)
        self.assertEqual((got.status, self.lines[-1].member), (200, "hub"))


class RootTests(MainCase):
    """What belongs to no repository."""

    def test_base(self) -> None:
        """One challenge for all, and one login."""
        got = self.ask("GET", "/v2/", user="")
        realm = f'Bearer realm="http://{HOST}/v2/token",service="Pullthrough"'
        self.assertEqual(got.headers["WWW-Authenticate"], realm)
        self.assertEqual(self.ask("GET", "/v2/").sent, b"{}")
        self.assertEqual(self.bearer("GET", "/v2/", self.token()).status, 200)
        self.assertEqual(self.lines[-1].repository, "-")
        got = self.ask("POST", "/v2/_catalog")
        self.assertEqual((got.status, got.headers["Allow"]), (405, "GET"))
        self.assertEqual(self.ask("POST", "/v2/token").status, 400)

    def test_a_login_by_post(self) -> None:
        """OAuth2's grants: a refresh token of the main connector opens every repository
        for what is asked, and none at its own realm."""
        self.push("/v2/own/team/app")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = (
            "grant_type=password&username=alice&password=pw-alice&access_type=offline"
        )
        got = self.ask("POST", "/v2/token", "", headers=form, body=body.encode())
        refresh = got.json()["refresh_token"]
        body = f"grant_type=refresh_token&refresh_token={refresh}"
        scope = "&scope=repository:own/team/app:pull"
        got = self.ask(
            "POST", "/v2/token", "", headers=form, body=(body + scope).encode()
        )
        token = got.json()["access_token"]
        got = self.bearer("GET", "/v2/own/team/app/manifests/v1", token)
        self.assertEqual(got.status, 200)
        realm = "/repository/own/v2/token"
        got = self.ask("POST", realm, "", headers=form, body=body.encode())
        self.assertEqual(got.status, 401)

    def test_every_repository_wants_basic(self) -> None:
        """Then so does the base."""
        self.repositories = [one for one in self.repositories if one.name == "strict"]
        self.main = self.make({})
        got = self.ask("GET", "/v2/", user="")
        self.assertEqual(got.headers["WWW-Authenticate"], 'Basic realm="pullthrough"')

    def test_tokens(self) -> None:
        """One for images of several repositories opens these and nothing else."""
        self.push("/v2/own/team/app")
        self.push("/v2/other/team/app")
        token = self.token(
            "repository:own/team/app:pull,push",
            "repository:repository/other/team/app:pull",
            "repository:nosuch/a:pull",
            "repository:own:pull",
            "repository:own/BAD:pull",
            "other:own/team/app:pull",
        )
        opened = (
            "/v2/own/",
            "/v2/repository/own/",
            "/v2/other/",
            "/v2/repository/other/",
        )
        for lead in opened:
            got = self.bearer("GET", f"{lead}team/app/tags/list", token)
            self.assertEqual(got.status, 200, lead)
        push = "team/app/blobs/uploads/"
        self.assertEqual(self.bearer("POST", f"/v2/own/{push}", token).status, 202)
        for method, path in (
            ("POST", f"/v2/other/{push}"),
            ("GET", "/v2/own/team/other/tags/list"),
            ("GET", "/v2/strict/team/app/tags/list"),
            ("GET", "/v2/_catalog"),
        ):
            self.assertEqual(self.bearer(method, path, token).status, 401, path)

    def test_rights_by_repository(self) -> None:
        """The policy is asked with the repository's name and the image's, and what it
        does not give is in no token and no catalogue."""

        class Narrow:
            """alice everywhere; bob pulls team/app of `own`."""

            def permits(
                self, principal: str, repository: str, image: Any, action: str
            ) -> bool:
                """Whether."""
                known = (repository, str(image), action)
                return principal == "alice" or (
                    principal == "bob"
                    and known
                    in (
                        ("own", "team/app", "pull"),
                        ("own", "team/app", "catalog"),
                        ("own", "None", "catalog"),
                    )
                )

        self.policy = Narrow()  # type: ignore[assignment]
        self.main = self.make()
        self.push("/v2/own/team/app")
        self.push("/v2/other/team/app")
        token = self.token(
            "repository:own/team/app:pull,push",
            "repository:other/team/app:pull",
            "registry:catalog:*",
            user="bob",
        )
        found = [
            self.bearer(method, path, token).status
            for method, path in (
                ("GET", "/v2/own/team/app/manifests/v1"),
                ("POST", "/v2/own/team/app/blobs/uploads/"),
                ("GET", "/v2/other/team/app/manifests/v1"),
            )
        ]
        self.assertEqual(found, [200, 401, 401])
        got = self.bearer("GET", "/v2/_catalog", token)
        self.assertEqual(listed(got), ["own/team/app"])
        self.assertEqual(self.ask("GET", "/v2/nosuch/a/tags/list", "bob").status, 403)
        self.assertEqual(self.ask("GET", "/v2/other/a/tags/list", "bob").status, 403)

    def test_catalogue(self) -> None:
        """All that the caller may list, in order, page by page, with the repositories'
        names in front; who cannot tell is named."""
        for lead in ("own/team/app", "own/a", "other/z", "strict/b"):
            self.push(f"/v2/{lead}")
        expected = [
            *("all/a", "all/team/app", "other/z", "own/a", "own/team/app", "strict/b")
        ]
        got = self.ask("GET", "/v2/_catalog")
        self.assertEqual(listed(got), expected)
        self.assertIn("repository off is offline", got.headers["Warning"])
        self.assertNotIn("Link", got.headers)
        for n in range(1, len(expected) + 1):
            found: list[str] = []
            target = f"/v2/_catalog?n={n}"
            while target:
                got = self.ask("GET", target)
                self.assertLessEqual(len(listed(got)), n)
                found += listed(got)
                link = got.headers.get("Link", "")
                target = link.partition(">")[0].removeprefix("<")
            self.assertEqual(found, expected, n)
        for last, count in (("", 6), ("all/zzz", 4), ("own", 3), ("z", 0), ("a", 6)):
            got = self.ask("GET", f"/v2/_catalog?last={last}")
            self.assertEqual(len(listed(got)), count, last)
        self.assertEqual(listed(self.ask("GET", "/v2/_catalog?n=0")), [])
        self.assertEqual(self.ask("GET", "/v2/_catalog?n=x").status, 400)
        self.assertEqual(self.ask("GET", "/v2/_catalog", user="").status, 401)
        self.anonymous = True
        self.main = self.make()
        self.assertEqual(listed(self.ask("GET", "/v2/_catalog", user="")), expected[:5])

    def test_nobody_can_list(self) -> None:
        """That is an outage, and no empty catalogue."""
        self.repositories = self.repositories[-1:]
        self.main = self.make({})
        self.assertEqual(self.ask("GET", "/v2/_catalog").status, 503)

    def test_what_is_not_there(self) -> None:
        """404 for who has rights, the usual challenge for everybody else."""
        for method, path, code in (
            ("GET", "/v2/nosuch/a/manifests/v1", "NAME_UNKNOWN"),
            ("PUT", "/v2/nosuch/a/manifests/v1", "NAME_UNKNOWN"),
            ("POST", "/v2/nosuch/a/blobs/uploads/", "NAME_UNKNOWN"),
            ("GET", "/v2/repository/nosuch/a/tags/list", "NAME_UNKNOWN"),
            ("GET", "/v2/own/manifests/v1", "NAME_UNKNOWN"),
            ("GET", "/v2/own/tags/list", "NAME_UNKNOWN"),
            ("POST", "/v2/own/blobs/uploads/", "NAME_UNKNOWN"),
            ("GET", "/v2/repository/own/manifests/v1", "NAME_UNKNOWN"),
            ("GET", "/v2/Own/a/tags/list", "NAME_INVALID"),
            ("GET", "/v2/own/A/tags/list", "NAME_INVALID"),
            ("GET", "/repository/nosuch/v2/", "NAME_UNKNOWN"),
            ("GET", "/repository/nosuch/v2/a/tags/list", "NAME_UNKNOWN"),
            ("GET", "/repository/nosuch/v1/search", "NAME_UNKNOWN"),
            ("GET", "/repository/own", "UNSUPPORTED"),
            ("GET", "/repository/own/v3/", "UNSUPPORTED"),
            ("GET", "/v2/own/", "UNSUPPORTED"),
            ("GET", "/v2/own/_catalog", "UNSUPPORTED"),
            ("GET", "/v2/own/token", "UNSUPPORTED"),
            ("GET", "/other", "UNSUPPORTED"),
            ("GET", "/v1/search", "UNSUPPORTED"),
        ):
            got = self.ask(method, path)
            status = 400 if code == "NAME_INVALID" else 404
            self.assertEqual((got.status, got.error), (status, code), path)
            got = self.ask(method, path, user="")
            self.assertEqual((got.status, got.error), (401, "UNAUTHORIZED"), path)
            self.assertIn("Bearer realm=", got.headers["WWW-Authenticate"])

    def test_reserved_names(self) -> None:
        """What means something at the root of the API is nobody's name."""
        self.assertEqual(RESERVED, {"v1", "v2", "token", "repository"})


class NamespaceTests(MainCase):
    """``?ns=``: which registry is meant at a group."""

    def test_the_registry_is_named(self) -> None:
        """Only what stands for it is asked, and the answer says so, by every way."""
        digest = self.offer()
        self.push("/v2/own/library/alpine", "1")
        for path, host in (
            ("/v2/all/library/alpine", HOST),
            ("/repository/all/v2/library/alpine", HOST),
            ("/v2/library/alpine", "images.registry.test"),
        ):
            for reference in ("1", str(digest)):
                got = self.ask(
                    "GET", f"{path}/manifests/{reference}?ns=Docker.io", host=host
                )
                self.assertEqual(got.headers["OCI-Namespace"], "Docker.io")
                self.assertEqual(self.lines[-1].member, "hub")
                self.assertEqual(self.lines[-1].repository, "all")
            got = self.ask("GET", f"{path}/manifests/none?ns=docker.io", host=host)
            found = (got.status, got.headers["OCI-Namespace"])
            self.assertEqual(found, (404, "docker.io"))
            got = self.ask("GET", f"{path}/manifests/1", host=host)
            self.assertNotIn("OCI-Namespace", got.headers)
            self.assertEqual(self.lines[-1].member, "own")

    def test_pages(self) -> None:
        """The next page is of the same registry."""
        for tag in ("a", "b"):
            self.offer(tag=tag)
        got = self.ask("GET", "/v2/all/library/alpine/tags/list?n=1&ns=docker.io")
        link = '</v2/all/library/alpine/tags/list?ns=docker.io&n=1&last=a>; rel="next"'
        self.assertEqual((listed(got, "tags"), got.headers["Link"]), (["a"], link))

    def test_a_closed_world(self) -> None:
        """A registry that nobody stands for is 404, and nothing is asked of anybody;
        what is no host is refused; who may not come in is told neither."""
        self.offer()
        path = "/v2/all/library/alpine/manifests/1"
        got = self.ask("GET", f"{path}?ns=quay.io:443")
        self.assertEqual((got.status, got.error), (404, "NAME_UNKNOWN"))
        self.assertIn("quay.io:443", str(got.json()))
        self.assertNotIn("OCI-Namespace", got.headers)
        for bad in (
            "a/b",
            "x%20y",
            "http://docker.io",
            "docker.io:",
            "a" * 300,
            "%0d%0aX",
        ):
            got = self.ask("GET", f"{path}?ns={bad}")
            self.assertEqual((got.status, got.error), (400, "NAME_INVALID"), bad)
        for namespace in ("quay.io", "a/b", "docker.io"):
            got = self.ask("GET", f"{path}?ns={namespace}", user="")
            self.assertEqual(got.status, 401)
        self.assertEqual(sum(self.upstream.asked.values()), 0)

    def test_pushes(self) -> None:
        """A registry behind us takes none."""
        got = self.ask("POST", "/v2/all/a/blobs/uploads/?ns=docker.io")
        self.assertEqual((got.status, got.error), (405, "UNSUPPORTED"))

    def test_elsewhere(self) -> None:
        """Hosted and proxy repositories are asked with it as mirrors, and ignore it."""
        self.offer()
        self.push("/v2/own/a")
        for path in ("/v2/hub/library/alpine/manifests/1", "/v2/own/a/manifests/v1"):
            for namespace in ("docker.io", "quay.io", "a/b", ""):
                got = self.ask("GET", f"{path}?ns={namespace}")
                self.assertEqual(got.status, 200)
                self.assertNotIn("OCI-Namespace", got.headers)


class ExplainTests(MainCase):
    """``X-Pullthrough-Explain``: which member answered."""

    anonymous = True

    def explained(self, path: str, user: str = "alice", value: str = "1") -> Any:
        """Member and source as told, or None."""
        headers = {"X-Pullthrough-Explain": value}
        got: FakeExchange = self.ask("GET", path, user, headers=headers)
        self.assertIn(got.status, (200, 404))
        member = got.headers.get("X-Pullthrough-Member")
        source = got.headers.get("X-Pullthrough-Source")
        return (member, source) if member or source else None

    def test_users_are_told(self) -> None:
        """Manifests and blobs, fetched just now or kept, wherever they come from."""
        self.offer()
        self.push("/v2/own/team/app")
        path = "/v2/all/library/alpine/manifests/1"
        self.assertEqual(self.explained(path), ("hub", "miss"))
        self.assertEqual(self.explained(path), ("hub", "hit"))
        blob = f"/v2/all/team/app/blobs/{DIGEST}"
        self.assertEqual(self.explained(blob), ("own", "hit"))
        token = self.token("repository:all/team/app:pull")
        headers = {"X-Pullthrough-Explain": "1", "Authorization": f"Bearer {token}"}
        got = self.ask("HEAD", blob, "", headers=headers)
        self.assertEqual(got.headers["X-Pullthrough-Member"], "own")

    def test_nobody_else(self) -> None:
        """Neither anonymous, nor who does not ask, nor where nobody answered."""
        self.push("/v2/own/team/app")
        path = "/v2/all/team/app/manifests/v1"
        self.assertIsNone(self.explained(path, user=""))
        self.assertIsNone(self.explained(path, value="0"))
        self.assertIsNone(self.explained("/v2/all/team/app/manifests/none"))
        self.assertIsNone(self.explained("/v2/all/team/app/tags/list"))


class PagesTests(MainCase):
    """Pages for people and monitoring."""

    def test_users(self) -> None:
        """A page is for every user, with the password and not with a token; health is
        for everybody."""
        got = self.ask("GET", "/status")
        self.assertEqual((got.status, got.sent), (200, HOST.encode()))
        self.assertIn("default-src 'none'", got.headers["Content-Security-Policy"])
        self.assertEqual(got.headers["Cache-Control"], "no-store")
        self.assertEqual(self.ask("HEAD", "/status").sent, b"")
        self.assertEqual(self.ask("GET", "/health/live", user="").sent, b"live")
        for got in (
            self.ask("GET", "/status", user=""),
            self.ask("GET", "/status", user="nobody"),
            self.bearer("GET", "/status", self.token()),
        ):
            challenge = got.headers["WWW-Authenticate"]
            found = (got.status, challenge)
            self.assertEqual(found, (401, 'Basic realm="pullthrough"'))
        self.assertEqual(self.lines[:-1], [])

    def test_an_inquiry(self) -> None:
        """It has a status of its own, by GET and HEAD, and may be for everybody."""
        for method, sent in (("GET", b"not ready"), ("HEAD", b"")):
            got = self.ask(method, "/health/ready", user="")
            self.assertEqual((got.status, got.sent), (503, sent))
            self.assertEqual(got.headers["Content-Type"], "application/json")
            self.assertEqual(got.headers["Cache-Control"], "no-store")
        pages = {"/x": Inquiry("text/plain", self.ready)}
        authenticator = make_authenticator(USERS, self.house.clock)
        got = run(Pages(pages, authenticator), FakeExchange("GET", "/x"))
        self.assertEqual(got.status, 401)

    def test_this_machine(self) -> None:
        """Who sits at it needs no password; who comes through it does."""
        for peer, host in (
            ("127.0.0.1", "localhost:8081"),
            ("127.8.9.1", "127.0.0.1"),
            ("::1", "[::1]:8081"),
            ("::ffff:127.0.0.1", "LOCALHOST"),
        ):
            got = self.ask("GET", "/status", user="", peer=peer, host=host)
            self.assertEqual(got.status, 200, host)
        for peer, host, header in (
            ("192.0.2.7", "localhost", ""),
            ("127.0.0.1", "evil.example", ""),
            ("127.0.0.1", "localhost.evil.example", ""),
            ("127.0.0.1", "[::2]", ""),
            ("unix", "localhost", ""),
            ("127.0.0.1", "localhost", "X-Forwarded-For"),
            ("127.0.0.1", "localhost", "Forwarded"),
            ("127.0.0.1", "localhost", "Via"),
        ):
            headers = {header: "127.0.0.1"} if header else {}
            got = self.ask("GET", "/status", "", peer=peer, host=host, headers=headers)
            self.assertEqual(got.status, 401, (peer, host, header))
        headers = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "localhost"}
        got = self.ask("GET", "/status", user="", peer="10.0.0.1", headers=headers)
        self.assertEqual(got.status, 401)

    def test_overload(self) -> None:
        """Who cannot be known now is told when to come back."""

        class Busy:
            """It verifies nobody now."""

            async def password(self, *arguments: str) -> Identity:
                """No."""
                raise Overload("too much to do")

        page = Document("text/plain", lambda seen: b"x")
        pages = Pages({"/status": page}, Busy())  # type: ignore[arg-type]
        got = run(pages, FakeExchange("GET", "/status", user="alice"))
        self.assertEqual((got.status, got.headers["Retry-After"]), (503, "5"))

    def test_methods(self) -> None:
        """GET and HEAD, and nothing else."""
        for path in ("/status", "/health/live"):
            got = self.ask("POST", path)
            self.assertEqual((got.status, got.headers["Allow"]), (405, "GET, HEAD"))
