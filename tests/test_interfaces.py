"""Every class does what the interfaces it names say."""

import importlib
import inspect
import pkgutil

from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementedBy
from zope.interface.verify import verifyClass

import pullthrough

#: Classes whose attributes are set in ``__init__``, which a class cannot show: their
#: objects are verified where they are tested.
TENTATIVE = True


class InterfaceTests(SynchronousTestCase):
    """verifyClass for every class in the package."""

    def test_every_class(self) -> None:
        """Each method is there with its arity."""
        verified = 0
        for module in pkgutil.walk_packages(pullthrough.__path__, "pullthrough."):
            for _, found in inspect.getmembers(
                importlib.import_module(module.name), inspect.isclass
            ):
                if found.__module__ != module.name:
                    continue
                for interface in implementedBy(found):
                    verifyClass(interface, found, tentative=TENTATIVE)
                    verified += 1
        self.assertGreater(verified, 25)
