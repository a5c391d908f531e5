"""Who is asking, and who may do what."""

from collections.abc import Sequence

from zope.interface import Attribute, Interface

from pullthrough.spec.names import ImageName
from pullthrough.spec.tokens import Access
from pullthrough.values import Identity


class IAuthenticator(Interface):
    """Who is asking."""

    async def password(username: str, password: str, address: str = "") -> Identity:
        """The identity that a name and password prove.

        :param address: of the client, for rationing failures.
        :raises Unauthenticated: when they prove nothing.
        :raises Throttled: when there were too many that proved nothing.
        """

    async def begin_login(identity: Identity, service: str) -> str:
        """A refresh token, for logins that outlive a token.

        :raises Unauthenticated: for who has not logged in.
        """

    async def login(refresh_token: str, service: str) -> Identity:
        """Whose refresh token it is.

        :raises Unauthenticated: when it proves nothing any more.
        """

    def token(token: str, service: str) -> Identity:
        """The identity, and the access it was narrowed to, of a bearer token.

        :param service: the repository whose connector was asked.
        :raises Unauthenticated: unknown, expired or for another service.
        """

    def grant(identity: Identity, service: str, access: Sequence[Access]) -> str:
        """A fresh bearer token for this service with this access."""

    lifetime: int = Attribute("how long a token lives, in seconds")


class IAccessPolicy(Interface):
    """Who may do what. Plain and pure."""

    def permits(
        principal: str, repository: str, image: ImageName | None, action: str
    ) -> bool:
        """Whether ``principal`` (empty: anonymous) may do it.

        :param action: ``pull``, ``push``, ``delete`` or ``catalog``.
        :param image: None for what concerns no image, such as ``/v2/``.
        """
