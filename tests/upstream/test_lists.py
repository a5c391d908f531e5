"""What an upstream lists: tags and referrers."""

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.errors import Miss, Refused, UpstreamOutage
from pullthrough.spec.digest import Digest
from pullthrough.spec.mediatypes import OCI_MANIFEST
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.upstream.lists import LARGEST_LIST, MOST_PAGES, Lists
from tests.support.agent import Answer, Script, scripted

APP = ImageName("team/app")
SUBJECT = Digest.of(b"subject")
REFERRERS = f"/v2/team/app/referrers/{SUBJECT}"


def link(target: str, rel: str = 'rel="next"') -> dict[str, str]:
    """A header that leads to the next page."""
    return {"Link": f"<{target}>; {rel}"}


def tags(names: object, headers: dict[str, str] | None = None) -> Answer:
    """A list of tags."""
    return Answer(200, json.dumps({"name": "x", "tags": names}).encode(), headers)


def referrers(*names: bytes, headers: dict[str, str] | None = None) -> Answer:
    """An index of referrers."""
    listed = [
        {
            "mediaType": OCI_MANIFEST,
            "digest": str(Digest.of(name)),
            "size": len(name),
            "artifactType": "application/x",
            "annotations": {"k": "v"},
        }
        for name in names
    ]
    body = json.dumps({"schemaVersion": 2, "manifests": listed}).encode()
    return Answer(200, body, headers)


class ListsCase(SynchronousTestCase):
    """The lists of one upstream."""

    def lists(self, script: Script, **more: Any) -> Lists:
        """Those of an upstream that answers so."""
        clock = Clock()
        requests, self.agent = scripted(script, clock, **more)
        return Lists("hub", requests, clock)


class TagsTests(ListsCase):
    """Pages of tags."""

    def tags(self, answer: Answer, page: Page = Page(3)) -> Names:  # noqa: B008
        """The page that comes."""
        listing = self.lists(lambda *_: answer).tags(APP, page)
        return self.successResultOf(Deferred.fromCoroutine(listing))

    def test_what_is_asked(self) -> None:
        """A page, by its size and the last name before it."""
        for page, query in (
            (Page(3), "n=3"),
            (Page(3, "v1.0"), "n=3&last=v1.0"),
            (Page(3, "a&b"), "n=3&last=a%26b"),
        ):
            self.tags(tags(["x"]), page)
            self.assertEqual(self.agent.urls, [f"/v2/team/app/tags/list?{query}"])

    def test_pages(self) -> None:
        """There is more when the upstream says so, or sends more than was asked."""
        following = link("/v2/team/app/tags/list?n=3&last=c")
        for answer, expected in (
            (tags(["a", "b", "c"]), Names(("a", "b", "c"), False)),
            (tags(["a", "b", "c"], following), Names(("a", "b", "c"), True)),
            (tags(["d", "b", "a", "c"]), Names(("a", "b", "c"), True)),
            (tags([], following), Names((), False)),
            (tags(None), Names((), False)),
        ):
            self.assertEqual(self.tags(answer), expected)
        self.assertEqual(
            self.tags(tags(["a", "b"], following), Page(0)), Names((), False)
        )
        self.assertEqual(
            self.tags(tags(["a", "b", "c"]), Page(3, "a")), Names(("b", "c"), False)
        )

    def test_what_is_no_tag(self) -> None:
        """Nulls, digests and the like are passed over (skopeo#2346, skopeo#2409)."""
        listed = ["b", None, f"{SUBJECT}", 5, {}, "", "a b", "a"]
        self.assertEqual(self.tags(tags(listed), Page(9)), Names(("a", "b"), False))

    def test_junk(self) -> None:
        """What is no list is an outage; what is too long as well."""
        for body in (
            b"",
            b"<html>",
            b"[]",
            b"5",
            b'{"tags": 5}',
            b"[" * 100_000,
            b" " * (LARGEST_LIST + 1),
        ):
            listing = self.lists(lambda *_: Answer(200, body)).tags(APP, Page())  # noqa: B023
            self.failureResultOf(Deferred.fromCoroutine(listing), UpstreamOutage)

    def test_no_such_image(self) -> None:
        """A miss."""
        answer = Answer(404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}')
        listing = self.lists(lambda *_: answer).tags(APP, Page())
        self.failureResultOf(Deferred.fromCoroutine(listing), Miss)


class ReferrersTests(ListsCase):
    """What refers to a manifest."""

    def begin(self, script: Script, **more: Any) -> "Deferred[Any]":
        """Ask an upstream that answers so."""
        listing = self.lists(script, **more).referrers(APP, SUBJECT)
        return Deferred.fromCoroutine(listing)

    def digests(self, script: Script, **more: Any) -> list[Digest]:
        """What is listed."""
        found = self.successResultOf(self.begin(script, **more))
        return [one.descriptor.digest for one in found]

    def test_one_page(self) -> None:
        """Descriptors with artifact types and annotations."""
        found = self.successResultOf(self.begin(lambda *_: referrers(b"one")))
        (record,) = found
        self.assertEqual(record.descriptor.digest, Digest.of(b"one"))
        self.assertEqual(
            (record.descriptor.media_type, record.descriptor.size), (OCI_MANIFEST, 3)
        )
        self.assertEqual(record.artifact_type, "application/x")
        self.assertEqual(json.loads(record.annotations), {"k": "v"})
        self.assertEqual(self.agent.urls, [REFERRERS])

    def test_none(self) -> None:
        """An empty list is an answer."""
        self.assertEqual(self.digests(lambda *_: referrers()), [])

    def test_pages(self) -> None:
        """All of them are read, wherever the link says that the next one is: absolute,
        relative, below a path; never on another host."""
        for url, target in (
            ("https://hub.test", f"{REFERRERS}?page=2"),
            ("https://hub.test", "?page=2"),
            ("https://hub.test", f"https://hub.test{REFERRERS}?page=2"),
            ("https://hub.test", f"https://evil.test{REFERRERS}?page=2"),
            ("https://hub.test/base", f"https://hub.test/base{REFERRERS}?page=2"),
        ):
            pages = [referrers(b"one", headers=link(target)), referrers(b"two")]
            found = self.digests(lambda *_: pages.pop(0), url=url)  # noqa: B023
            self.assertEqual(found, [Digest.of(b"one"), Digest.of(b"two")], target)
            self.assertEqual(self.agent.asked[1], ("GET", f"{url}{REFERRERS}?page=2"))

    def test_links_that_lead_nowhere(self) -> None:
        """Another relation, no target, what is no registry's: there is no more."""
        for headers in (
            link(f"{REFERRERS}?page=2", 'rel="prev"'),
            link("https://hub.test/login"),
            {"Link": "nonsense"},
            link("http://[::1/v2/"),
            link("/v2/a\xe4"),
            {"Link": ""},
        ):
            answer = referrers(b"one", headers=headers)
            self.assertEqual(self.digests(lambda *_: answer), [Digest.of(b"one")])  # noqa: B023

    def test_several_links(self) -> None:
        """The one to the next page is followed, wherever it stands."""
        both = f'<{REFERRERS}?page=0>; rel="previous", <{REFERRERS}?page=2>; rel="next"'
        pages = [referrers(b"one", headers={"Link": both}), referrers(b"two")]
        self.assertEqual(len(self.digests(lambda *_: pages.pop(0))), 2)
        self.assertEqual(self.agent.urls[1], f"{REFERRERS}?page=2")

    def test_quotes(self) -> None:
        """Harbor writes the relation in single ones."""
        pages = [
            referrers(b"one", headers=link(f"{REFERRERS}?page=2", "rel='next'")),
            referrers(b"two"),
        ]
        self.assertEqual(len(self.digests(lambda *_: pages.pop(0))), 2)

    def test_without_end(self) -> None:
        """Ten pages, then it is an outage: half a list is no list."""
        endless = lambda *_: referrers(b"x", headers=link(f"{REFERRERS}?again"))  # noqa: E731
        failure = self.failureResultOf(self.begin(endless), UpstreamOutage)
        self.assertIn("without end", failure.value.detail)
        self.assertEqual(len(self.agent.asked), MOST_PAGES)

    def test_without_the_api(self) -> None:
        """404, or 401 for what is not known: the fallback tag is to be asked."""
        for code in (404, 401):
            found = self.begin(lambda *_: Answer(code))  # noqa: B023
            self.assertIsNone(self.successResultOf(found))

    def test_the_api_ends_midway(self) -> None:
        """A second page that is not there: what came is not taken for all there is."""
        pages = [referrers(b"one", headers=link(f"{REFERRERS}?page=2")), Answer(404)]
        self.assertIsNone(self.successResultOf(self.begin(lambda *_: pages.pop(0))))

    def test_unknown_is_not_none(self) -> None:
        """Denied, failing, junk, a manifest instead of an index, too long: told."""
        for answer, error in (
            (Answer(403), Refused),
            (Answer(500), UpstreamOutage),
            (Answer(200, b"<html>"), UpstreamOutage),
            (Answer(200, b"[]"), UpstreamOutage),
            (Answer(200, b'{"manifests": 5}'), UpstreamOutage),
            (Answer(200, b'{"manifests": [{"digest": "x"}]}'), UpstreamOutage),
            (Answer(200, b" " * (LARGEST_LIST + 1)), UpstreamOutage),
        ):
            self.failureResultOf(self.begin(lambda *_: answer), error)  # noqa: B023
