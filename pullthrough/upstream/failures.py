"""What Twisted's client says went wrong, in the house's errors."""

from OpenSSL.SSL import Error as TLSError
from service_identity import VerificationError
from twisted.internet import error
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure
from twisted.web.client import (
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
)

from pullthrough.errors import (
    EgressOutage,
    Outage,
    UpstreamOutage,
    UpstreamTimeout,
)
from pullthrough.upstream.egress import Way
from pullthrough.upstream.headcap import Silence
from pullthrough.upstream.tunnel import reason_of

#: What a request of Twisted's client may fail with; everything else is a bug.
CLIENT_ERRORS = (
    CancelledError,
    Outage,
    RequestTransmissionFailed,
    ResponseFailed,
    TLSError,
    ValueError,  # HostnameEndpoint, of a name that IDNA does not take
    VerificationError,
    error.ConnectBindError,
    error.ConnectError,
    error.ConnectingCancelledError,
    error.ConnectionClosed,
    error.DNSLookupError,
    error.NoProtocol,
)


_CANCELLED = (CancelledError, error.ConnectingCancelledError)

_CLOSED = (ResponseNeverReceived, RequestTransmissionFailed, error.ConnectionClosed)


def was_cancelled(problem: BaseException) -> bool:
    """Whether a request ended because somebody cancelled it, at whatever stage."""
    return any(
        isinstance(one, _CANCELLED) and not isinstance(one, Silence)
        for one in (problem, *_causes(problem))
    )


def outage_of(problem: BaseException, host: str, target: str, way: Way) -> Outage:
    """The outage behind an error of the client.

    :param host: of the target.
    :param target: ``HOST:PORT``, for people.
    """
    for cause in (problem, *_causes(problem)):
        if isinstance(cause, Outage):
            return cause
        if isinstance(cause, Silence):
            return UpstreamTimeout(str(cause))
        if isinstance(cause, VerificationError):
            return UpstreamOutage(f"upstream {target}: its certificate is of another")
        if isinstance(cause, TLSError):
            return UpstreamOutage(f"upstream {target}: TLS failed: {_tls(cause)}")
    if isinstance(problem, error.ConnectError) and way.leads(host):
        return EgressOutage(
            f"egress proxy {way.name} cannot be reached: {reason_of(problem)}"
        )
    if isinstance(problem, error.TimeoutError):
        return UpstreamTimeout(f"upstream {target} did not answer in time")
    if isinstance(problem, error.DNSLookupError):
        return UpstreamOutage(f"upstream {target}: its name is not known")
    if isinstance(problem, error.ConnectError):
        return UpstreamOutage(
            f"upstream {target} cannot be reached: {reason_of(problem)}"
        )
    if isinstance(problem, _CLOSED):
        if way.leads(host):
            # V2Ray says "connected" before it dials; a dead upstream shows only now.
            # It is an upstream's outage for the breaker, as it may well be.
            return UpstreamOutage(
                f"egress proxy {way.name} closed the connection to {target}"
            )
        return UpstreamOutage(f"upstream {target} closed the connection")
    return UpstreamOutage(f"upstream {target}: {reason_of(problem)}")


def _causes(problem: BaseException) -> list[BaseException]:
    reasons: list[Failure] = []
    if isinstance(problem, ResponseFailed | RequestTransmissionFailed):
        reasons = problem.reasons
    return [reason.value for reason in reasons if reason.value is not None]


def _tls(cause: TLSError) -> str:
    # OpenSSL's errors are lists of (library, function, reason).
    for entry in cause.args[0] if cause.args else ():
        if isinstance(entry, tuple) and entry[-1]:
            return str(entry[-1])
    return "the handshake broke off"
