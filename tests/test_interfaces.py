"""Every class does what the interfaces it names say."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementedBy
from zope.interface.verify import verifyClass

import pullthrough

#: Classes whose attributes are set in ``__init__``, which a class cannot show: their
#: objects are verified where they are tested.
TENTATIVE = True


#: What each interface with several implementations is at least implemented by.
NAMED = {
    "IContent": {
        "Blob",
        "FileContent",
        "Follower",
        "MemoryContent",
        "VerifiedContent",
    },
    "IBlobStore": {"FilesystemBlobStore", "MemoryBlobStore"},
    "IMetadataStore": {"MemoryMetadataStore", "SqliteMetadataStore"},
    "IReferrers": {
        "GroupRepository",
        "HostedRepository",
        "OfflineRepository",
        "ProxyRepository",
    },
    "ISearchIndex": {"SearchIndex"},
    "IUpstream": {"FailoverUpstream", "NobodyUpstream", "RegistryUpstream"},
    "IUpstreamBody": {"UpstreamBody"},
}


def classes() -> Iterator[type]:
    """Every class in the package, once."""
    for module in pkgutil.walk_packages(pullthrough.__path__, "pullthrough."):
        if module.name.endswith(".__main__"):
            continue  # it would run
        for _, found in inspect.getmembers(
            importlib.import_module(module.name), inspect.isclass
        ):
            if found.__module__ == module.name:
                yield found


class InterfaceTests(SynchronousTestCase):
    """verifyClass for every class in the package."""

    def test_every_class(self) -> None:
        """Each method is there with its arity."""
        verified = 0
        for found in classes():
            for interface in implementedBy(found):
                verifyClass(interface, found, tentative=TENTATIVE)
                verified += 1
        self.assertGreater(verified, 40)

    def test_who_implements_what(self) -> None:
        """The implementations say so themselves; none is left out by mistake."""
        by_interface: dict[str, set[str]] = {}
        for found in classes():
            for interface in implementedBy(found).flattened():
                by_interface.setdefault(interface.__name__, set()).add(found.__name__)
        for name, expected in NAMED.items():
            self.assertLessEqual(expected, by_interface[name], name)
