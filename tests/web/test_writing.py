"""The registry API: pushes, referrers and deletes."""

import json
from typing import Any
from urllib.parse import urlsplit

from pullthrough.errors import UpstreamOutage
from pullthrough.repository.group import GroupRepository
from pullthrough.spec.digest import Digest
from pullthrough.spec.manifest import LARGEST_MANIFEST
from pullthrough.spec.mediatypes import OCI_INDEX, OCI_MANIFEST
from pullthrough.web.exchange import Disconnected
from tests.support.images import make_image
from tests.support.site import BLOB, DIGEST, LAYER, UPLOADS, SiteCase
from tests.support.upstream import ScriptedUpstream


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
        for value in ("5-9", "3-9", "0-3"):
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

    def refer(self, subject: str, kind: str, path: str = "", most: int = 0) -> str:
        """Push a manifest that refers to another; its digest.

        :param most: characters in an annotation.
        """
        empty = self.push_blob(b"{}").rpartition("/")[2]
        config = {"mediaType": kind, "digest": empty, "size": 2}
        body = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": config,
                "layers": [],
                "subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1},
                "annotations": {"who": kind.ljust(most)},
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

    def test_pages_of_referrers(self) -> None:
        """Each page leads to the next, also through a filter and by size."""
        subject = str(Digest.of(b"subject"))
        digests = sorted(
            self.refer(subject, kind) for kind in ("a/1", "a/2", "a/3", "a/sig")
        )
        self.assertEqual(self.follow(subject, "n=3"), [digests[:3], digests[3:]])
        self.assertEqual(self.follow(subject, "n=0"), [[]])
        self.assertEqual(self.follow(subject, ""), [digests])
        pages = self.follow(subject, "n=1&artifactType=a/sig")
        self.assertEqual([len(page) for page in pages], [1])
        kinds = [f"a/{number}" for number in range(3)]
        subject = str(Digest.of(b"other"))
        digests = sorted(self.refer(subject, kind, most=1_500_000) for kind in kinds)
        self.assertEqual(self.follow(subject, ""), [digests[:2], digests[2:]])

    def follow(self, subject: str, query: str) -> list[list[str]]:
        """All pages of the referrers, as digests."""
        target, pages = f"/v2/team/app/referrers/{subject}?{query}", []
        while target:
            got = self.ask("GET", target)
            self.assertEqual(got.status, 200)
            pages.append([one["digest"] for one in got.json()["manifests"]])
            link = got.headers.get("Link", "")
            target = link[1 : link.index(">")] if link else ""
        return pages

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

    def test_referrers_of_an_upstream(self) -> None:
        """Told when it tells; never "there are none" when it cannot."""
        upstream = ScriptedUpstream()
        self.site = self.make_site(self.house.proxy(upstream))
        target = f"/v2/team/app/referrers/{DIGEST}"
        upstream.failure = UpstreamOutage("down")
        self.assertEqual(self.ask("GET", target).status, 502)
        upstream.failure = None
        self.assertEqual(self.ask("GET", target).json()["manifests"], [])

    def test_locations_behind_a_reverse_proxy(self) -> None:
        """Absolute as the client sees us; relative when nobody told how."""
        for forwarded, base in ((False, ""), (True, "https://registry.test:5000")):
            more = {"secure": True, "forwarded": forwarded}
            got = self.ask("POST", UPLOADS, **more)
            self.assertTrue(got.headers["Location"].startswith(base + UPLOADS))
            self.assertEqual(got.headers["OCI-Chunk-Min-Length"], "1048576")
            location = urlsplit(got.headers["Location"]).path
            got = self.ask("PATCH", location, body=b"01234", **more)
            self.assertEqual(got.headers["Location"], base + location)
            got = self.ask("PUT", f"{location}?digest={DIGEST}", body=b"56789", **more)
            self.assertEqual(got.headers["Location"], base + BLOB)

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
