"""An agent in memory: what Requests sends is answered by the test."""

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IProtocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from pullthrough.spec.origins import Origin
from pullthrough.upstream.breakers import Breakers
from pullthrough.upstream.credentials import Login
from pullthrough.upstream.destinations import Destinations
from pullthrough.upstream.egress import Way
from pullthrough.upstream.limits import Limits
from pullthrough.upstream.patience import Patience
from pullthrough.upstream.requests import Requests

HUB = "https://hub.test"


@implementer(IResponse)
class Answer:
    """One response.

    :param ends: whether its body does.
    :ivar transport: of the body, once somebody takes it.
    """

    version = (b"HTTP", 1, 1)
    phrase = b""
    request: Any = None
    previousResponse: Any = None

    def __init__(
        self,
        code: int = 200,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        ends: bool = True,
    ) -> None:
        self.code = code
        self.length = len(body)
        self.headers = Headers()
        for name, value in (headers or {}).items():
            self.headers.addRawHeader(name, value)
        self._body = body
        self._ends = ends
        self.transport: StringTransport | None = None

    def deliverBody(self, protocol: IProtocol) -> None:
        """All of it at once."""
        assert self.transport is None, "a body is delivered once"
        self.transport = StringTransport()
        self._protocol = protocol
        protocol.makeConnection(self.transport)
        if self._body:
            protocol.dataReceived(self._body)
        if self._ends:
            self.end()

    def end(self) -> None:
        """The end of the body."""
        self._protocol.connectionLost(Failure(ResponseDone()))

    def setPreviousResponse(self, response: IResponse) -> None:
        """Twisted's own redirects; never called."""
        raise AssertionError


#: What is answered to a method and a URL; None: nothing, ever.
Script = Callable[[str, str], Answer | Exception | None]


@implementer(IAgent)
class ScriptedAgent:
    """Asks a script.

    :ivar asked: method and URL of each request.
    :ivar sent: the headers of each request.
    """

    def __init__(self, script: Script, way: Way = Way()) -> None:  # noqa: B008  frozen
        self._script = script
        self.way = way
        self.asked: list[tuple[str, str]] = []
        self.sent: list[Headers] = []

    @property
    def urls(self) -> list[str]:
        """The URLs of all requests, without the origin of the hub."""
        return [url.removeprefix(HUB) for _, url in self.asked]

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> "Deferred[IResponse]":
        """See :meth:`IAgent.request`."""
        self.asked.append((method.decode(), uri.decode()))
        self.sent.append(headers or Headers())
        answer = self._script(method.decode(), uri.decode())
        if answer is None:
            return Deferred()
        if isinstance(answer, Exception):
            return fail(answer)
        return succeed(answer)


def scripted(
    script: Script,
    clock: Clock,
    *,
    url: str = HUB,
    login: Login | None = None,
    way: Way = Way(),  # noqa: B008  frozen
    breakers: Breakers | None = None,
    limits: Limits | None = None,
    retries: int = 0,
) -> tuple[Requests, ScriptedAgent]:
    """Requests to the hub, and the agent that they go through."""
    agent = ScriptedAgent(script, way)
    origin = Origin.of(url)
    requests = Requests(
        url,
        agent,  # type: ignore[arg-type]  it wants an agent that knows its way
        login or Login(),
        clock,
        lambda: 1.0,
        breakers=breakers,
        limits=limits or Limits(str(origin), clock),
        destinations=Destinations([origin.host]),
        patience=Patience(),
        retries=retries,
        agent_name="pullthrough/test",
    )
    return requests, agent
