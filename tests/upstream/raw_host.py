"""An upstream that sends raw bytes to the first request, and then what is right.

In a network in memory; and what h11 makes of the same bytes.
"""

from collections.abc import Iterator

import h11
from twisted.internet.defer import Deferred

from pullthrough.errors import Outage, UpstreamTimeout
from pullthrough.interfaces import IUpstreamBody
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.reference import Reference, Tag
from pullthrough.upstream.client import RegistryUpstream
from pullthrough.upstream.credentials import Login
from pullthrough.upstream.destinations import Destinations
from pullthrough.upstream.egress import EgressAgent, Way
from pullthrough.upstream.limits import Limits
from pullthrough.upstream.patience import Patience
from pullthrough.upstream.requests import Requests
from pullthrough.upstream.trust import Trust
from tests.support.lines import End, Line, Step
from tests.support.network import Network
from tests.upstream.raw_row import CONTENT, LENGTH, Outcome, Row, answer

APP = ImageName("team/app")
DIGEST = Digest.of(CONTENT)
LATEST = Tag("latest")

_HOST = "registry.test"
_TRUST = Trust(b"")


class Body:
    """Keeps what comes."""

    def __init__(self) -> None:
        self.data = b""

    def registerProducer(self, producer: object, streaming: bool) -> None:
        """It is never told to pause."""

    def unregisterProducer(self) -> None:
        """Nothing to let go of."""

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.data += data


class Upstream:
    """A host, and our client of it.

    :param piece: bytes that arrive at once; 0: all of them.
    :ivar connections: how many came to the host.
    :ivar asked: how many requests came.
    :ivar sent: how many bytes of the row have been sent.
    :ivar problem: what the last outage said.
    """

    def __init__(self, row: Row, piece: int = 0) -> None:
        self.network = Network()
        self.connections = self.asked = self.sent = 0
        self._row = row
        self._piece = piece
        self._first = True
        self.host = self.network.add(_HOST, "1.0.0.1", self._accepted)
        destinations = Destinations([_HOST])
        agent = EgressAgent(
            self.network, Way(), _TRUST, Patience(), destinations=destinations
        )
        requests = Requests(
            f"http://{_HOST}",
            agent,
            Login(),
            self.network,
            lambda: 0.5,
            breakers=None,
            limits=Limits(_HOST, self.network),
            destinations=destinations,
            patience=Patience(),
            retries=0,
            agent_name="pullthrough/test",
        )
        self._client = RegistryUpstream(_HOST, requests, self.network)
        self.problem = ""

    # -- the host --

    def _accepted(self, line: Line) -> None:
        self.connections += 1
        waiting = b""

        def received(data: bytes) -> None:
            nonlocal waiting
            waiting += data
            while b"\r\n\r\n" in waiting:
                _, _, waiting = waiting.partition(b"\r\n\r\n")
                self.asked += 1
                line.run(self._steps())

        line.received = received

    def _steps(self) -> Iterator[Step]:
        if not self._first:
            yield answer(LENGTH)
            return
        self._first = False
        sent = self._row.sent
        size = self._piece or len(sent) or 1
        for start in range(0, len(sent), size):
            self.sent = start
            yield sent[start : start + size]
        if self._row.closes:
            yield End.CLOSE

    # -- the client --

    def blob(self) -> tuple[Outcome, bytes]:
        """Ask for it as a blob: what comes of that, and what came."""

        async def ask() -> tuple[Outcome, bytes]:
            taker = Body()
            try:
                body: IUpstreamBody = await self._client.blob(APP, DIGEST)
            except Outage as error:
                return self._outcome(error, Outcome.REFUSED), b""
            try:
                await body.deliver(taker)  # type: ignore[arg-type]
            except Outage as error:
                return self._outcome(error, Outcome.BROKEN), taker.data
            return Outcome.TAKEN, taker.data

        return self.network.settle(Deferred.fromCoroutine(ask()))

    def head(self) -> int | None:
        """Ask for the size of the blob."""
        asking = Deferred.fromCoroutine(self._client.blob_size(APP, DIGEST))
        return self.network.settle(asking)

    def manifest(self, reference: Reference) -> tuple[Outcome, bytes]:
        """Ask for it as a manifest; any outage is a refusal."""

        async def ask() -> tuple[Outcome, bytes]:
            try:
                found = await self._client.manifest(APP, reference)
            except Outage as error:
                return self._outcome(error, Outcome.REFUSED), b""
            return Outcome.TAKEN, found.body

        return self.network.settle(Deferred.fromCoroutine(ask()))

    def _outcome(self, error: Outage, otherwise: Outcome) -> Outcome:
        self.problem = error.detail
        return Outcome.LATE if isinstance(error, UpstreamTimeout) else otherwise


#: What h11 refuses and we take, as long as its body so far is ours, and why.
LOOSER = {
    "illegal header line": "a trailer: it falls away unread (RFC 9110 section 6.5.1)",
    "continuation line at start": "likewise",
}


def read(row: Row) -> tuple[bytes, str]:
    """What h11 reads: the body, and what is missing to its end; empty: nothing."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    body = b""
    try:
        if row.sent:
            connection.receive_data(row.sent)
        if row.closes:
            connection.receive_data(b"")
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                body += bytes(event.data)
            elif not isinstance(event, h11.Response | h11.InformationalResponse):
                return body, f"{event!r}"
    except h11.RemoteProtocolError as error:
        return body, str(error)
    return body, ""


def disagreement(body: bytes, theirs: bytes, why: str) -> str:
    """How a body that we took differs from h11's; empty when it does not."""
    if body != theirs:
        return f"{body!r} is {theirs!r} to h11: {why}"
    loose = any(why.startswith(words) for words in LOOSER)
    return "" if loose or not why else f"taken, and h11 says {why}"
