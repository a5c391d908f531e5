"""How long an upstream is waited for: a time of its own for each step."""

import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import CancelledError, Deferred

from pullthrough.config.ini import parse
from pullthrough.errors import EgressOutage, Outage, UpstreamOutage, UpstreamTimeout
from pullthrough.interfaces import IUpstream
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.upstream.breakers import Breakers
from pullthrough.upstream.client import RegistryUpstream
from pullthrough.upstream.credentials import Login
from pullthrough.upstream.destinations import Destinations
from pullthrough.upstream.egress import EgressAgent, Way
from pullthrough.upstream.limits import Limits
from pullthrough.upstream.patience import Patience
from pullthrough.upstream.requests import Requests
from pullthrough.upstream.trust import Trust
from pullthrough.upstreams import Upstreams
from tests.support.handshakes import certificate
from tests.support.lines import Dial
from tests.support.network import Network
from tests.support.slowly import CONTENT, HEAD, SlowRegistry
from tests.upstream.raw_host import Body

APP = ImageName("team/app")
DIGEST = Digest.of(CONTENT)

#: What a step may take longer or shorter and still be told apart from its time.
LITTLE = 0.05

PLAIN, SECURED = "http://localhost", "https://localhost"
WAYS = (Way(), Way("http://http.proxy:3128"), Way("socks5://socks.proxy:1080"))
TUNNELS = WAYS[1:]


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Path, Path]]:
    """A certificate of localhost, and its key."""
    with tempfile.TemporaryDirectory() as folder:
        yield certificate(Path(folder), "ec")


class Case:
    """A slow registry, and a client of it that tries once."""

    def __init__(
        self,
        url: str,
        way: Way,
        pair: tuple[Path, Path],
        trust: bytes | None = None,
    ) -> None:
        context = None
        if url == SECURED:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*pair)
        self.network = Network()
        self.registry = SlowRegistry(self.network, context)
        self.breakers = Breakers(self.network, lambda: 0.5, 60.0)
        destinations = Destinations(["localhost"])
        patience = Patience()
        agent = EgressAgent(
            self.network,
            way,
            Trust(pair[0].read_bytes() if trust is None else trust),
            patience,
            destinations=destinations,
        )
        requests = Requests(
            url,
            agent,
            Login(),
            self.network,
            lambda: 0.5,
            breakers=self.breakers,
            limits=Limits("localhost", self.network),
            destinations=destinations,
            patience=patience,
            retries=0,
            agent_name="pullthrough/test",
        )
        self.client: IUpstream = RegistryUpstream("localhost", requests, self.network)

    async def _pull(self) -> bytes:
        taker = Body()
        body = await self.client.blob(APP, DIGEST)
        await body.deliver(taker)  # type: ignore[arg-type]
        return taker.data

    def pulls(self) -> bool:
        """Whether a blob comes."""
        return self.network.settle(Deferred.fromCoroutine(self._pull())) == CONTENT

    def fails_after(self, seconds: float, kind: type[Outage], words: str) -> None:
        """A blob is given up in that time: so, and saying so."""
        begun = self.network.seconds()
        with pytest.raises(kind) as caught:
            self.pulls()
        assert type(caught.value) is kind
        assert words in caught.value.detail
        took = self.network.seconds() - begun
        assert abs(took - seconds) < LITTLE, took
        assert self.network.lines == [], "an open connection"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("url", [PLAIN, SECURED])
def test_in_time(url: str, way: Way, pair: tuple[Path, Path]) -> None:
    """Each step may take nearly all of its time, all of them together."""
    case = Case(url, way, pair)
    for host in (case.registry.host, case.registry.http, case.registry.socks):
        host.slow = 10 - LITTLE
    case.registry.greeting = case.registry.tls = 10 - LITTLE
    case.registry.steps = (
        *(30 - LITTLE, HEAD, CONTENT[:1024]),
        *(60 - LITTLE, CONTENT[1024:2048]),
        *(60 - LITTLE, CONTENT[2048:]),
    )
    assert case.pulls()
    assert case.network.seconds() > 10 + 30 + 60 + 60 - 4 * LITTLE


@pytest.mark.parametrize("dial", [Dial.SILENT, Dial.MUTE])
@pytest.mark.parametrize("url", [PLAIN, SECURED])
def test_connecting(dial: Dial, url: str, pair: tuple[Path, Path]) -> None:
    """10 s, for the name and the connection together."""
    case = Case(url, Way(), pair)
    case.registry.host.dial = dial
    words = "cannot be reached: no connection within 10 s"
    case.fails_after(10, UpstreamTimeout, words)
    case = Case(url, Way(), pair)
    case.registry.host.slow = 10.0
    case.fails_after(10, UpstreamTimeout, words)


@pytest.mark.parametrize("way", TUNNELS)
@pytest.mark.parametrize("dial", [Dial.SILENT, Dial.MUTE])
@pytest.mark.parametrize("url", [PLAIN, SECURED])
def test_connecting_to_a_proxy(
    url: str, dial: Dial, way: Way, pair: tuple[Path, Path]
) -> None:
    """10 s, and the proxy is named."""
    case = Case(url, way, pair)
    case.registry.http.dial = case.registry.socks.dial = dial
    words = f"egress proxy {way.name} cannot be reached: no connection within 10 s"
    case.fails_after(10, EgressOutage, words)


@pytest.mark.parametrize("way", TUNNELS)
def test_greeting(way: Way, pair: tuple[Path, Path]) -> None:
    """10 s for a proxy to connect us."""
    case = Case(SECURED, way, pair)
    case.registry.greeting = 10.0
    words = f"egress proxy {way.name} refused the connection to localhost:443"
    case.fails_after(10, EgressOutage, words)


@pytest.mark.parametrize("way", WAYS)
def test_handshake(way: Way, pair: tuple[Path, Path]) -> None:
    """10 s for it alone, behind whatever proxy; it counts for the breaker."""
    case = Case(SECURED, way, pair)
    case.registry.tls = 10.0
    words = "upstream localhost:443"
    if way.proxy != "direct":
        words += f", through egress proxy {way.name}"
    words += ": no TLS handshake within 10 s"
    for state in ("closed", "closed", "blocked"):
        case.fails_after(10, UpstreamTimeout, words)
        (origin,) = case.breakers._breakers
        assert case.breakers.state(origin)[0] == state
    assert case.registry.asked == 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("url", [PLAIN, SECURED])
def test_head(url: str, way: Way, pair: tuple[Path, Path]) -> None:
    """30 s from the request to the end of the head, however it drips."""
    for steps in (
        (30.0, HEAD, CONTENT),
        (HEAD[:9], 20.0, HEAD[9:20], 10.0, HEAD[20:], CONTENT),
        (20.0, b"HTTP/1.1 103 Early\r\n\r\n", 10.0, HEAD, CONTENT),
    ):
        case = Case(url, way, pair)
        case.registry.steps = steps
        case.fails_after(30, UpstreamTimeout, "did not answer within 30 s")
        assert case.registry.asked == 1


@pytest.mark.parametrize("url", [PLAIN, SECURED])
def test_head_on_a_kept_connection(url: str, pair: tuple[Path, Path]) -> None:
    """Nobody asks again behind our back."""
    case = Case(url, Way(), pair)
    assert case.pulls()
    case.registry.steps = (30.0, HEAD, CONTENT)
    case.fails_after(30, UpstreamTimeout, "did not answer within 30 s")
    assert case.registry.asked == 2


def test_idle(pair: tuple[Path, Path]) -> None:
    """60 s between bytes of a body, and 1 KiB in each of them."""
    case = Case(PLAIN, Way(), pair)
    case.registry.steps = (HEAD, CONTENT[:1024], 60.0, CONTENT[1024:])
    case.fails_after(60, UpstreamTimeout, "has stalled")
    drip = (b"x", 1.0)
    case.registry.steps = (HEAD, CONTENT[:1024], *drip * 60, CONTENT[1084:])
    case.fails_after(60, UpstreamTimeout, "has stalled")


@pytest.mark.parametrize("way", WAYS)
def test_a_handshake_that_fails(way: Way, pair: tuple[Path, Path]) -> None:
    """It is told as what it is, at once."""
    case = Case(SECURED, way, pair)
    case.registry.tls = 9.0
    asking = Deferred.fromCoroutine(case._pull())
    case.network.pass_time(1)
    for host in (case.registry.host, case.registry.http, case.registry.socks):
        host.hang_up()
    with pytest.raises(UpstreamOutage, match="closed the connection"):
        case.network.settle(asking, 1)
    case = Case(SECURED, way, pair, trust=b"")
    case.fails_after(0, UpstreamOutage, "TLS failed: certificate verify failed")


@pytest.mark.parametrize(
    ("dial", "seconds"),
    [
        *((Dial.MUTE, 1), (Dial.SILENT, 1)),
        *((Dial.ACCEPT, 1), (Dial.ACCEPT, 6), (Dial.ACCEPT, 12)),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_whoever_asked_has_left(
    way: Way, dial: Dial, seconds: float, pair: tuple[Path, Path]
) -> None:
    """At whatever step: the connection is let go, and the host is not blamed."""
    case = Case(SECURED, way, pair)
    for host in (case.registry.host, case.registry.http, case.registry.socks):
        host.dial = dial
    case.registry.greeting = case.registry.tls = 5.0
    case.registry.steps = (20.0, HEAD, CONTENT)
    asking = Deferred.fromCoroutine(case._pull())
    case.network.pass_time(seconds)
    asking.cancel()
    with pytest.raises(CancelledError):
        case.network.settle(asking)
    case.network.pass_time(1)
    assert case.network.lines == []
    assert case.network.getDelayedCalls() == []
    assert case.breakers._breakers == {}


def test_the_option(pair: tuple[Path, Path]) -> None:
    """``[http] timeout`` is the time of each step."""
    text = "[repository:hub]\ntype = proxy\nremote_url = http://localhost\n[http]\n"
    for more, connecting, answering in (
        ("", 10, 30),
        ("timeout = 3s\n", 3, 3),
        ("timeout = 2m\n", 120, 120),
    ):
        settings = parse(text + "retries = 0\n" + more, Path("/"), {})
        (repository,) = settings.repositories
        case = Case(PLAIN, Way(), pair)
        made = Upstreams(settings.http, case.network)
        assert repository.remote is not None
        case.client = made.upstream("hub", repository.remote)
        case.registry.steps = ()
        case.fails_after(answering, UpstreamTimeout, f"within {answering} s")
        case.registry.host.dial = Dial.SILENT
        case.fails_after(connecting, UpstreamTimeout, f"within {connecting} s")


def test_a_probe_is_over() -> None:
    """When all steps before a body are."""
    assert Patience().answer == 60
    assert Patience.of(20).answer == 80
    assert Patience.of(None) == Patience(10, 10, 10, 30, 60)
