"""The registry API: reading, rights unasked, and what is no request of it."""

from typing import Any

from pullthrough import errors
from pullthrough.spec import routes
from pullthrough.spec.freshness import Freshness
from tests.support.exchange import FakeExchange, run
from tests.support.images import make_image
from tests.support.site import BLOB, DIGEST, LAYER, UPLOADS, SiteCase
from tests.support.upstream import ScriptedUpstream


class ReadingTests(SiteCase):
    """GET and HEAD."""

    def test_base(self) -> None:
        """200 for who is known, with the version header."""
        got = self.ask("GET", "/v2/")
        self.assertEqual((got.status, got.sent), (200, b"{}"))
        version = got.headers["Docker-Distribution-Api-Version"]
        self.assertEqual(version, "registry/2.0")

    def test_manifests(self) -> None:
        """Bytes, type, digest and length; HEAD the same without the bytes."""
        made = self.push_image()
        for reference in ("v1", str(made.digest)):
            got = self.ask("GET", f"/v2/team/app/manifests/{reference}")
            self.assertEqual((got.status, got.sent), (200, made.manifest))
            self.assertEqual(got.headers["Content-Type"], made.media_type)
            self.assertEqual(got.headers["Docker-Content-Digest"], str(made.digest))
            self.assertEqual(got.headers["Content-Length"], str(len(made.manifest)))
            head = self.ask("HEAD", f"/v2/team/app/manifests/{reference}")
            self.assertEqual((head.status, head.sent), (200, b""))
            self.assertEqual(head.headers, got.headers)

    def test_not_modified(self) -> None:
        """304 when the client has it."""
        made = self.push_image()
        path = f"/v2/team/app/manifests/{made.digest}"
        for tag in (f'"{made.digest}"', f'"x", W/"{made.digest}"', "*"):
            got = self.ask("GET", path, headers={"If-None-Match": tag})
            self.assertEqual((got.status, got.sent), (304, b""))
            got = self.ask("GET", BLOB, headers={"If-None-Match": f'"{DIGEST}"'})
            self.assertEqual(got.status, 304)
        got = self.ask("GET", path, headers={"If-None-Match": '"other"'})
        self.assertEqual(got.status, 200)

    def test_blobs(self) -> None:
        """Bytes and headers; ranges; HEAD."""
        self.push_blob()
        got = self.ask("GET", BLOB)
        self.assertEqual((got.status, got.sent), (200, LAYER))
        self.assertEqual(got.headers["Docker-Content-Digest"], str(DIGEST))
        self.assertEqual(got.headers["Accept-Ranges"], "bytes")
        self.assertEqual(got.headers["Content-Type"], "application/octet-stream")
        head = self.ask("HEAD", BLOB)
        self.assertEqual((head.status, head.headers["Content-Length"]), (200, "10"))
        for value, status, body, span in (
            ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
            ("bytes=-3", 206, b"789", "bytes 7-9/10"),
            ("bytes=8-", 206, b"89", "bytes 8-9/10"),
            ("bytes=10-", 416, b"", "bytes */10"),
            ("bytes=0-1,3-4", 200, LAYER, None),
            ("nonsense", 200, LAYER, None),
        ):
            got = self.ask("GET", BLOB, headers={"Range": value})
            self.assertEqual((got.status, got.sent), (status, body), value)
            self.assertEqual(got.headers.get("Content-Range"), span)
        for condition, status in ((f'"{DIGEST}"', 206), ('"other"', 200)):
            headers = {"Range": "bytes=0-0", "If-Range": condition}
            self.assertEqual(self.ask("GET", BLOB, headers=headers).status, status)

    def test_lists(self) -> None:
        """Tags and images, paged with a Link."""
        for tag in ("a", "b", "c"):
            self.push_image(tag)
        got = self.ask("GET", "/v2/team/app/tags/list")
        self.assertEqual(got.json(), {"name": "team/app", "tags": ["a", "b", "c"]})
        got = self.ask("GET", "/v2/team/app/tags/list?n=2")
        self.assertEqual(got.json()["tags"], ["a", "b"])
        link = '</v2/team/app/tags/list?n=2&last=b>; rel="next"'
        self.assertEqual(got.headers["Link"], link)
        got = self.ask("GET", "/v2/team/app/tags/list?n=2&last=b")
        self.assertEqual(got.json()["tags"], ["c"])
        self.assertNotIn("Link", got.headers)
        got = self.ask("GET", "/v2/_catalog?n=5")
        self.assertEqual(got.json(), {"repositories": ["team/app"]})

    def test_stale(self) -> None:
        """A warning goes along, in ASCII and within its quotes."""
        upstream = ScriptedUpstream()
        made = make_image(LAYER)
        upstream.add("a", "v1", made.media_type, made.manifest)
        proxy = self.house.proxy(upstream, freshness=Freshness(0))
        self.site = self.make_site(proxy)
        self.assertEqual(self.ask("GET", "/v2/a/manifests/v1").status, 200)
        upstream.failure = errors.UpstreamOutage('it said "ü"\r\n')
        got = self.ask("GET", "/v2/a/manifests/v1")
        self.assertEqual((got.status, got.sent), (200, made.manifest))
        self.assertEqual(
            got.headers["Warning"], '299 - "hub serves its copy of a:v1: it said ?"'
        )
        self.assertEqual(self.lines[-1].source, "stale")


class OddTests(SiteCase):
    """What is no request of the protocol."""

    def test_paths(self) -> None:
        """No endpoint, malformed names, wrong methods."""
        for method, target, status, code in (
            ("GET", "/", 404, "UNSUPPORTED"),
            ("GET", "/v2/a/referrers/x", 400, "DIGEST_INVALID"),
            ("GET", "/v2/a/other/x", 404, "UNSUPPORTED"),
            ("GET", "/v2/A/tags/list", 400, "NAME_INVALID"),
            ("GET", "/v2/a/manifests/-x", 400, "TAG_INVALID"),
            ("GET", "/v2/a/blobs/sha256:x", 400, "DIGEST_INVALID"),
            ("GET", "/v2/a/tags/list?n=x", 400, "UNSUPPORTED"),
            ("GET", "/v2/?" + "&".join(["a=b"] * 200), 400, "UNSUPPORTED"),
            ("PATCH", "/v2/a/manifests/x", 405, "UNSUPPORTED"),
            ("PUT", BLOB, 405, "UNSUPPORTED"),
            ("GET", UPLOADS, 405, "UNSUPPORTED"),
            ("DELETE", "/v2/a/tags/list", 405, "UNSUPPORTED"),
            ("POST", "/v2/token", 400, "UNSUPPORTED"),
            ("PUT", "/v2/token", 405, "UNSUPPORTED"),
            ("GET", "/v2/a/tags/list", 404, "NAME_UNKNOWN"),
        ):
            got = self.ask(method, target)
            expected = 400 if status == 400 else status
            self.assertEqual((got.status, got.error), (expected, code), target)

    def test_allowed_methods(self) -> None:
        """RFC 9110 section 15.5.6: a 405 tells what would be taken."""
        proxy = self.house.proxy(ScriptedUpstream())
        for repository, method, target, allowed in (
            (self.hosted, "PATCH", "/v2/a/manifests/x", "DELETE, GET, HEAD, PUT"),
            (self.hosted, "GET", UPLOADS, "POST"),
            (proxy, "PUT", "/v2/a/manifests/x", "GET, HEAD"),
            (proxy, "DELETE", BLOB, "GET, HEAD"),
        ):
            got = self.make_site(repository)
            answered = run(got, FakeExchange(method, target, user="alice"))
            found = (answered.status, answered.headers["Allow"])
            self.assertEqual(found, (405, allowed))

    def test_the_access_log(self) -> None:
        """One line for each request, whatever became of it."""
        self.push_blob()
        self.lines.clear()
        self.ask("GET", BLOB, headers={"User-Agent": "x/1"})
        self.ask("GET", "/v2/a/tags/list")
        self.ask("GET", "/v2/", user="")
        first, second, third = self.lines
        self.assertEqual(
            (first.principal, first.repository, first.member, first.source),
            ("alice", "own", "own", "hit"),
        )
        self.assertEqual((first.status, first.sent, first.agent), (200, 10, "x/1"))
        self.assertEqual((second.status, second.source), (404, "error"))
        self.assertEqual((third.status, third.principal), (401, ""))

    def test_a_bug_is_logged_and_goes_on(self) -> None:
        """It is the connection's to answer."""

        async def broken(image: Any, page: Any) -> None:
            raise KeyError

        self.hosted.tags = broken  # type: ignore[assignment, method-assign]
        self.assertRaises(KeyError, self.ask, "GET", "/v2/a/tags/list")
        self.assertEqual(self.lines[-1].source, "error")


class EveryRouteTests(SiteCase):
    """No way in without a right."""

    def test_every_route_asks_who_is_there(self) -> None:
        """Each method of each route answers 401 to a stranger."""
        paths = {
            routes.Base: "/v2/",
            routes.Catalog: "/v2/_catalog",
            routes.ManifestRoute: "/v2/a/manifests/v1",
            routes.BlobRoute: BLOB,
            routes.UploadsRoute: UPLOADS,
            routes.UploadRoute: UPLOADS + "0" * 32,
            routes.TagsRoute: "/v2/a/tags/list",
            routes.ReferrersRoute: f"/v2/a/referrers/{DIGEST}",
        }
        for kind, methods in routes.METHODS.items():
            if kind is routes.Token:
                continue
            for method in methods:
                got = self.ask(method, paths[kind], user="")
                self.assertEqual(got.status, 401, f"{method} {kind}")
