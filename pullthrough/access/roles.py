"""The policy of the ``[role:NAME]`` sections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zope.interface import implementer

from pullthrough.interfaces import IAccessPolicy
from pullthrough.spec.names import ImageName
from pullthrough.spec.rights import Right, Role, permitted

#: What each action of the API needs.
_RIGHTS: Mapping[str, Right] = {
    "catalog": Right.BROWSE,
    "pull": Right.READ,
    "push": Right.PUSH,
    "overwrite": Right.OVERWRITE,
    "delete": Right.DELETE,
}


@implementer(IAccessPolicy)
@dataclass(frozen=True, slots=True)
class RolePolicy:
    """Who may do what is what the roles give, and nothing else.

    :ivar anonymous_access: the one switch without which nobody gets in who has not
        logged in, whatever roles say.
    """

    anonymous_access: bool
    roles: Sequence[Role]

    def permits(
        self, principal: str, repository: str, image: ImageName | None, action: str
    ) -> bool:
        """See :meth:`IAccessPolicy.permits`."""
        if not principal and not self.anonymous_access:
            return False
        right = _RIGHTS[action]
        return permitted(self.roles, principal, repository, image, right)
