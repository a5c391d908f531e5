"""The ways in to a repository."""

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.ways import (
    ROOT,
    Way,
    first_label,
    is_label,
    lead_of,
    split_name,
    way_of,
    ways_to,
)


class WaysTests(SynchronousTestCase):
    """Paths there and back."""

    def test_there_and_back(self) -> None:
        """A path is led to what it is at the root, and that back to the path."""
        for way, outer, inner in (
            (ROOT, "/v2/a/tags/list", "/v2/a/tags/list"),
            (ROOT, "/v1/_ping", "/v1/_ping"),
            (Way(prefix="hub/"), "/v2/hub/a/b/tags/list", "/v2/a/b/tags/list"),
            (Way(base="/repository/hub"), "/repository/hub/v2/", "/v2/"),
            (Way(base="/repository/hub"), "/repository/hub/v2", "/v2"),
            (Way(base="/repository/hub"), "/repository/hub/v1/x", "/v1/x"),
            (
                Way(prefix="repository/hub/"),
                "/v2/repository/hub/a/blobs/uploads/",
                "/v2/a/blobs/uploads/",
            ),
        ):
            self.assertEqual((way.inner(outer), way.outer(inner)), (inner, outer))

    def test_leads(self) -> None:
        """What leads to a repository is found in each path that needs one."""
        leads = [way.lead for way in ways_to("hub")]
        self.assertEqual(leads, ["hub/", "repository/hub/", "/repository/hub"])
        for path, lead in (
            ("/v2/hub/a/tags/list", "hub/"),
            ("/v2/hub/a/b/blobs/uploads/", "hub/"),
            ("/v2/hub/tags/tags/list", "hub/"),
            ("/v2/hub/blobs/blobs/uploads/", "hub/"),
            ("/v2/repository/hub/a/tags/list", "repository/hub/"),
            ("/repository/hub/v2", "/repository/hub"),
            ("/repository/hub/v2/", "/repository/hub"),
            ("/repository/hub/v1/_ping", "/repository/hub"),
            # An image without a repository in front.
            ("/v2/hub/manifests/1", ""),
            ("/v2/hub/tags/list", ""),
            ("/v2/hub/blobs/uploads/", ""),
            ("/v2/hub/blobs/uploads/0123", ""),
            ("/v2/repository/hub/manifests/1", ""),
            ("/v2/repository/tags/list", ""),
            # What belongs to no repository.
            ("/v2/", ""),
            ("/v2/token", ""),
            ("/v2/hub/", ""),
            ("/v2/hub/_catalog", ""),
            ("/v2/hub/token", ""),
            ("/repository/hub", ""),
            ("/repository/hub/", ""),
            ("/repository/hub/v3/x", ""),
            ("/repository/a/b/v2/", ""),
            ("/", ""),
        ):
            self.assertEqual(lead_of(path), lead, path)

    def test_the_way_of_a_lead(self) -> None:
        """Back to the way, whether there is such a repository or not; none where no
        repository can be called so."""
        for name in ("hub", "0", "a_b.c-d", "a" * 63):
            for way in ways_to(name):
                self.assertEqual(way_of(way.lead), (name, way))
        for name in ("", "Hub", "-a", "a" * 64, 'a"b', "v1", "v2", "token"):
            for way in ways_to(name):
                self.assertIsNone(way_of(way.lead), name)
        self.assertIsNone(way_of(""))
        self.assertIsNone(way_of("repository/"))

    def test_names(self) -> None:
        """Repository and image, by both forms of a path."""
        for name, parts in (
            ("hub/a", ("hub", "a")),
            ("hub/a/b", ("hub", "a/b")),
            ("repository/hub/a/b", ("hub", "a/b")),
            ("hub", ("hub", "")),
            ("repository", ("repository", "")),
            ("", ("", "")),
        ):
            self.assertEqual(split_name(name), parts)

    def test_labels(self) -> None:
        """The first of a host, whatever stands behind; never one of an address."""
        for host, label in (
            ("Hub.registry.test:8081", "hub"),
            ("hub", "hub"),
            ("hub:80", "hub"),
            ("10.0.0.1:80", "10"),
            ("[::1]:80", "["),
            ("", ""),
        ):
            self.assertEqual(first_label(host), label)
        for text in ("10", "[", "", "a.b", "A", "a-", "a" * 64):
            self.assertFalse(is_label(text))
        for text in ("a", "a1", "a-b", "a" * 63):
            self.assertTrue(is_label(text))
