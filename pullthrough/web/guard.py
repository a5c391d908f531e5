"""Who is asking, and whether they may: decided before a body is read."""

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pullthrough.errors import Miss, Refused, Throttled, Unauthenticated
from pullthrough.interfaces import IAccessPolicy, IAuthenticator
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.names import ImageName
from pullthrough.spec.tokens import covers
from pullthrough.spec.ways import MAIN, ROOT, Way, split_name
from pullthrough.values import Identity
from pullthrough.web.exchange import IExchange
from pullthrough.web.recent import Recent

#: Longest Authorization header read, in characters.
_LONGEST = 8192

#: Most such headers kept in mind with whom they prove.
MOST_KNOWN = 4096

#: All that a policy is asked for.
_ACTIONS = ("catalog", "pull", "push", "overwrite", "delete")

BASIC_CHALLENGE = ("WWW-Authenticate", 'Basic realm="pullthrough"')


@dataclass(frozen=True, slots=True)
class Guard:
    """The door of one repository, for those who come one way.

    :ivar repository: its name, for the policy.
    :ivar mirror: clients pass it their Docker Hub login (moby#42022): credentials that
        prove nothing count as none.
    :ivar force_basic_auth: nobody is served without a name and password, and the
        challenge is Basic.
    :ivar now: seconds since the epoch.
    """

    repository: str
    authenticator: IAuthenticator
    policy: IAccessPolicy
    force_basic_auth: bool
    mirror: bool = False
    way: Way = ROOT
    now: Callable[[], float] = time.time
    _known: Recent[str, Identity] = field(
        init=False,
        default_factory=lambda: Recent(MOST_KNOWN),
        repr=False,
        compare=False,
    )

    @property
    def service(self) -> str:
        """What its tokens are for: they open no other repository, but those of the
        main connector open each for the images that they name."""
        return MAIN if self.way.prefix else self.repository

    def scope(self, image: ImageName) -> str:
        """What an image is called in such tokens, whatever way it was asked for."""
        return f"{self.repository}/{image}" if self.way.prefix else image.text

    def own(self, name: str) -> ImageName | None:
        """The image here that a client gives that name; None when there can be none."""
        if self.way.prefix:
            repository, name = split_name(name)
            if repository != self.repository:
                return None
        try:
            return ImageName(name)
        except InvalidText:
            return None

    async def identify(self, exchange: IExchange) -> Identity:
        """Who is asking: by an ``Authorization`` header, else by a certificate; else
        anonymous.

        :raises Unauthenticated: when the credentials prove nothing.
        """
        header = exchange.head.get("authorization")
        if not header:
            return Identity(exchange.certificate)
        identity = self.known(header)
        if identity is None:
            identity = await self._found_out(header, exchange.seen.peer)
        return identity

    def known(self, header: str) -> Identity | None:
        """Who is asking, by an ``Authorization`` header (empty: anonymous), where that
        has been found out before and is still good."""
        if not header:
            return Identity()
        identity = self._known.get(header)
        return identity if identity and identity.until > self.now() else None

    async def _found_out(self, header: str, address: str) -> Identity:
        try:
            identity = await self._proven(header, address)
        except Throttled:
            if not self.mirror:
                raise
            return Identity()
        except Unauthenticated:
            if not self.mirror:
                raise
            identity = Identity()  # as long as this configuration lasts
        self._known.put(header, identity)
        return identity

    async def _proven(self, header: str, address: str) -> Identity:
        scheme, _, rest = header[:_LONGEST].partition(" ")
        if scheme.lower() == "bearer":
            return self.authenticator.token(rest.strip(), self.service)
        # At a mirror every client comes with a login that proves nothing here: that is
        # no reason to shut its address out.
        return await basic(header, self.authenticator, "" if self.mirror else address)

    async def password(self, username: str, password: str, address: str) -> Identity:
        """Who is asking, by name and password.

        :raises Unauthenticated: when they prove nothing.
        :raises Throttled: when there were too many that proved nothing.
        """
        return await _password(self.authenticator, username, password, address)

    def admit(self, identity: Identity) -> None:
        """Let it in at all.

        :raises Unauthenticated: when nobody without a password is served here.
        """
        if self.force_basic_auth and not identity.principal:
            raise Unauthenticated("log in first")

    def tell(self, identity: Identity) -> None:
        """Let it know that the repository is there, where its connector does not say
        so by itself.

        :raises Miss: when it has no right there at all: as if nothing were there (T6).
        """
        known = not self.way.lead or any(
            self.policy.permits(identity.principal, self.repository, None, action)
            for action in _ACTIONS
        )
        if not known:
            raise no_repository(self.repository)

    def allow(self, identity: Identity, image: ImageName | None, action: str) -> None:
        """Let it pass.

        :raises Unauthenticated: when credentials, or others, might help.
        :raises Refused: when they would not.
        """
        self.admit(identity)
        # Docker asks for a token with the scope "registry:catalog:search" to search.
        wanted = ("registry", "catalog", "search" if action == "search" else "*")
        if image is not None:
            wanted = ("repository", self.scope(image), action)
        # A token that was asked for without any scope is a login: podman's search
        # lists the catalogue with one.
        login = identity.access == () and action in ("catalog", "search")
        if not (identity.access is None or login or covers(identity.access, *wanted)):
            raise Unauthenticated(f"the token does not cover {':'.join(wanted)}")
        if self.may(identity, image, action):
            return
        if not identity.principal:
            raise Unauthenticated("log in first")
        raise Refused(ErrorCode.DENIED, f"you may not {action} here")

    def may(self, identity: Identity, image: ImageName | None, action: str) -> bool:
        """Whether the principal may, whatever its token was narrowed to."""
        principal = identity.principal
        if self.force_basic_auth and not principal:
            return False
        right = "catalog" if action == "search" else action
        return self.policy.permits(principal, self.repository, image, right)

    def permits(self, identity: Identity, image: ImageName, action: str) -> bool:
        """Whether *allow* lets it pass."""
        try:
            self.allow(identity, image, action)
        except Refused:
            return False
        return True

    def challenge(
        self,
        exchange: IExchange,
        image: ImageName | None,
        action: str,
        source: ImageName | None = None,
    ) -> tuple[str, str]:
        """The ``WWW-Authenticate`` header that goes with a 401.

        :param source: an image that is to be read as well, for a mount.
        """
        if self.force_basic_auth:
            return BASIC_CHALLENGE
        # One realm serves the main connector, whatever the image's name begins with.
        realm = f"{exchange.seen.base}{self.way.base}/v2/token"
        value = f'Bearer realm="{realm}",service="{self.service}"'
        if image is not None:
            actions = "pull" if action == "pull" else f"pull,{action}"
            prefix = self.way.prefix
            scope = f"repository:{prefix}{image}:{actions}"
            if source not in (None, image):
                scope += f" repository:{prefix}{source}:pull"
            value += f',scope="{scope}"'
        elif action == "catalog":
            value += ',scope="registry:catalog:*"'
        return "WWW-Authenticate", value


def no_repository(name: str) -> Miss:
    """Nothing is called so, or nothing that concerns who asks."""
    return Miss(ErrorCode.NAME_UNKNOWN, f"there is no repository {name}")


async def basic(header: str, authenticator: IAuthenticator, address: str) -> Identity:
    """Who is asking, by the name and password in an ``Authorization`` header.

    :param address: of the client.
    :raises Unauthenticated: when there are none, or they prove nothing.
    :raises Throttled: when there were too many that proved nothing.
    """
    scheme, _, rest = header[:_LONGEST].partition(" ")
    if scheme.lower() != "basic":
        raise Unauthenticated("log in with a name and password")
    return await _password(authenticator, *_pair(rest.strip()), address)


async def _password(
    authenticator: IAuthenticator, username: str, password: str, address: str
) -> Identity:
    try:
        return await authenticator.password(username, password, address)
    except Unauthenticated as error:
        error.username = username
        raise


def _pair(encoded: str) -> tuple[str, str]:
    """The name and password of a Basic header (RFC 7617 section 2)."""
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except ValueError as error:  # of base64, too, when it is not even ASCII
        raise Unauthenticated("the Basic credentials are malformed") from error
    name, colon, password = text.partition(":")
    if not colon:
        raise Unauthenticated("the Basic credentials are malformed")
    return name, password
