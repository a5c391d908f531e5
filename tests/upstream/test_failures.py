"""What Twisted's client says went wrong, in the house's errors."""

from OpenSSL.SSL import Error as TLSError
from service_identity import VerificationError
from twisted.internet import error
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import (
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
)

from pullthrough.errors import EgressOutage, UpstreamOutage, UpstreamTimeout
from pullthrough.upstream.egress import Way
from pullthrough.upstream.failures import CLIENT_ERRORS, outage_of, was_cancelled
from pullthrough.upstream.headcap import Silence

PROXY = Way("http://proxy.test:3128", non_proxy_hosts=("direct.test",))


def because(*causes: BaseException) -> list[Failure]:
    """The reasons of an error that has some."""
    return [Failure(cause) for cause in causes]


CONNECTING = error.ConnectingCancelledError(None)
SILENCE = Silence("not within 30 s")
HANDSHAKE = TLSError([("SSL", "", "certificate verify failed")])

#: What the client raises, what it is directly, and a word of what is told.
TABLE: tuple[tuple[BaseException, type[Exception], str], ...] = (
    (UpstreamOutage("told before"), UpstreamOutage, "told before"),
    (EgressOutage("of the proxy"), EgressOutage, "of the proxy"),
    (error.DNSLookupError("x"), UpstreamOutage, "its name is not known"),
    (error.ConnectionRefusedError("x"), UpstreamOutage, "cannot be reached"),
    (error.NoRouteError("x"), UpstreamOutage, "cannot be reached"),
    (error.ConnectBindError("x"), UpstreamOutage, "cannot be reached"),
    (error.TimeoutError("x"), UpstreamTimeout, "did not answer in time"),
    (ResponseFailed(because(SILENCE)), UpstreamTimeout, "not within 30 s"),
    (ResponseNeverReceived(because(SILENCE)), UpstreamTimeout, "not within 30 s"),
    (HANDSHAKE, UpstreamOutage, "certificate verify failed"),
    (VerificationError([]), UpstreamOutage, "its certificate is of another"),
    (ResponseFailed(because(UpstreamOutage("inner"))), UpstreamOutage, "inner"),
    (ResponseFailed(because(HANDSHAKE)), UpstreamOutage, "certificate verify failed"),
    (ResponseFailed(because(TLSError())), UpstreamOutage, "the handshake broke off"),
    (ResponseFailed(because(TLSError([]))), UpstreamOutage, "the handshake broke off"),
    (ResponseFailed(because(TLSError([("x", "")]))), UpstreamOutage, "broke off"),
    (
        ResponseFailed(because(VerificationError([]))),
        UpstreamOutage,
        "its certificate is of another",
    ),
    (
        ResponseNeverReceived(because(error.ConnectionLost())),
        UpstreamOutage,
        "closed the connection",
    ),
    (
        RequestTransmissionFailed(because(error.ConnectionDone())),
        UpstreamOutage,
        "closed the connection",
    ),
    (ResponseFailed(because(error.ConnectionLost())), UpstreamOutage, "hub.test:443"),
    (error.ConnectionLost("x"), UpstreamOutage, "hub.test:443"),
)


class FailureTests(SynchronousTestCase):
    """The table."""

    def test_directly(self) -> None:
        """Each is caught, and told as the outage that it is."""
        for problem, kind, words in TABLE:
            self.assertIsInstance(problem, CLIENT_ERRORS)
            for way in (Way(), PROXY):
                host = "direct.test" if way is PROXY else "hub.test"
                outage = outage_of(problem, host, "hub.test:443", way)
                self.assertIs(type(outage), kind, problem)
                self.assertIn(words, outage.detail)

    def test_through_a_proxy(self) -> None:
        """What cannot be reached is the proxy; one that hangs up after it has connected
        may do so for the upstream."""
        refused = error.ConnectionRefusedError("x")
        outage = outage_of(refused, "hub.test", "hub.test:443", PROXY)
        self.assertIsInstance(outage, EgressOutage)
        self.assertIn("proxy.test:3128 cannot be reached", outage.detail)
        lost = error.ConnectionLost()
        for problem in (lost, ResponseNeverReceived(because(lost))):
            outage = outage_of(problem, "hub.test", "hub.test:443", PROXY)
            self.assertIs(type(outage), UpstreamOutage)
            self.assertIn("proxy.test:3128 closed the connection to", outage.detail)

    def test_who_was_cancelled(self) -> None:
        """At whatever stage; nothing else counts as that."""
        for problem, *_ in TABLE:
            self.assertFalse(was_cancelled(problem), problem)
        for cause in (CancelledError(), CONNECTING):
            for kind in (ResponseFailed, ResponseNeverReceived):
                self.assertTrue(was_cancelled(kind(because(cause))))
            self.assertTrue(was_cancelled(cause))
            self.assertIsInstance(cause, CLIENT_ERRORS)
