"""Asking an upstream: log in, follow redirects, try again, and name what fails."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from pullthrough.errors import (
    EgressOutage,
    Miss,
    Outage,
    Refused,
    UpstreamBlocked,
    UpstreamLimited,
    UpstreamOutage,
)
from pullthrough.spec import documents
from pullthrough.spec.challenge import Challenge, parse_challenges
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.names import ImageName
from pullthrough.spec.origins import MOST_REDIRECTS, Origin, redirected
from pullthrough.upstream.bodies import drop, read_whole
from pullthrough.upstream.breakers import Breakers
from pullthrough.upstream.budget import RetryBudget
from pullthrough.upstream.credentials import (
    LARGEST_ANSWER,
    Login,
    Logins,
    RealmError,
)
from pullthrough.upstream.destinations import Destinations
from pullthrough.upstream.egress import EgressAgent
from pullthrough.upstream.failures import CLIENT_ERRORS, outage_of, was_cancelled
from pullthrough.upstream.headers import header_of, values_of
from pullthrough.upstream.limits import Limits
from pullthrough.upstream.patience import Patience
from pullthrough.waiters import Flights

_REDIRECTS = frozenset({301, 302, 303, 307, 308})

#: Seconds of the longest pause before the first retry; it doubles.
PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing to ask for.

    :ivar path: behind the remote's URL, beginning with ``/v2/``.
    :ivar scope: the token scope that it needs.
    :ivar missing: the code of the miss when the upstream has it not.
    :ivar answers: further statuses that are an answer, and no error.
    """

    method: str
    path: str
    scope: str
    missing: ErrorCode
    headers: tuple[tuple[str, str], ...] = ()
    answers: tuple[int, ...] = ()


def _challenges(response: IResponse) -> tuple[Challenge, ...]:
    return parse_challenges(values_of(response, "WWW-Authenticate"))


def pull_scope(image: ImageName) -> str:
    """The token scope to pull an image."""
    return f"repository:{image}:pull"


class Requests:
    """Asks one upstream.

    :param breakers: None: hosts that keep failing are asked all the same.
    :param limits: of the account.
    :param destinations: where redirects and realms may lead.
    :param agent_name: the ``User-Agent``.
    :ivar patience: with bodies; the agent has its own for all before.
    :param retries: how often a failed request is tried again.
    :param random: a number from 0 to 1, for pauses.
    """

    def __init__(
        self,
        url: str,
        agent: EgressAgent,
        login: Login,
        clock: IReactorTime,
        random: Callable[[], float],
        *,
        breakers: Breakers | None,
        limits: Limits,
        destinations: Destinations,
        patience: Patience,
        retries: int,
        agent_name: str,
    ) -> None:
        self._url = url
        self._origin = Origin.of(url)
        self._agent = agent
        self._clock = clock
        self._random = random
        self._breakers = breakers
        self.limits = limits
        self._destinations = destinations
        self._budget = RetryBudget(clock.seconds)
        self.patience = patience
        self._retries = retries
        self._agent_name = agent_name
        self._logins = Logins(self._origin, login, self._ask_realm, clock.seconds)
        self._pings: Flights[str, tuple[Challenge, ...]] = Flights()

    async def ask(self, wish: Wish) -> IResponse:
        """The answer to a wish: one with a status below 300, 416, or of its answers.

        :raises Miss: 404, or 401 however we log in.
        :raises Refused: 403.
        :raises Outage: anything else.
        """
        self.limits.admit()
        self._budget.requested()
        response = await self._logged_in(wish)
        if response.code < 300 or response.code in (416, *wish.answers):
            return response
        if response.code == 404:
            raise await self._missing(wish, response)
        drop(response, self._clock)
        raise self._error(wish, response)

    async def _missing(self, wish: Wish, response: IResponse) -> Miss:
        """A 404; it is certain when it speaks as a registry does, and not for once."""
        told = f"upstream {self._origin} does not have it"
        for_once = "no-store" in header_of(response, "Cache-Control").lower()
        if wish.method == "HEAD":
            drop(response, self._clock)
            spoken = header_of(response, "Docker-Distribution-Api-Version")
            as_registry = spoken or "json" in header_of(response, "Content-Type")
            certain = bool(as_registry) and not for_once
            return Miss(wish.missing, told, certain=certain)
        try:
            body = await read_whole(
                response,
                LARGEST_ANSWER,
                self._clock,
                str(self._origin),
                self.patience.idle,
            )
            certain = bool(documents.read(body).get("errors")) and not for_once
        except (Outage, ValueError, AttributeError):
            certain = False
        return Miss(wish.missing, told, certain=certain)

    def _error(self, wish: Wish, response: IResponse) -> Miss | Refused | Outage:
        where = str(self._origin)
        code = response.code
        if code == 401:
            # Docker Hub answers so for images that do not exist.
            detail = f"upstream {where} wants other credentials (401)"
            return Miss(wish.missing, detail, certain=False)
        if code == 403:
            return Refused(ErrorCode.DENIED, f"upstream {where} denies it (403)")
        if code == 429:
            return self.limits.limited(response)
        if code == 407:
            return EgressOutage(
                f"egress proxy {self._agent.way.name} wants other credentials (407)"
            )
        way = self._agent.way
        through = (
            f", through egress proxy {way.name}" if way.leads(self._origin.host) else ""
        )
        return UpstreamOutage(f"upstream {where} answered {code}{through}")

    async def _logged_in(self, wish: Wish) -> IResponse:
        authorization = self._logins.known(wish.scope)
        response = await self._asked(wish, authorization)
        if response.code != 401:
            return response
        try:
            # gcr.io challenges at /v2/ only; what is really asked gets a bare 401.
            challenges = _challenges(response) or await self._pings.join("", self._ping)
            authorization = await self._logins.answer(
                challenges, wish.scope, authorization
            )
        except RealmError as error:
            drop(response, self._clock)
            raise UpstreamOutage(f"upstream {self._origin}: {error}") from error
        except BaseException:
            drop(response, self._clock)
            raise
        if not authorization:
            return response
        drop(response, self._clock)
        return await self._asked(wish, authorization)

    async def _ping(self) -> tuple[Challenge, ...]:
        """The challenge of ``/v2/``; none when it serves everybody."""
        url = f"{self._url}/v2/"
        response = await self._retried(lambda: self._once("GET", url, (), ""))
        drop(response, self._clock)
        if response.code == 429:
            raise self.limits.limited(response)
        if response.code >= 500:
            raise UpstreamOutage(
                f"upstream {self._origin} answered {response.code} to a login"
            )
        return _challenges(response) if response.code == 401 else ()

    async def _asked(self, wish: Wish, authorization: str) -> IResponse:
        url = self._url + wish.path
        return await self._retried(lambda: self._followed(wish, url, authorization))

    async def _retried(self, send: Callable[[], Awaitable[IResponse]]) -> IResponse:
        """Send it, and again when it fails or gets a 5xx, as the budget allows."""
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                response = await send()
            except (UpstreamBlocked, UpstreamLimited):
                raise
            except Outage:
                if last or not self._again():
                    raise
            else:
                if response.code < 500 or last or not self._again():
                    return response
                drop(response, self._clock)
            pause = self._random() * PAUSE * 2**attempt
            await deferLater(self._clock, pause, lambda: None)
        raise AssertionError("unreachable")

    def _again(self) -> bool:
        """Whether there may be one more attempt."""
        granted = self._budget.spend()
        self.limits.retries += granted
        self.limits.retries_refused += not granted
        return granted

    async def _followed(self, wish: Wish, url: str, authorization: str) -> IResponse:
        """Follow redirects; credentials stay behind on a new origin, for good."""
        for _ in range(MOST_REDIRECTS + 1):
            if Origin.of(url) != self._origin:
                authorization = ""
            response = await self._once(wish.method, url, wish.headers, authorization)
            if Origin.of(url) == self._origin:
                self.limits.note(response)
            elif response.code == 429:
                drop(response, self._clock)
                raise UpstreamLimited(
                    f"{Origin.of(url)}, where the upstream leads, limits us (429)"
                )
            if response.code not in _REDIRECTS:
                return response
            drop(response, self._clock)
            target = redirected(url, header_of(response, "Location"))
            if target is None:
                raise UpstreamOutage(
                    f"upstream {Origin.of(url)} redirects to nowhere that is safe"
                )
            url = target
        raise UpstreamOutage(f"upstream {self._origin} redirects too often")

    async def _once(
        self,
        method: str,
        url: str,
        headers: tuple[tuple[str, str], ...],
        authorization: str,
    ) -> IResponse:
        sent = Headers()
        sent.setRawHeaders("User-Agent", [self._agent_name])
        for name, value in headers:
            sent.addRawHeader(name, value)
        if authorization:
            sent.setRawHeaders("Authorization", [authorization])
        origin = Origin.of(url)
        self._destinations.check(origin)
        if self._breakers is not None:
            self._breakers.admit(origin)
        try:
            response = await self._agent.request(
                method.encode("ascii"), url.encode("ascii"), sent, None
            )
        except CLIENT_ERRORS as error:
            if was_cancelled(error):
                # Whoever asked has left. That tells nothing.
                raise CancelledError from error
            outage = outage_of(error, origin.host, str(origin), self._agent.way)
            # An egress proxy that is away says nothing about the host behind it.
            if not isinstance(outage, EgressOutage):
                self._tell(origin, outage.detail)
            raise outage from error
        self._tell(origin, f"answered {response.code}" if response.code >= 500 else "")
        return response

    def _tell(self, origin: Origin, problem: str) -> None:
        if self._breakers is None:
            return
        if problem:
            self._breakers.failed(origin, problem)
        else:
            self._breakers.succeeded(origin)

    async def _ask_realm(self, url: str, authorization: str) -> bytes:
        response = await self._retried(
            lambda: self._once("GET", url, (), authorization)
        )
        target = str(Origin.of(url))
        if response.code == 429:
            drop(response, self._clock)
            raise self.limits.limited(response)  # of the account, wherever told
        if response.code in (401, 403):
            drop(response, self._clock)
            raise Refused(
                ErrorCode.DENIED, f"token realm {target} refuses our credentials"
            )
        if response.code != 200:
            drop(response, self._clock)
            raise UpstreamOutage(f"token realm {target} answered {response.code}")
        return await read_whole(
            response, LARGEST_ANSWER, self._clock, target, self.patience.idle
        )
