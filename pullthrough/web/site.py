"""The registry API of one repository: what may pass the door is done here."""

from collections.abc import Callable
from dataclasses import replace

from twisted.internet.interfaces import IReactorTime

from pullthrough.accessline import AccessLog
from pullthrough.audit import Audit, unheard
from pullthrough.errors import Miss, Refused, Unauthenticated
from pullthrough.fairness import work_for
from pullthrough.interfaces import (
    INamespaced,
    IReferrers,
    IRepository,
    IWritableRepository,
)
from pullthrough.spec import routes
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.names import ImageName
from pullthrough.spec.namespaces import parse_namespace
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.provenance import Provenance
from pullthrough.spec.routes import Route
from pullthrough.spec.tokens import Access
from pullthrough.spec.ways import Way
from pullthrough.values import Identity
from pullthrough.web import reading, v1, writing
from pullthrough.web.answering import Answering, Challenged
from pullthrough.web.atonce import AtOnce
from pullthrough.web.call import Call
from pullthrough.web.door import enter, invalid, known_method
from pullthrough.web.exchange import Headers, IExchange
from pullthrough.web.guard import BASIC_CHALLENGE, Guard
from pullthrough.web.head import Head
from pullthrough.web.kept import Kept, KeptAnswers, Standing, plain
from pullthrough.web.lists import shown
from pullthrough.web.tokens import give_token, permitted
from pullthrough.web.transfers import Transfers

#: The methods that a repository without pushes has a use for.
_READING = frozenset({"GET", "HEAD"})
_WRITING = _READING | {"POST", "PUT", "PATCH", "DELETE"}


class Site:
    """Serves one repository; called once for each request.

    :param now: seconds since the epoch, for tokens.
    :param v1_enabled: whether Docker's V1 API is there as well.
    :param audit: keeps what is changed.
    :param kept: keeps answers; None: none are kept.
    :param transfers: counts blobs on their way; None: by itself.
    :ivar guard: who may come in; also the way by which requests come.
    """

    def __init__(
        self,
        repository: IRepository,
        guard: Guard,
        access_log: AccessLog,
        clock: IReactorTime,
        now: Callable[[], float],
        *,
        v1_enabled: bool = False,
        audit: Audit = unheard,
        kept: KeptAnswers | None = None,
        transfers: Transfers | None = None,
    ) -> None:
        self.repository = repository
        self._kept = kept
        self._transfers = transfers or Transfers(clock)
        self.guard = guard
        self._access_log = access_log
        self._clock = clock
        self._now = now
        self._v1_enabled = v1_enabled
        self._audit = audit
        self._answering = Answering(repository.name, access_log, clock, guard.mirror)
        self._at_once = (
            AtOnce(repository, guard, kept, now, self._answering.again)
            if kept is not None
            else None
        )

    def by(self, way: Way) -> "Site":
        """The same for those who come another way."""
        return Site(
            self.repository,
            replace(self.guard, way=way),
            self._access_log,
            self._clock,
            self._now,
            v1_enabled=self._v1_enabled,
            audit=self._audit,
            kept=self._kept,
            transfers=self._transfers,
        )

    def at_once(self, head: Head, connector: str) -> Standing | None:
        """The answer to a request, if it is kept and whoever asks is known.

        :param connector: HOST or HOST:PORT that was asked.
        """
        return self._at_once.find(head) if self._at_once else None

    async def __call__(self, exchange: IExchange) -> None:
        """Answer one request; see :data:`Application`."""
        call = Call(exchange, self.guard.way, self._audit, self.repository.name)
        await self._answering(call, self._answer)

    async def _answer(self, call: Call) -> None:
        if self._v1_enabled and call.path.startswith("/v1/"):
            await self._answer_v1(call)
            return
        route = await enter(call, self.guard)
        work_for(call.identity.principal, call.exchange.seen.peer)
        try:
            repository = self._within(call)
            writable = IWritableRepository.providedBy(repository)
            writing = writable or isinstance(route, routes.Token)
            known_method(call, route, _WRITING if writing else _READING)
            await self._work(call, repository, route)
        except InvalidText as error:
            raise invalid(error) from error

    def _within(self, call: Call) -> IRepository:
        """What is asked: all of the repository, or in a group only what stands for the
        registry that ``ns`` names. That is a key; nothing is connected to by it.

        :raises InvalidText: when ``ns`` names no host.
        :raises Miss: when no member stands for that registry.
        """
        named = call.parameter("ns")
        if not (named and INamespaced.providedBy(self.repository)):
            # A mirror is told of which registry it is one.
            return self.repository
        group: INamespaced = self.repository
        found: IRepository | None = group.within(parse_namespace(named))
        if found is None:
            raise Miss(ErrorCode.NAME_UNKNOWN, f"nothing of {named} is served here")
        call.namespace = named
        return found

    async def _answer_v1(self, call: Call) -> None:
        try:
            route = v1.find(call)
            call.parameters = routes.parse_query(call.head.query)
            call.identity = await self.guard.identify(call.exchange)
            v1.admit(call, self.guard, route)
        except InvalidText as error:
            raise invalid(error) from error
        except Unauthenticated as error:
            raise Challenged(error, BASIC_CHALLENGE) from error
        work_for(call.identity.principal, call.exchange.seen.peer)
        await v1.answer(
            call,
            self.repository,
            route,
            lambda image: self.guard.may(call.identity, image, "catalog"),
        )

    async def _work(self, call: Call, repository: IRepository, route: Route) -> None:
        match route:
            case routes.Base():
                call.answer(200, [("Content-Type", "application/json")], b"{}")
            case routes.Token():
                await give_token(call, self.guard, self._now(), self._permitted)
            case routes.Catalog():
                await reading.list_images(
                    call, lambda page: self._visible(repository, call.identity, page)
                )
            case routes.TagsRoute(image):
                await reading.list_tags(call, repository, image)
            case routes.ReferrersRoute() if IReferrers.providedBy(repository):
                referrers: IReferrers = repository
                await self._transfers.large.give(
                    call,
                    lambda room: reading.list_referrers(call, referrers, route, room),
                )
            case routes.ReferrersRoute():
                raise Miss(ErrorCode.UNSUPPORTED, "referrers are not listed here")
            case routes.ManifestRoute() if call.method in _READING:
                if not self._answered(call, repository, route.image):
                    await reading.read_manifest(
                        call, repository, route, self._transfers.one
                    )
            case routes.BlobRoute() if call.method in _READING:
                if not self._answered(call, repository, route.image):
                    await self._read_blob(call, repository, route)
            case routes.UploadsRoute() | routes.UploadRoute() if call.head.length != 0:
                writable = _writable(repository)
                async with self._transfers.one(call):
                    await self._write(call, writable, route)
            case _:
                await self._write(call, _writable(repository), route)

    async def _read_blob(
        self, call: Call, repository: IRepository, route: routes.BlobRoute
    ) -> None:
        if call.method == "HEAD":
            await reading.read_blob(call, repository, route)
            return
        async with self._transfers.one(call):
            await reading.read_blob(call, repository, route)

    def _answered(self, call: Call, repository: IRepository, image: ImageName) -> bool:
        """Whether a kept answer was given; else the one to come is kept, if it may."""
        answers, head = self._kept, call.head
        if answers is None or not plain(head):
            return False
        key = (self.repository, head.method, head.path, head.query)
        kept = answers.find(key, self._now())
        if kept is not None:
            call.answer_kept(kept)
            return True
        watch = answers.watch(repository.watched(image))

        def keep(headers: Headers, body: bytes, provenance: Provenance) -> Kept:
            made = Kept(headers, body, provenance, watch, image)
            answers.keep(key, made)
            return made

        call.keep = keep
        return False

    async def images(self, identity: Identity, page: Page) -> Names:
        """A page of the images that somebody may see in lists."""
        return await self._visible(self.repository, identity, page)

    async def _visible(
        self, repository: IRepository, identity: Identity, page: Page
    ) -> Names:
        return await shown(
            repository.images,
            page,
            lambda name: self.guard.may(identity, ImageName(name), "catalog"),
        )

    def _permitted(self, call: Call, asked: Access) -> Access | None:
        return permitted(asked, call.identity, self.guard)

    async def _write(
        self, call: Call, repository: IWritableRepository, route: Route
    ) -> None:
        match route, call.method:
            case routes.ManifestRoute(), "PUT":
                may_move = self.guard.may(call.identity, route.image, "overwrite")
                async with self._transfers.large.take(call):
                    await writing.put_manifest(call, repository, route, may_move)
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
        guard, named = self.guard, self.guard.own(call.parameter("from"))
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
            raise Challenged(error, challenge) from error
        except Refused:
            return []
        return [named]


def _writable(repository: IRepository) -> IWritableRepository:
    if not IWritableRepository.providedBy(repository):
        raise Refused(
            ErrorCode.UNSUPPORTED,
            f"{repository.name} is a {repository.kind} repository that takes no"
            " pushes and no deletes",
        )
    writable: IWritableRepository = repository
    return writable
