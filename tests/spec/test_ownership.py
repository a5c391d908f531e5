"""Names that are ours, and names of registries."""

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.names import ImageName
from pullthrough.spec.namespaces import DOCKER_HUB, namespaces_of
from pullthrough.spec.ownership import Ownership, parse_ownership


class OwnershipTests(SynchronousTestCase):
    """``owns``."""

    def test_globs(self) -> None:
        """They stand for whole names; ``*`` for slashes too; nothing owns nothing."""
        owned = parse_ownership(("team/*", "base"))
        for name, claimed in (
            ("team/app", True),
            ("team/a/b", True),
            ("team", False),
            ("teams/app", False),
            ("base", True),
            ("library/base", False),
        ):
            self.assertEqual(owned.claims(ImageName(name)), claimed, name)
        self.assertFalse(Ownership().claims(ImageName("team/app")))

    def test_existing(self) -> None:
        """``@existing`` goes with globs; another word of that kind is refused."""
        self.assertEqual(
            parse_ownership(("@existing", "a/*")), Ownership(("a/*",), True)
        )
        self.assertRaises(ValueError, parse_ownership, ("@other",))


class NamespaceTests(SynchronousTestCase):
    """What a registry may be called."""

    def test_names(self) -> None:
        """By host, with the port where it is another one; Docker Hub by any of its."""
        for url, names in (
            ("https://registry-1.docker.io", tuple(sorted(DOCKER_HUB))),
            ("https://gcr.io", ("gcr.io", "gcr.io:443")),
            ("http://hub.test/base", ("hub.test", "hub.test:80")),
            ("http://hub.test:5000", ("hub.test:5000",)),
        ):
            self.assertEqual(namespaces_of(url), names, url)
