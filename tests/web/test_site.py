"""The registry API: every endpoint, every error, every right."""

import base64
import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pullthrough import errors
from pullthrough.access.htpasswd import entry, parse_htpasswd
from pullthrough.access.policy import SimplePolicy
from pullthrough.access.principals import Authenticator
from pullthrough.access.tokens import Tokens
from pullthrough.accessline import AccessLine
from pullthrough.repository.group import GroupRepository
from pullthrough.spec import routes
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.manifest import LARGEST_MANIFEST
from pullthrough.spec.mediatypes import OCI_INDEX, OCI_MANIFEST
from pullthrough.threads import Inline
from pullthrough.web.exchange import Disconnected
from pullthrough.web.failures import tell
from pullthrough.web.guard import Guard
from pullthrough.web.site import Site
from tests.support.exchange import FakeExchange, run
from tests.support.house import House
from tests.support.images import make_image
from tests.support.upstream import ScriptedUpstream

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

    def setUp(self) -> None:
        self.house = House()
        self.hosted = self.house.hosted("own")
        self.lines: list[AccessLine] = []
        self.site = self.make_site(self.hosted)

    def make_site(self, repository: Any) -> Site:
        """A site with two users."""
        random = iter(range(1, 10_000))
        tokens = Tokens(self.house.clock, lambda size: next(random).to_bytes(size))
        authenticator = Authenticator(
            USERS, tokens, Inline(), self.house.clock, lambda size: b"k" * size
        )
        policy = SimplePolicy(self.anonymous)
        guard = Guard(repository.name, authenticator, policy, self.force)
        clock = self.house.clock
        return Site(
            repository,
            guard,
            self.lines.append,
            clock,
            clock.seconds,
            v1_enabled=self.v1,
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
        proxy = self.house.proxy(upstream, max_age=0)
        self.site = self.make_site(proxy)
        self.assertEqual(self.ask("GET", "/v2/a/manifests/v1").status, 200)
        upstream.failure = errors.UpstreamOutage('it said "ü"\r\n')
        got = self.ask("GET", "/v2/a/manifests/v1")
        self.assertEqual((got.status, got.sent), (200, made.manifest))
        self.assertEqual(
            got.headers["Warning"], '299 - "hub serves its copy of a:v1: it said ?"'
        )
        self.assertEqual(self.lines[-1].source, "stale")


class WritingTests(SiteCase):
    """Uploads, manifests, deletes."""

    def begin(self, **more: Any) -> str:
        """Begin an upload; its location."""
        got = self.ask("POST", UPLOADS, **more)
        self.assertEqual(got.status, 202)
        self.assertEqual(got.headers["Range"], "0-0")
        location = got.headers["Location"]
        self.assertTrue(location.endswith(got.headers["Docker-Upload-UUID"]))
        return location

    def test_in_chunks(self) -> None:
        """POST, PATCH, PATCH, GET, PUT."""
        location = self.begin()
        got = self.ask("PATCH", location, body=LAYER[:4])
        self.assertEqual((got.status, got.headers["Range"]), (202, "0-3"))
        headers = {"Content-Range": "4-6"}
        got = self.ask("PATCH", location, body=LAYER[4:7], headers=headers)
        self.assertEqual((got.status, got.headers["Range"]), (202, "0-6"))
        got = self.ask("GET", location)
        self.assertEqual((got.status, got.headers["Range"]), (204, "0-6"))
        got = self.ask("PUT", f"{location}?digest={DIGEST}", body=LAYER[7:])
        self.assertEqual((got.status, got.headers["Location"]), (201, BLOB))
        self.assertEqual(self.ask("GET", BLOB).sent, LAYER)

    def test_whole(self) -> None:
        """POST then PUT; and all in one POST, in either algorithm."""
        got = self.ask("PUT", f"{self.begin()}?digest={DIGEST}", body=LAYER)
        self.assertEqual(got.status, 201)
        digest = Digest.of(LAYER, "sha512")
        got = self.ask("POST", f"{UPLOADS}?digest={digest}", body=LAYER)
        self.assertEqual(got.headers["Docker-Content-Digest"], str(digest))
        got = self.ask("GET", f"/v2/team/app/blobs/{digest}")
        self.assertEqual(got.sent, LAYER)
        got = self.ask("POST", f"{UPLOADS}?digest-algorithm=sha512")
        location = got.headers["Location"]
        got = self.ask("PUT", f"{location}?digest={digest}", body=LAYER)
        self.assertEqual(got.status, 201)

    def test_out_of_order(self) -> None:
        """416 with the range that stands; the session goes on."""
        location = self.begin()
        self.ask("PATCH", location, body=LAYER[:4])
        for value in ("5-9", "3-9", "0-3", "x"):
            headers = {"Content-Range": value}
            got = self.ask("PATCH", location, body=b"xxxxx", headers=headers)
            self.assertEqual((got.status, got.headers["Range"]), (416, "0-3"))
        got = self.ask("PUT", f"{location}?digest={DIGEST}", body=LAYER[4:])
        self.assertEqual(got.status, 201)

    def test_the_client_leaves(self) -> None:
        """What came is kept, and the upload goes on from there."""
        location = self.begin()
        with self.assertRaises(Disconnected):
            self.ask("PATCH", location, body=LAYER, cut=6)
        self.assertEqual(self.ask("GET", location).headers["Range"], "0-5")
        self.assertEqual(self.lines[-2].source, "error")
        headers = {"Content-Range": "6-9"}
        self.ask("PATCH", location, body=LAYER[6:], headers=headers)
        got = self.ask("PUT", f"{location}?digest={DIGEST}")
        self.assertEqual(got.status, 201)

    def test_wrong_digest(self) -> None:
        """400 DIGEST_INVALID, missing or malformed too."""
        for query in (f"?digest={Digest.of(b'x')}", "", "?digest=sha256:x"):
            got = self.ask("PUT", self.begin() + query, body=LAYER)
            self.assertEqual((got.status, got.error), (400, "DIGEST_INVALID"))
        got = self.ask("POST", f"{UPLOADS}?digest-algorithm=md5")
        self.assertEqual((got.status, got.error), (400, "DIGEST_INVALID"))

    def test_sessions(self) -> None:
        """Cancelled, unknown, and another's are all the same 404."""
        location = self.begin()
        for method in ("GET", "PATCH", "PUT", "DELETE"):
            got = self.ask(method, f"{location}?digest={DIGEST}", user="bob")
            self.assertEqual((got.status, got.error), (404, "BLOB_UPLOAD_UNKNOWN"))
        self.assertEqual(self.ask("DELETE", location).status, 204)
        for method in ("GET", "PATCH", "PUT", "DELETE"):
            got = self.ask(method, f"{location}?digest={DIGEST}")
            self.assertEqual((got.status, got.error), (404, "BLOB_UPLOAD_UNKNOWN"))
        got = self.ask("GET", f"{UPLOADS}not-ours")
        self.assertEqual((got.status, got.error), (404, "BLOB_UPLOAD_UNKNOWN"))

    def test_mount(self) -> None:
        """201 when the source has it, else an upload begins."""
        self.push_blob()
        target = "/v2/team/other/blobs/uploads/"
        got = self.ask("POST", f"{target}?mount={DIGEST}&from=team/app")
        self.assertEqual(got.status, 201)
        self.assertEqual(got.headers["Location"], f"/v2/team/other/blobs/{DIGEST}")
        self.assertEqual(self.ask("GET", f"/v2/team/other/blobs/{DIGEST}").sent, LAYER)
        for query in (
            f"?mount={Digest.of(b'x')}&from=team/app",
            f"?mount={DIGEST}&from=none",
            f"?mount={DIGEST}&from=BAD",
            f"?mount={Digest.of(b'x')}",
        ):
            self.assertEqual(self.ask("POST", target + query).status, 202, query)

    def test_mount_from_anywhere(self) -> None:
        """Without ``from``, any image that the client may read will do."""
        self.push_blob()
        target = "/v2/team/other/blobs/uploads/"
        got = self.ask("POST", f"{target}?mount={DIGEST}")
        self.assertEqual(got.status, 201)
        got = self.ask("POST", f"{target}?mount=nonsense")
        self.assertEqual((got.status, got.error), (400, "DIGEST_INVALID"))

    def test_manifest_errors(self) -> None:
        """What is missing, malformed or too large."""
        made = make_image(LAYER)
        path = "/v2/team/app/manifests/v1"
        typed = {"Content-Type": made.media_type}
        got = self.ask("PUT", path, headers=typed, body=made.manifest)
        self.assertEqual((got.status, got.error), (400, "MANIFEST_BLOB_UNKNOWN"))
        got = self.ask("PUT", path, body=made.manifest)
        self.assertEqual((got.status, got.error), (400, "MANIFEST_INVALID"))
        got = self.ask("PUT", path, headers=typed, body=b"{}")
        self.assertEqual((got.status, got.error), (400, "MANIFEST_INVALID"))
        large = b" " * (LARGEST_MANIFEST + 1)
        got = self.ask("PUT", path, headers=typed, body=large)
        self.assertEqual((got.status, got.error), (413, "SIZE_INVALID"))

    def test_several_tags(self) -> None:
        """A manifest by digest with ``?tag=``: all move, each is told."""
        made = self.push_image()
        path = f"/v2/team/app/manifests/{made.digest}?tag=a&tag=b&tag=a"
        typed = {"Content-Type": made.media_type}
        got = self.ask("PUT", path, headers=typed, body=made.manifest)
        told = [value for name, value in got.all_headers if name == "OCI-Tag"]
        self.assertEqual((got.status, told), (201, ["a", "b"]))
        listed = self.ask("GET", "/v2/team/app/tags/list").json()["tags"]
        self.assertEqual(listed, ["a", "b", "v1"])
        path = path.replace("tag=b", "tag=-")
        got = self.ask("PUT", path, headers=typed, body=made.manifest)
        self.assertEqual((got.status, got.error), (400, "TAG_INVALID"))

    def refer(self, subject: str, kind: str, path: str = "") -> str:
        """Push a manifest that refers to another; its digest."""
        empty = self.push_blob(b"{}").rpartition("/")[2]
        config = {"mediaType": kind, "digest": empty, "size": 2}
        body = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": config,
                "layers": [],
                "subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1},
                "annotations": {"who": kind},
            }
        ).encode()
        digest = str(Digest.of(body))
        target = f"/v2/team/app/manifests/{path or digest}"
        typed = {"Content-Type": OCI_MANIFEST}
        got = self.ask("PUT", target, headers=typed, body=body)
        self.assertEqual((got.status, got.headers["OCI-Subject"]), (201, subject))
        return digest

    def test_referrers(self) -> None:
        """An index of them, filtered by type; also of a subject that is not here."""
        subject = str(Digest.of(b"not here yet"))
        target = f"/v2/team/app/referrers/{subject}"
        self.assertEqual(self.ask("GET", target).json()["manifests"], [])
        digests = sorted(self.refer(subject, kind) for kind in ("a/sbom", "a/sig"))
        for repository in (self.hosted, GroupRepository("all", [self.hosted])):
            self.site = self.make_site(repository)
            got = self.ask("GET", target)
            self.assertEqual(got.headers["Content-Type"], OCI_INDEX)
            self.assertEqual(
                [one["digest"] for one in got.json()["manifests"]], digests
            )
            got = self.ask("GET", f"{target}?artifactType=a/sig")
            self.assertEqual(got.headers["OCI-Filters-Applied"], "artifactType")
            (found,) = got.json()["manifests"]
            self.assertEqual(found["artifactType"], "a/sig")
            self.assertEqual(found["annotations"], {"who": "a/sig"})

    def test_referrers_of_the_fallback_tag(self) -> None:
        """What an old client has listed under the tag is found by the API."""
        made = self.push_image()
        subject = Digest.of(b"subject")
        listed = {
            "mediaType": made.media_type,
            "digest": str(made.digest),
            "size": len(made.manifest),
        }
        gone = {**listed, "digest": str(Digest.of(b"gone"))}
        index = {"schemaVersion": 2, "manifests": [listed, gone]}
        got = self.ask(
            "PUT",
            f"/v2/team/app/manifests/sha256-{subject.hex}",
            headers={"Content-Type": OCI_INDEX},
            body=json.dumps(index).encode(),
        )
        self.assertEqual(got.status, 201)
        got = self.ask("GET", f"/v2/team/app/referrers/{subject}")
        (found,) = got.json()["manifests"]
        self.assertEqual(found["digest"], str(made.digest))

    def test_a_repository_that_knows_no_referrers(self) -> None:
        """404, so that clients ask for the fallback tag."""
        self.site = self.make_site(self.house.proxy(ScriptedUpstream()))
        got = self.ask("GET", f"/v2/team/app/referrers/{DIGEST}")
        self.assertEqual((got.status, got.error), (404, "UNSUPPORTED"))

    def test_deletes(self) -> None:
        """202, and gone."""
        made = self.push_image()
        self.push_image("v2")
        base = "/v2/team/app/manifests"
        self.assertEqual(self.ask("DELETE", f"{base}/v1").status, 202)
        self.assertEqual(self.ask("GET", f"{base}/v1").status, 404)
        self.assertEqual(self.ask("GET", f"{base}/v2").status, 200)
        self.assertEqual(self.ask("DELETE", f"{base}/{made.digest}").status, 202)
        self.assertEqual(self.ask("GET", f"{base}/v2").error, "MANIFEST_UNKNOWN")
        self.assertEqual(self.ask("DELETE", BLOB).status, 202)
        self.assertEqual(self.ask("GET", BLOB).error, "BLOB_UNKNOWN")
        self.assertEqual(self.ask("DELETE", BLOB).status, 404)

    def test_a_repository_that_takes_no_pushes(self) -> None:
        """405 UNSUPPORTED, with a text that says why."""
        self.site = self.make_site(GroupRepository("all", [self.hosted]))
        for method, target in (
            ("POST", UPLOADS),
            ("PUT", "/v2/a/manifests/v1"),
            ("DELETE", "/v2/a/manifests/v1"),
            ("DELETE", BLOB),
        ):
            got = self.ask(method, target)
            self.assertEqual((got.status, got.error), (405, "UNSUPPORTED"))
            self.assertIn("takes no pushes", got.sent.decode())


class V1Tests(SiteCase):
    """Docker's V1 API."""

    v1 = True

    def test_ping_and_users(self) -> None:
        """Anybody may ping; users tells whether a password is right."""
        got = self.ask("GET", "/v1/_ping", user="")
        self.assertEqual((got.status, got.sent), (200, b"true"))
        self.assertEqual(got.headers["X-Docker-Registry-Standalone"], "true")
        for method in ("GET", "POST"):
            self.assertEqual(self.ask(method, "/v1/users/").status, 200)
            got = self.ask(method, "/v1/users/", user="")
            challenge = got.headers["WWW-Authenticate"]
            self.assertEqual(
                (got.status, challenge), (401, 'Basic realm="pullthrough"')
            )

    def test_search(self) -> None:
        """As Docker asks, and as it wants the answer; in a group as well."""
        self.push_image()
        group = GroupRepository("all", [self.hosted])
        for repository in (self.hosted, group):
            self.site = self.make_site(repository)
            got = self.ask("GET", "/v1/search?q=APP&n=25").json()
            self.assertEqual((got["num_results"], got["query"]), (1, "APP"))
            (found,) = got["results"]
            self.assertEqual(found["name"], "team/app")
            self.assertIs(found["is_official"], False)
        for query, count in (("q=library/app", 1), ("q=none", 0), ("q=&n=x", 1)):
            got = self.ask("GET", f"/v1/search?{query}&n=1")
            self.assertEqual(got.json()["num_results"], count)
        self.assertEqual(self.ask("GET", "/v1/search?q=a", user="").status, 401)

    def test_tags(self) -> None:
        """Tags with what they stand for."""
        made = self.push_image()
        got = self.ask("GET", "/v1/repositories/team/app/tags")
        self.assertEqual(got.json(), {"v1": made.digest.hex})
        got = self.ask("GET", "/v1/repositories/team/app/images")
        self.assertEqual(got.json(), [{"id": made.digest.hex, "tag": "v1"}])

    def test_what_is_not_there(self) -> None:
        """Errors as everywhere."""
        for method, path, status, code in (
            ("GET", "/v1/nonsense", 404, "UNSUPPORTED"),
            ("GET", "/v1/repositories/BAD/tags", 400, "NAME_INVALID"),
            ("GET", "/v1/repositories/none/tags", 404, "NAME_UNKNOWN"),
            ("PUT", "/v1/repositories/team/app/tags", 405, "UNSUPPORTED"),
            ("DELETE", "/v1/_ping", 405, "UNSUPPORTED"),
        ):
            got = self.ask(method, path)
            self.assertEqual((got.status, got.error), (status, code), path)
        self.assertEqual(self.ask("GET", "/v1/nonsense", user="").status, 401)

    def test_switched_off(self) -> None:
        """Then there is nothing."""
        self.v1 = False
        self.site = self.make_site(self.hosted)
        self.assertEqual(self.ask("GET", "/v1/_ping").status, 404)


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
            ("POST", "/v2/token", 404, "UNSUPPORTED"),
            ("GET", "/v2/a/tags/list", 404, "NAME_UNKNOWN"),
        ):
            got = self.ask(method, target)
            expected = 400 if status == 400 else status
            self.assertEqual((got.status, got.error), (expected, code), target)

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


class FailureTests(SynchronousTestCase):
    """The one table."""

    def test_every_error(self) -> None:
        """Each has its status and its code."""
        unknown = ErrorCode.BLOB_UNKNOWN
        for error, status, code in (
            (errors.Miss(unknown, "x"), 404, "BLOB_UNKNOWN"),
            (errors.Refused(ErrorCode.DENIED, "x"), 403, "DENIED"),
            (errors.Refused(ErrorCode.UNSUPPORTED, "x"), 405, "UNSUPPORTED"),
            (errors.Unauthenticated("x"), 401, "UNAUTHORIZED"),
            (errors.Invalid(ErrorCode.NAME_INVALID, "x"), 400, "NAME_INVALID"),
            (errors.OutOfOrder(5), 416, "BLOB_UPLOAD_INVALID"),
            (errors.TooLarge("x"), 413, "SIZE_INVALID"),
            (errors.UpstreamOutage("x"), 502, "UNKNOWN"),
            (errors.EgressOutage("x"), 502, "UNKNOWN"),
            (errors.UpstreamTimeout("x"), 504, "UNKNOWN"),
            (errors.UpstreamLimited("x", 90.0), 429, "TOOMANYREQUESTS"),
            (errors.StorageOutage("x"), 503, "UNKNOWN"),
            (errors.Overload("x"), 503, "UNKNOWN"),
        ):
            told = tell(error)
            entry = json.loads(told.body)["errors"][0]
            self.assertEqual((told.status, entry["code"]), (status, code))
            self.assertEqual(entry["detail"], error.detail)
            self.assertTrue(entry["message"])

    def test_when_to_come_back(self) -> None:
        """Retry-After, where it is known; the range that stands."""

        def headers(error: errors.RegistryError) -> dict[str, str]:
            return dict(tell(error).headers)

        limited = errors.UpstreamLimited
        self.assertEqual(headers(limited("x", 90.4))["Retry-After"], "90")
        self.assertNotIn("Retry-After", headers(limited("x")))
        self.assertEqual(headers(errors.Overload("x"))["Retry-After"], "5")
        self.assertEqual(headers(errors.OutOfOrder(5))["Range"], "0-4")


class BearerTests(SiteCase):
    """Tokens, and the challenge that leads to them."""

    def challenge(self, got: FakeExchange) -> str:
        """The challenge of a 401."""
        self.assertEqual((got.status, got.error), (401, "UNAUTHORIZED"))
        return got.headers["WWW-Authenticate"]

    def token(self, scope: str = "", user: str = "alice") -> str:
        """A token."""
        got = self.ask("GET", f"/v2/token?service=own&scope={scope}", user=user)
        self.assertEqual(got.status, 200, got.sent)
        answer = got.json()
        self.assertEqual(answer["token"], answer["access_token"])
        self.assertGreaterEqual(answer["expires_in"], 60)
        self.assertTrue(answer["issued_at"].endswith("Z"))
        return str(answer["token"])

    def bearer(self, method: str, target: str, token: str, **more: Any) -> FakeExchange:
        """A request with a token."""
        headers = {"Authorization": f"Bearer {token}"}
        return self.ask(method, target, user="", headers=headers, **more)

    def test_challenges(self) -> None:
        """Where the realm is, and what scope is needed."""
        realm = 'Bearer realm="http://registry.test:5000/v2/token",service="own"'
        self.assertEqual(self.challenge(self.ask("GET", "/v2/", user="")), realm)
        for method, target, scope in (
            ("GET", BLOB, "repository:team/app:pull"),
            ("POST", UPLOADS, "repository:team/app:pull,push"),
            ("DELETE", BLOB, "repository:team/app:pull,delete"),
            ("GET", "/v2/_catalog", "registry:catalog:*"),
        ):
            found = self.challenge(self.ask(method, target, user=""))
            self.assertEqual(found, f'{realm},scope="{scope}"')
        got = self.ask("GET", "/v2/", user="", secure=True)
        self.assertIn('realm="https://', self.challenge(got))

    def test_the_challenge_of_a_mount(self) -> None:
        """It asks for the source as well."""
        target = f"/v2/team/other/blobs/uploads/?mount={DIGEST}&from=team/app"
        found = self.challenge(self.ask("POST", target, user=""))
        scopes = "repository:team/other:pull,push repository:team/app:pull"
        self.assertIn(f'scope="{scopes}"', found)

    def test_a_token_opens_what_it_covers(self) -> None:
        """And nothing else."""
        self.push_blob()
        token = self.token("repository:team/app:pull")
        self.assertEqual(self.bearer("GET", "/v2/", token).status, 200)
        self.assertEqual(self.bearer("GET", BLOB, token).sent, LAYER)
        for method, target in (
            ("POST", UPLOADS),
            ("GET", f"/v2/other/blobs/{DIGEST}"),
            ("DELETE", BLOB),
            ("GET", "/v2/_catalog"),
        ):
            self.challenge(self.bearer(method, target, token))
        token = self.token("repository:team/app:*%20registry:catalog:*")
        self.assertEqual(self.bearer("POST", UPLOADS, token).status, 202)
        self.assertEqual(self.bearer("GET", "/v2/_catalog", token).status, 200)

    def test_a_token_without_scope(self) -> None:
        """It logs in, lists the catalogue, and opens nothing else."""
        token = self.token()
        self.assertEqual(self.bearer("GET", "/v2/", token).status, 200)
        self.assertEqual(self.bearer("GET", "/v2/_catalog", token).status, 200)
        self.challenge(self.bearer("GET", BLOB, token))

    def test_odd_scopes(self) -> None:
        """What cannot be granted is left out."""
        for scope in (
            "x:y:pull",
            "repository:BAD:pull",
            "repository:a:fly",
            "nonsense",
        ):
            self.challenge(self.bearer("GET", BLOB, self.token(scope)))

    def test_tokens_end(self) -> None:
        """After their time, and at another repository's connector."""
        token = self.token("repository:team/app:pull")
        other = self.make_site(self.house.hosted("other"))
        mine, self.site = self.site, other
        self.challenge(self.bearer("GET", "/v2/", token))
        self.site = mine
        self.house.clock.advance(301)
        self.challenge(self.bearer("GET", "/v2/", token))

    def test_wrong_credentials(self) -> None:
        """401, at the realm with a Basic challenge."""
        wrong = base64.b64encode(b"alice:wrong").decode()
        nobody = base64.b64encode(b"nobody:pw-alice").decode()
        nocolon = base64.b64encode(b"alice").decode()
        for value in (
            f"Basic {wrong}",
            f"Basic {nobody}",
            f"Basic {nocolon}",
            "Basic !!!",
            "Basic /w==",
            "Bearer x",
            "Digest x",
            "Basic",
        ):
            headers = {"Authorization": value}
            got = self.ask("GET", "/v2/", user="", headers=headers)
            self.assertIn("Bearer realm=", self.challenge(got))
            got = self.ask("GET", "/v2/token", user="", headers=headers)
            self.assertEqual(self.challenge(got), 'Basic realm="pullthrough"')

    def test_nothing_is_told_to_strangers(self) -> None:
        """Neither what is malformed nor what does not exist."""
        for target in ("/", "/v2/A/tags/list", "/v2/a/blobs/x", "/v2/x/y"):
            self.challenge(self.ask("GET", target, user=""))

    def test_a_mount_from_what_may_not_be_read(self) -> None:
        """The token does not cover the source: a challenge asks for both; one that
        names no source begins an upload."""
        self.push_blob()
        token = self.token("repository:team/other:pull,push")
        target = f"/v2/team/other/blobs/uploads/?mount={DIGEST}&from=team/app"
        found = self.challenge(self.bearer("POST", target, token))
        self.assertIn("repository:team/app:pull", found)
        both = "repository:team/other:pull,push%20repository:team/app:pull"
        token = self.token(both)
        self.assertEqual(self.bearer("POST", target, token).status, 201)
        token = self.token("repository:team/third:pull,push")
        target = f"/v2/team/third/blobs/uploads/?mount={DIGEST}"
        self.assertEqual(self.bearer("POST", target, token).status, 202)


class AnonymousTests(BearerTests):
    """Anonymous pulls, where they are switched on."""

    anonymous = True

    def test_pull_without_a_password(self) -> None:
        """With an anonymous token, or with nothing; pushing needs a user."""
        self.push_blob()
        self.challenge(self.ask("GET", "/v2/", user=""))
        self.assertEqual(self.ask("GET", BLOB, user="").sent, LAYER)
        token = self.token("repository:team/app:pull,push", user="")
        self.assertEqual(self.bearer("GET", "/v2/", token).status, 200)
        self.assertEqual(self.bearer("GET", BLOB, token).sent, LAYER)
        self.challenge(self.bearer("POST", UPLOADS, token))
        self.challenge(self.ask("POST", UPLOADS, user=""))

    def test_challenges(self) -> None:
        """Only for what anonymous may not do."""
        self.challenge(self.ask("POST", UPLOADS, user=""))
        self.assertEqual(self.ask("GET", BLOB, user="").status, 404)


class BasicTests(SiteCase):
    """``force_basic_auth``."""

    force = True
    anonymous = True

    def test_nobody_without_a_password(self) -> None:
        """A Basic challenge, whatever anonymous may do elsewhere."""
        for method, target in (
            ("GET", "/v2/"),
            ("GET", BLOB),
            ("POST", UPLOADS),
            ("GET", "/v2/token"),
        ):
            got = self.ask(method, target, user="")
            self.assertEqual(got.status, 401)
            self.assertEqual(
                got.headers["WWW-Authenticate"], 'Basic realm="pullthrough"'
            )
        self.assertEqual(self.ask("GET", "/v2/").status, 200)
        self.push_blob()
        self.assertEqual(self.ask("GET", BLOB).sent, LAYER)


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
