"""The registry API of one connector: route, principal, right, then the work."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pullthrough.accessline import AccessLine, AccessLog
from pullthrough.errors import (
    Invalid,
    Miss,
    Outage,
    Refused,
    RegistryError,
    Unauthenticated,
)
from pullthrough.interfaces import IReferrers, IRepository, IWritableRepository
from pullthrough.spec import routes
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.names import ImageName
from pullthrough.spec.routes import Route
from pullthrough.values import Identity
from pullthrough.web import reading, v1, writing
from pullthrough.web.call import Call
from pullthrough.web.exchange import IExchange
from pullthrough.web.failures import tell
from pullthrough.web.guard import BASIC_CHALLENGE, Guard
from pullthrough.web.tokens import give_token

#: The right that each method of a route needs; what is missing needs ``push``.
_ACTIONS = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}


class Site:
    """Serves one repository; called once for each request.

    :param now: seconds since the epoch, for tokens.
    :param v1_enabled: whether Docker's V1 API is there as well.
    """

    _why = Logger(namespace="pullthrough")

    def __init__(
        self,
        repository: IRepository,
        guard: Guard,
        access_log: AccessLog,
        clock: IReactorTime,
        now: Callable[[], float],
        *,
        v1_enabled: bool = False,
    ) -> None:
        self._repository = repository
        self._guard = guard
        self._access_log = access_log
        self._clock = clock
        self._now = now
        self._v1_enabled = v1_enabled

    async def __call__(self, exchange: IExchange) -> None:
        """Answer one request; see :data:`Application`."""
        call = Call(exchange)
        begun = self._clock.seconds()
        source = ""
        try:
            await self._answer(call)
            source = call.provenance.source.value if call.provenance else ""
        except RegistryError as error:
            source = "error"
            self._tell_why(call, error)
            _answer_error(call, error, self._guard.mirror)
        except BaseException:
            source = "error"
            raise
        finally:
            self._log(call, begun, source)

    def _tell_why(self, call: Call, error: RegistryError) -> None:
        """Log why an answer failed that was nobody's fault here."""
        if isinstance(error, Outage) or (isinstance(error, Miss) and not error.certain):
            self._why.warn(
                "{repository}: {method} {path!r}: {why!r}",
                repository=self._repository.name,
                method=call.method,
                path=call.head.path[:512],
                why=error.detail,
            )

    def _log(self, call: Call, begun: float, source: str) -> None:
        self._access_log(
            AccessLine(
                peer=call.exchange.seen.peer,
                principal=call.identity.principal,
                repository=self._repository.name,
                method=call.method,
                path=call.head.path,
                status=call.status,
                sent=call.sent,
                seconds=self._clock.seconds() - begun,
                member=call.provenance.member if call.provenance else "",
                source=source,
                agent=call.head.get("user-agent"),
            )
        )

    async def _answer(self, call: Call) -> None:
        if self._v1_enabled and call.head.path.startswith("/v1/"):
            await self._answer_v1(call)
            return
        try:
            route = routes.parse_route(call.head.path)
            call.parameters = routes.parse_query(call.head.query)
        except InvalidText as error:
            # Only who may be here at all is told what is wrong.
            await self._admit(call, routes.Base(), None, "pull")
            raise _invalid(error) from error
        if route is None:
            await self._admit(call, routes.Base(), None, "pull")
            raise Miss(ErrorCode.UNSUPPORTED, "there is no such endpoint")
        image: ImageName | None = getattr(route, "image", None)
        action = self._action(call.method, route)
        await self._admit(call, route, image, action)
        if isinstance(route, routes.Token) and call.method != "GET":
            # Clients that try OAuth2's POST go on with GET after a 404.
            raise Miss(ErrorCode.UNSUPPORTED, "ask for a token by GET")
        call.allowed = self._methods(route)
        if call.method not in routes.METHODS[type(route)]:
            raise Refused(
                ErrorCode.UNSUPPORTED, f"{call.method} has no meaning on this endpoint"
            )
        try:
            await self._work(call, route)
        except InvalidText as error:
            raise _invalid(error) from error

    async def _answer_v1(self, call: Call) -> None:
        try:
            route = v1.find(call)
            call.parameters = routes.parse_query(call.head.query)
            call.identity = await self._guard.identify(call.exchange)
            v1.admit(call, self._guard, route)
        except InvalidText as error:
            raise _invalid(error) from error
        except Unauthenticated as error:
            raise _Challenged(error, BASIC_CHALLENGE) from error
        await v1.answer(call, self._repository, route)

    def _methods(self, route: Route) -> frozenset[str]:
        known = routes.METHODS[type(route)]
        if IWritableRepository.providedBy(self._repository):
            return known
        return known & {"GET", "HEAD"}

    def _action(self, method: str, route: Route) -> str:
        if isinstance(route, routes.Catalog):
            return "catalog"
        if isinstance(route, routes.UploadsRoute | routes.UploadRoute):
            return "push"
        return _ACTIONS.get(method, "push")

    async def _admit(
        self, call: Call, route: Route, image: ImageName | None, action: str
    ) -> None:
        """Find out who is asking, and whether they may."""
        guard = self._guard
        try:
            call.identity = await guard.identify(call.exchange)
            if isinstance(route, routes.Token):
                guard.admit(call.identity)
            elif not isinstance(route, routes.Base):
                guard.allow(call.identity, image, action)
            elif call.identity == Identity():
                # Always challenged: from here clients learn how to log in, and
                # whether a password is right.
                raise Unauthenticated("log in, or ask for an anonymous token")
        except Unauthenticated as error:
            challenge = guard.challenge(call.exchange, image, action, _source(call))
            if isinstance(route, routes.Token):
                challenge = BASIC_CHALLENGE
            raise _Challenged(error, challenge) from error

    async def _work(self, call: Call, route: Route) -> None:
        match route:
            case routes.Base():
                call.answer(200, [("Content-Type", "application/json")], b"{}")
            case routes.Token():
                give_token(call, self._guard, self._now())
            case routes.Catalog():
                await reading.list_images(call, self._repository)
            case routes.TagsRoute(image):
                await reading.list_tags(call, self._repository, image)
            case routes.ReferrersRoute() if IReferrers.providedBy(self._repository):
                referrers: IReferrers = self._repository
                await reading.list_referrers(call, referrers, route)
            case routes.ReferrersRoute():
                raise Miss(ErrorCode.UNSUPPORTED, "referrers are not listed here")
            case routes.ManifestRoute() if call.method in ("GET", "HEAD"):
                await reading.read_manifest(call, self._repository, route)
            case routes.BlobRoute() if call.method in ("GET", "HEAD"):
                await reading.read_blob(call, self._repository, route)
            case _:
                await self._write(call, self._writable(), route)

    def _writable(self) -> IWritableRepository:
        repository = self._repository
        if not IWritableRepository.providedBy(repository):
            raise Refused(
                ErrorCode.UNSUPPORTED,
                f"{repository.name} is a {repository.kind} repository that takes no"
                " pushes and no deletes",
            )
        writable: IWritableRepository = repository
        return writable

    async def _write(
        self, call: Call, repository: IWritableRepository, route: Route
    ) -> None:
        match route, call.method:
            case routes.ManifestRoute(), "PUT":
                await writing.put_manifest(call, repository, route)
            case routes.ManifestRoute(), _:
                await writing.delete_manifest(call, repository, route)
            case routes.BlobRoute(), _:
                await writing.delete_blob(call, repository, route)
            case routes.UploadsRoute(), _:
                sources = await self._mount_sources(call, repository, route)
                await writing.begin_upload(call, repository, route, sources)
            case routes.UploadRoute(), "PATCH":
                await writing.append(call, repository, route)
            case routes.UploadRoute(), "PUT":
                await writing.finish_upload(call, repository, route)
            case routes.UploadRoute(), "GET":
                await writing.tell_upload(call, repository, route)
            case routes.UploadRoute(), _:
                await writing.cancel_upload(call, repository, route)

    async def _mount_sources(
        self, call: Call, repository: IWritableRepository, route: routes.UploadsRoute
    ) -> list[ImageName]:
        """The images to mount from: the one named, or any; if they may be read (T7).

        :raises Unauthenticated: when only the token's scope is in the way.
        """
        guard, named = self._guard, _source(call)
        if not call.parameter("mount"):
            return []
        if named is None and not call.parameter("from"):
            digest = Digest.parse(call.parameter("mount"))
            found = await repository.images_with(digest)
            return [one for one in found if guard.permits(call.identity, one, "pull")]
        if named is None:
            return []
        try:
            guard.allow(call.identity, named, "pull")
        except Unauthenticated as error:
            if not guard.may(call.identity, named, "pull"):
                return []
            challenge = guard.challenge(call.exchange, route.image, "push", named)
            raise _Challenged(error, challenge) from error
        except Refused:
            return []
        return [named]


def _source(call: Call) -> ImageName | None:
    """The image that a mount names, if it names one."""
    try:
        return ImageName(call.parameter("from"))
    except InvalidText:
        return None


class _Challenged(Unauthenticated):
    """A refusal with the challenge that goes with it."""

    def __init__(self, error: Unauthenticated, challenge: tuple[str, str]) -> None:
        super().__init__(error.detail)
        self.challenge = challenge


def _invalid(error: InvalidText) -> Invalid:
    return Invalid(error.code, error.detail)


def _answer_error(call: Call, error: RegistryError, mirror: bool) -> None:
    told = tell(error, mirror)
    headers = list(told.headers)
    if isinstance(error, _Challenged):
        headers.append(error.challenge)
    if told.status == 405:
        # RFC 9110 section 15.5.6: "The origin server MUST generate an Allow header".
        headers.append(("Allow", ", ".join(sorted(call.allowed - {call.method}))))
    call.answer(told.status, headers, told.body)
