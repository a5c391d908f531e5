"""From the configuration to upstreams: what they share, and the ways to them."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

import pullthrough
from pullthrough.config.model import Egress, Http, Remote
from pullthrough.interfaces import IForeignLayers, ISearchIndex, IUpstream
from pullthrough.spec.origins import Origin
from pullthrough.upstream.breakers import Breakers
from pullthrough.upstream.client import RegistryUpstream
from pullthrough.upstream.credentials import Login
from pullthrough.upstream.destinations import Destinations
from pullthrough.upstream.egress import EgressAgent, Way
from pullthrough.upstream.failover import FailoverUpstream
from pullthrough.upstream.foreign import ForeignLayers
from pullthrough.upstream.index import SearchIndex
from pullthrough.upstream.limits import Limits
from pullthrough.upstream.nobody import NobodyUpstream
from pullthrough.upstream.patience import Patience
from pullthrough.upstream.requests import Requests
from pullthrough.upstream.trust import ClientCertificate, Trust
from pullthrough.values import Load, UpstreamState


class Upstreams:
    """Makes upstreams; breakers and limits are shared by all of them.

    :param http: ``[http]``.
    :param before: those of the configuration before; what they know of hosts and
        accounts is still true.
    """

    def __init__(
        self, http: Http, reactor: Any, before: "Upstreams | None" = None
    ) -> None:
        self._http = http
        self._reactor = reactor
        self._patience = Patience.of(http.timeout)
        self._trust = Trust(http.trust.read_bytes() if http.trust else b"")
        self._breakers: Breakers = (
            before._breakers
            if before
            else Breakers(reactor, random.random, self._patience.answer)
        )
        self._known = before._limits if before else {}
        self._limits: dict[tuple[Origin, str], Limits] = {}
        self._agents: list[EgressAgent] = []

    async def close(self) -> None:
        """Close the idle connections."""
        for closed in [agent.close() for agent in self._agents]:
            await closed

    def upstream(self, name: str, remote: Remote) -> IUpstream:
        """The upstream of a proxy.

        :param name: of the repository.
        """
        if self._http.offline:
            return NobodyUpstream(f"{name} asks nobody: [http] offline = yes")
        if remote.blocked:
            return NobodyUpstream(f"{name} asks nobody: blocked = yes")
        found = [self._registry(remote, url) for url in (remote.url, *remote.urls)]
        return found[0] if len(found) == 1 else FailoverUpstream(found)

    def states(self) -> Sequence[UpstreamState]:
        """How it stands with each upstream and account."""
        return [
            self._state(origin, limits)
            for (origin, _), limits in sorted(
                self._limits.items(), key=lambda item: item[1].name
            )
        ]

    def _state(self, origin: Origin, limits: Limits) -> UpstreamState:
        breaker, blocked_for = self._breakers.state(origin)
        budget = limits.budget
        return UpstreamState(
            limits.name,
            budget.limit if budget else None,
            budget.remaining if budget else None,
            limits.limited_for,
            breaker,
            blocked_for,
            limits.retries,
            limits.retries_refused,
        )

    def loads(self) -> Iterable[Load]:
        """How it stands with our turns at each of them."""
        for limits in sorted(self._limits.values(), key=lambda one: one.name):
            for what, turns in (
                ("bodies", limits.bodies),
                ("metadata", limits.metadata),
            ):
                name = f"{what} of {limits.name}"
                yield Load(name, turns.used, turns.waiting, turns.refused, turns.oldest)

    def index(self, remote: Remote) -> ISearchIndex | None:
        """Where its images are searched."""
        if self._http.offline or remote.blocked or not remote.index_url:
            return None
        requests = self._requests(remote, remote.index_url)
        name = str(Origin.of(remote.index_url))
        return SearchIndex(name, requests, self._reactor)

    def foreign(self, remote: Remote) -> IForeignLayers | None:
        """Where its foreign layers come from; None: they are not fetched."""
        if self._http.offline or remote.blocked or not remote.foreign_layer_urls:
            return None
        destinations = Destinations((), self._http.private_hosts)
        agent = self._agent(remote, destinations, ours=False)

        def requests(url: str) -> Requests:
            # Whoever they lead to is known for the one request.
            limits = Limits(str(Origin.of(url)), self._reactor)
            return self._asking(url, remote, agent, Login(), limits, destinations)

        return ForeignLayers(requests, remote.foreign_layer_urls, self._reactor)

    def _registry(self, remote: Remote, url: str) -> RegistryUpstream:
        requests = self._requests(remote, url)
        return RegistryUpstream(str(Origin.of(url)), requests, self._reactor)

    def _requests(self, remote: Remote, url: str) -> Requests:
        destinations = Destinations([Origin.of(url).host], self._http.private_hosts)
        agent = self._agent(remote, destinations)
        login = Login()
        if Origin.of(url) == Origin.of(remote.url):
            # The others get no credentials: they are pinned to the first.
            login = Login(
                remote.username, remote.password.reveal(), remote.bearer_token.reveal()
            )
        limits = self._limit(url, login.username)
        return self._asking(url, remote, agent, login, limits, destinations)

    def _agent(
        self, remote: Remote, destinations: Destinations, ours: bool = True
    ) -> EgressAgent:
        """:param ours: whether it may show our certificate to the upstream."""
        http = self._http
        agent = EgressAgent(
            self._reactor,
            _way(remote.egress or http.egress, http.egress),
            self._trust,
            self._patience,
            destinations=destinations,
            certificate=_certificate(remote) if ours else None,
        )
        self._agents.append(agent)
        return agent

    def _asking(
        self,
        url: str,
        remote: Remote,
        agent: EgressAgent,
        login: Login,
        limits: Limits,
        destinations: Destinations,
    ) -> Requests:
        http = self._http
        suffix = f" {http.user_agent_suffix}" if http.user_agent_suffix else ""
        return Requests(
            url,
            agent,
            login,
            self._reactor,
            random.random,
            breakers=self._breakers if remote.auto_block else None,
            limits=limits,
            destinations=destinations,
            patience=self._patience,
            retries=http.retries,
            agent_name=f"pullthrough/{pullthrough.__version__}{suffix}",
        )

    def _limit(self, url: str, username: str) -> Limits:
        origin = Origin.of(url)
        name = f"{origin} as {username}" if username else str(origin)
        made = self._known.get((origin, username)) or Limits(name, self._reactor)
        return self._limits.setdefault((origin, username), made)


def _way(egress: Egress, general: Egress) -> Way:
    # A repository's own proxy keeps the hosts that need none.
    return Way(
        egress.proxy,
        egress.username,
        egress.password.reveal(),
        egress.non_proxy_hosts or general.non_proxy_hosts,
    )


def _certificate(remote: Remote) -> ClientCertificate | None:
    if remote.tls_client_certificate is None or remote.tls_client_key is None:
        return None
    pem = [
        path.read_bytes()
        for path in (remote.tls_client_certificate, remote.tls_client_key)
    ]
    return ClientCertificate(Origin.of(remote.url), b"\n".join(pem))
