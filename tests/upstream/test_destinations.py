"""Where an upstream may lead us: never into our own network (threat T4)."""

import socket
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import (
    IHostnameResolver,
    IHostResolution,
    IReactorPluggableNameResolver,
    IResolutionReceiver,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import URI
from zope.interface import implementer
from zope.interface.verify import verifyObject

from pullthrough.errors import UpstreamOutage
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.origins import Origin
from pullthrough.upstream.destinations import Destinations, PublicEndpoint
from pullthrough.upstream.egress import EgressEndpoints, Way
from pullthrough.upstream.patience import Patience
from pullthrough.upstream.requests import Wish
from pullthrough.upstream.trust import Trust
from tests.support.agent import HUB, Answer, scripted

#: What a redirect or a realm may name, and whether it is followed.
OUTSIDE = (
    *("registry.test", "cdn.registry.test", "1.example", "a1", "xn--bcher-kva.test"),
    *("8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "192.167.1.1", "11.0.0.1"),
    *("[2606:4700::1111]", "[2001:4860:4860::8888]", "[::ffff:8.8.8.8]"),
    *("[64:ff9b::808:808]", "[2002:808:808::1]", "100.63.0.1", "100.128.0.1"),
)
INSIDE = (
    # our own machine, in every spelling
    *("127.0.0.1", "127.1.2.3", "127.255.255.254", "0.0.0.0", "0.1.2.3", "[::1]"),
    *("[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("[::127.0.0.1]", "[::7f00:1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]"),
    # as numbers that only some resolvers read
    *("2130706433", "0x7f000001", "0x7F000001", "017700000001", "0177.0.0.1"),
    *("0x7f.0.0.1", "0x7f.1", "127.1", "127.0.1", "0", "0x0", "127.0.0.1."),
    *("127.0.0.01", "1.2.3.4.5", "a.0x7f"),
    # private networks
    *("10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1"),
    *("100.64.0.1", "100.127.255.255", "192.0.0.1", "198.18.0.1", "198.19.255.255"),
    *("[fc00::1]", "[fd12:3456::1]", "[fec0::1]", "[::ffff:10.0.0.1]"),
    *("[::ffff:192.168.1.1]", "[64:ff9b::a00:1]", "[64:ff9b:1::808:808]"),
    *("[2002:a00:1::1]", "[2002:c0a8:101::]", "[2001:0:a00:1:0:0:80ff:fffe]"),
    # link-local, and the metadata services of clouds
    *("169.254.169.254", "169.254.0.1", "[fe80::1]", "[fe80::1%eth0]"),
    *("[fd00:ec2::254]", "[::ffff:169.254.169.254]", "2852039166", "0xa9fea9fe"),
    # nobody's
    *("192.0.2.1", "198.51.100.1", "203.0.113.1", "240.0.0.1", "255.255.255.255"),
    *("224.0.0.1", "239.255.255.250", "[ff02::1]", "[2001:db8::1]", "[100::1]"),
)


class CheckTests(SynchronousTestCase):
    """What is written in a URL."""

    def setUp(self) -> None:
        self.destinations = Destinations(["hub.test"])

    def refusal(self, url: str, destinations: Destinations | None = None) -> str:
        """Why it is refused; empty when it is not."""
        try:
            (destinations or self.destinations).check(Origin.of(url))
        except UpstreamOutage as error:
            return error.detail
        return ""

    def test_the_table(self) -> None:
        """Names and public addresses may be followed, all the others never."""
        self.assertGreaterEqual(len(INSIDE), 60)
        for scheme in ("http", "https"):
            for host in OUTSIDE:
                self.assertEqual(self.refusal(f"{scheme}://{host}/x"), "")
            for host in INSIDE:
                self.assertIn("leads to", self.refusal(f"{scheme}://{host}/x"), host)

    def test_it_says_what_to_do(self) -> None:
        """The option that lets it through; for what is no address there is none."""
        self.assertIn("private_hosts", self.refusal("https://10.0.0.1"))
        self.assertIn("no proper address", self.refusal("https://2130706433"))

    def test_ports(self) -> None:
        """Web ports and high ones: no redirect speaks to mail or databases of ours."""
        for port, fine in (
            *((80, True), (443, True), (1024, True), (5000, True), (65535, True)),
            *((22, False), (25, False), (0, False), (444, False), (1023, False)),
        ):
            found = self.refusal(f"https://cdn.test:{port}/x")
            self.assertEqual(not found, fine, port)
        self.assertIn("port", self.refusal("https://cdn.test:25"))

    def test_what_the_configuration_names(self) -> None:
        """Its own hosts may be anywhere, at any port; nothing else by that."""
        for host in ("127.0.0.1", "10.0.0.1", "::1", "registry.lan"):
            named = Destinations([host])
            written = f"[{host}]" if ":" in host else host
            self.assertEqual(self.refusal(f"http://{written}:25", named), "")
            self.assertTrue(named.trusts(host))
            self.assertTrue(self.refusal("http://192.168.1.1", named))
            self.assertFalse(named.trusts("other.lan"))

    def test_private_hosts(self) -> None:
        """Hosts, globs, addresses and networks that are listed; proper ports still."""
        listed = Destinations([], ["*.corp.test", "10.1.0.0/16", "fd00::/8", "cdn"])
        for host, fine in (
            *(("10.1.2.3", True), ("10.2.0.1", False), ("[fd00::1]", True)),
            *(("[fc00::1]", False), ("127.0.0.1", False)),
        ):
            self.assertEqual(not self.refusal(f"https://{host}", listed), fine, host)
        self.assertTrue(self.refusal("https://10.1.2.3:22", listed))
        for host, fine in (
            *(("a.corp.test", True), ("A.Corp.Test", True), ("cdn", True)),
            *(("corp.test", False), ("a.corp.test.evil.test", False)),
        ):
            self.assertEqual(listed.trusts(host), fine, host)


class RedirectTests(SynchronousTestCase):
    """Each hop is looked at, not only the first."""

    def follow(self, *targets: str) -> tuple[list[str], str]:
        """What was asked, and what it came to, with redirects to these in turn."""
        ahead = list(targets)

        def script(method: str, url: str) -> Answer:
            if not ahead:
                return Answer(200)
            return Answer(307, headers={"Location": ahead.pop(0)})

        requests, agent = scripted(script, Clock())
        wish = Wish("GET", "/v2/x/blobs/y", "", ErrorCode.BLOB_UNKNOWN)
        found: list[str] = []
        asking = Deferred.fromCoroutine(requests.ask(wish))
        asking.addCallbacks(
            lambda _: found.append("came"),
            lambda failure: found.append(failure.value.detail),
        )
        return [url for _, url in agent.asked[1:]], found[0]

    def test_chains(self) -> None:
        """A redirect by way of a stranger, to a private address, is not followed; nor
        one to another scheme, to plain text, or with credentials."""
        one = "https://cdn.test/1"
        self.assertEqual(self.follow(one, "https://8.8.8.8/2")[1], "came")
        for target in (
            *("https://127.0.0.1/x", "https://[::1]/x", "https://2130706433/x"),
            *("https://[::ffff:10.0.0.1]/x", "https://cdn.test:22/x"),
            *("//169.254.169.254/latest", "http://cdn.test/x", "file:///etc/passwd"),
            *("gopher://cdn.test/x", "https://me:pw@cdn.test/x"),
            "https://cdn.test\\@127.0.0.1/x",
        ):
            asked, end = self.follow(one, target)
            self.assertEqual(asked[:1], [one])
            self.assertNotEqual(end, "came", target)
            for url in asked[1:]:
                self.assertEqual(Origin.of(url).host, "cdn.test", target)

    def test_back_to_the_registry(self) -> None:
        """That is named, so it may be; the credentials have stayed behind for good."""
        asked, end = self.follow("https://cdn.test/1", f"{HUB}/2")
        self.assertEqual((asked[1], end), (f"{HUB}/2", "came"))


@implementer(IHostResolution)
class Resolution:
    """One that is told at once."""

    name = "x"

    def cancel(self) -> None:
        """Too late."""


@implementer(IHostnameResolver)
class Resolver:
    """Answers from a script: the addresses of each question, the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Any = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """See :meth:`IHostnameResolver.resolveHostName`."""
        found = self._answers[0]
        if len(self._answers) > 1:
            self._answers.pop(0)
        resolution = Resolution()
        resolutionReceiver.resolutionBegan(resolution)
        for host in found:
            kind = IPv6Address if ":" in host else IPv4Address
            resolutionReceiver.addressResolved(kind("TCP", host, portNumber))
        resolutionReceiver.resolutionComplete()
        return resolution


@implementer(IReactorPluggableNameResolver)
class ResolvingReactor(MemoryReactorClock):
    """A reactor in memory with a resolver of the test's."""

    def __init__(self, resolver: Resolver) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.nameResolver = resolver

    @property
    def connected(self) -> list[str]:
        """The addresses that were dialled."""
        return [client[0] for client in self.tcpClients]

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Not for tests."""
        raise NotImplementedError


class EndpointTests(SynchronousTestCase):
    """What a name resolves to, when it is dialled."""

    def dial(
        self, reactor: ResolvingReactor, destinations: Destinations, host: str
    ) -> "Deferred[Any]":
        """Connect to a host that something has led to."""
        endpoints = EgressEndpoints(
            reactor, Way(), Trust(b""), Patience(), destinations
        )
        endpoint = endpoints.endpointForURI(URI.fromBytes(f"http://{host}/".encode()))
        return endpoint.connect(Factory.forProtocol(Protocol))

    def dialled(
        self,
        *addresses: str,
        host: str = "cdn.test",
        named: Sequence[str] = (),
        private: Sequence[str] = (),
    ) -> list[str]:
        """The addresses that are dialled for a host with these addresses."""
        reactor = ResolvingReactor(Resolver(addresses))
        connecting = self.dial(reactor, Destinations(named, private), host)
        connecting.addErrback(self.errors.append)
        for _ in range(20):
            reactor.advance(1)  # happy eyeballs: one address after the other
        return reactor.connected

    def setUp(self) -> None:
        self.errors: list[Any] = []

    def detail(self) -> str:
        """What the last one failed with."""
        return str(self.errors[-1].value)

    def test_the_table(self) -> None:
        """A name with a private address is not dialled, in any spelling; one with a
        public address is."""
        for host in OUTSIDE:
            address = host.strip("[]")
            if not address[-1].isdigit() or not address[0].isdigit():
                continue
            self.assertEqual(self.dialled(address), [address])
        for host in INSIDE:
            address = host.strip("[]").partition("%")[0]
            try:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                socket.inet_pton(family, address)
            except OSError:
                continue  # no resolver answers so
            self.assertEqual(self.dialled(address), [], address)
            self.assertIn("is private; list it in", self.detail())

    def test_both(self) -> None:
        """Of a name with both kinds only the public ones are dialled."""
        found = self.dialled("127.0.0.1", "8.8.8.8", "::1", "10.0.0.1", "2606:4700::1")
        self.assertEqual(set(found), {"8.8.8.8", "2606:4700::1"})

    def test_rebinding(self) -> None:
        """A name that is public first and private then: each time what is dialled is
        what was looked at, so the private one never is."""
        reactor = ResolvingReactor(Resolver(["8.8.8.8"], ["127.0.0.1"]))
        destinations = Destinations([])
        self.dial(reactor, destinations, "cdn.test").addErrback(self.errors.append)
        for _ in range(5):
            again = self.dial(reactor, destinations, "cdn.test")
            again.addErrback(self.errors.append)
            reactor.advance(1)
        self.assertEqual(set(reactor.connected), {"8.8.8.8"})
        self.assertIn("cdn.test, whose address 127.0.0.1 is private", self.detail())

    def test_one_endpoint_dialled_twice(self) -> None:
        """It asks again, and looks again."""
        reactor = ResolvingReactor(Resolver(["8.8.8.8"], ["10.0.0.1"]))
        endpoint = PublicEndpoint(reactor, "cdn.test", 443, Destinations([]))
        endpoint.connect(Factory.forProtocol(Protocol))
        failing = endpoint.connect(Factory.forProtocol(Protocol))
        self.failureResultOf(failing, UpstreamOutage)
        self.assertEqual(reactor.connected, ["8.8.8.8"])

    def test_a_name_that_is_unknown(self) -> None:
        """It is told as what it is."""
        self.assertEqual(self.dialled(), [])
        self.assertIsInstance(self.errors[-1].value, DNSLookupError)

    def test_the_configured_host(self) -> None:
        """It may be private itself: by name or by address, of either family."""
        for host, address in (
            ("registry.lan", "10.0.0.1"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "::1"),
        ):
            found = self.dialled(address, host=host, named=[host.strip("[]")])
            self.assertEqual(found, [address])

    def test_private_hosts(self) -> None:
        """Names that are listed may be private, and so may any name be whose address
        is listed; others not."""
        listed = ["*.corp.test", "10.1.0.0/16"]
        for host, address, fine in (
            ("a.corp.test", "192.168.1.1", True),
            ("cdn.test", "10.1.2.3", True),
            ("10.1.2.3", "10.1.2.3", True),
            ("cdn.test", "10.2.0.1", False),
            ("corp.test", "192.168.1.1", False),
        ):
            found = self.dialled(address, host=host, private=listed)
            self.assertEqual(found, [address] if fine else [], host)

    def test_behind_an_egress_proxy(self) -> None:
        """The proxy resolves the names; what is dialled is the proxy."""
        reactor = ResolvingReactor(Resolver(["127.0.0.1"]))
        way = Way("http://proxy.lan:3128")
        endpoints = EgressEndpoints(
            reactor, way, Trust(b""), Patience(), Destinations([])
        )
        endpoint = endpoints.endpointForURI(URI.fromBytes(b"http://cdn.test/"))
        endpoint.connect(Factory.forProtocol(Protocol)).addErrback(lambda _: None)
        self.assertEqual(reactor.tcpClients[0][:2], ("127.0.0.1", 3128))

    def test_interfaces(self) -> None:
        """The wrapped reactor and resolver provide what Twisted asks for."""
        seen: list[Any] = []

        class Looking(Resolver):
            def resolveHostName(
                self, resolutionReceiver: Any, *args: Any, **more: Any
            ) -> Any:
                seen.append(resolutionReceiver)
                return super().resolveHostName(resolutionReceiver, *args, **more)

        reactor = ResolvingReactor(Looking(["8.8.8.8"]))
        endpoint = PublicEndpoint(reactor, "cdn.test", 443, Destinations([]))
        endpoint.connect(Factory.forProtocol(Protocol))
        self.assertTrue(verifyObject(IResolutionReceiver, seen[0]))
        wrapped: Any = endpoint._endpoint._reactor  # type: ignore[attr-defined]
        self.assertTrue(verifyObject(IReactorPluggableNameResolver, wrapped))
        self.assertTrue(verifyObject(IHostnameResolver, wrapped.nameResolver))
        install: Callable[[Any], Any] = wrapped.installNameResolver
        self.assertRaises(NotImplementedError, install, reactor.nameResolver)
