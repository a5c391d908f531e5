"""All repositories together: what the main connector answers at its root."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from pullthrough.accessline import AccessLog
from pullthrough.audit import Audit, unheard
from pullthrough.errors import Miss, Outage
from pullthrough.interfaces import IAccessPolicy, IAuthenticator
from pullthrough.spec import routes
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page, merged
from pullthrough.spec.tokens import Access
from pullthrough.spec.ways import MAIN, lead_of, split_name, way_of
from pullthrough.web.answering import Answering
from pullthrough.web.call import Call
from pullthrough.web.door import enter, invalid, known_method
from pullthrough.web.exchange import IExchange
from pullthrough.web.guard import Guard, no_repository
from pullthrough.web.reading import answer_images
from pullthrough.web.recent import Recent
from pullthrough.web.site import Site
from pullthrough.web.tokens import give_token, permitted

#: What the log and the metrics call it: no repository has that name.
NO_NAME = "-"

#: Names of repositories that are not there, for each of which logins are kept in mind.
MOST_NAMES = 64


@implementer(IAccessPolicy)
@dataclass(frozen=True, slots=True)
class Anywhere:
    """Who may do something in one of these repositories may do it.

    Asked where no repository is named, or what cannot be one.
    """

    policy: IAccessPolicy
    repositories: Sequence[str]

    def permits(
        self, principal: str, repository: str, image: ImageName | None, action: str
    ) -> bool:
        """See :meth:`IAccessPolicy.permits`."""
        return any(
            self.policy.permits(principal, name, image, action)
            for name in self.repositories
        )


class Everything:
    """The base, the token realm and the catalogue of all repositories; and what is
    asked of repositories that are not there: who has no right is answered as at one
    that is there, but for ``force_basic_auth``.

    :param sites: by the repository's name, for images that begin with it.
    """

    def __init__(
        self,
        sites: Mapping[str, Site],
        authenticator: IAuthenticator,
        policy: IAccessPolicy,
        access_log: AccessLog,
        clock: IReactorTime,
        now: Callable[[], float],
        audit: Audit = unheard,
    ) -> None:
        self._audit = audit
        self._sites = sites
        self._authenticator = authenticator
        self._policy = policy
        self._force_basic_auth = all(
            site.guard.force_basic_auth for site in sites.values()
        )
        self._guard = Guard(
            MAIN,
            authenticator,
            Anywhere(policy, tuple(sites)),
            self._force_basic_auth,
        )
        self._guards: Recent[str, Guard] = Recent(MOST_NAMES)
        self._answering = Answering(NO_NAME, access_log, clock)
        self._now = now

    async def __call__(self, exchange: IExchange) -> None:
        """Answer one request; see :data:`Application`."""
        guard = self._guard_of(lead_of(exchange.head.path))
        call = Call(exchange, guard.way, self._audit)
        if guard is self._guard:
            await self._answering(call, self._answer)
        else:
            await self._answering(call, lambda call: self._miss(call, guard))

    def _guard_of(self, lead: str) -> Guard:
        """Of a repository that is not there, or of all together."""
        found = way_of(lead)
        if found is None:
            return self._guard
        guard = self._guards.get(lead)
        if guard is None:
            name, way = found
            force = self._force_basic_auth
            guard = Guard(name, self._authenticator, self._policy, force, way=way)
            self._guards.put(lead, guard)
        return guard

    async def _miss(self, call: Call, guard: Guard) -> None:
        try:
            route = await enter(call, guard)
        except Miss as error:
            raise no_repository(guard.repository) from error
        if not isinstance(route, routes.Token):
            raise no_repository(guard.repository)
        known_method(call, route, routes.METHODS[routes.Token])
        await give_token(
            call,
            guard,
            self._now(),
            lambda call, asked: permitted(asked, call.identity, guard),
        )

    async def _answer(self, call: Call) -> None:
        try:
            route = await enter(call, self._guard)
        except Miss as error:
            if lead := lead_of(call.path):
                name = lead.strip("/").removeprefix("repository/")
                raise no_repository(name) from error
            raise
        if isinstance(route, routes.Base | routes.Token | routes.Catalog):
            known_method(call, route, routes.METHODS[type(route)])
        match route:
            case routes.Base():
                call.answer(200, [("Content-Type", "application/json")], b"{}")
            case routes.Token():
                await give_token(call, self._guard, self._now(), self._permitted)
            case routes.Catalog():
                try:
                    page = routes.parse_page(call.parameters)
                except InvalidText as error:
                    raise invalid(error) from error
                answer_images(call, await self._images(call, page))
            case _:
                name, image = split_name(route.image.text)
                if not image:
                    raise Miss(
                        ErrorCode.NAME_UNKNOWN, "an image here is REPOSITORY/IMAGE"
                    )
                raise no_repository(name)

    def _permitted(self, call: Call, asked: Access) -> Access | None:
        if asked.kind != "repository":
            return permitted(asked, call.identity, self._guard)
        name, image = split_name(asked.name)
        if name not in self._sites:
            return None
        inner = replace(asked, name=image)
        granted = permitted(inner, call.identity, self._sites[name].guard)
        return replace(granted, name=f"{name}/{image}") if granted else None

    async def _images(self, call: Call, page: Page) -> Names:
        """A page of all names: each repository's stand together, ``NAME/`` in front.

        :raises Outage: when no repository could tell.
        """
        pages: list[Names] = []
        warnings: list[str] = []
        outages: list[Outage] = []
        found = 0
        for prefix, site in sorted(
            (f"{key}/", one) for key, one in self._sites.items()
        ):
            if not site.guard.may(call.identity, None, "catalog"):
                continue
            if found > page.n:
                break
            if page.last.startswith(prefix):
                last = page.last.removeprefix(prefix)
            elif page.last > prefix:
                continue
            else:
                last = ""
            try:
                names = await site.images(call.identity, Page(page.n, last))
            except Outage as error:
                outages.append(error)
                warnings.append(error.detail)
                continue
            full = tuple(prefix + name for name in names.names)
            pages.append(Names(full, names.more, names.warning))
            found += len(full) + names.more
        if outages and not pages:
            raise outages[0]
        return merged(pages, page, warnings)
