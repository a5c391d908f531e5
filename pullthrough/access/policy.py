"""Who may do what: users everything, anonymous pulls where that is switched on."""

from dataclasses import dataclass

from zope.interface import implementer

from pullthrough.interfaces import IAccessPolicy
from pullthrough.spec.names import ImageName


@implementer(IAccessPolicy)
@dataclass(frozen=True, slots=True)
class SimplePolicy:
    """The policy of ``[auth] anonymous_access``."""

    anonymous_access: bool

    def permits(
        self, principal: str, repository: str, image: ImageName | None, action: str
    ) -> bool:
        """See :meth:`IAccessPolicy.permits`."""
        if principal:
            return True
        return self.anonymous_access and action in ("pull", "catalog")
