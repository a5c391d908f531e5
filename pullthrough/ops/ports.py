"""Opening the connectors: all of them, or a line that says which cannot be."""

import errno
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from OpenSSL import crypto
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.internet.ssl import AcceptableCiphers, CertificateOptions, TLSVersion
from twisted.protocols.tls import TLSMemoryBIOFactory

from pullthrough.spec.tls import CIPHERS

_CERTIFICATE = re.compile(
    b"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL
)


#: SSL_MODE_ENABLE_PARTIAL_WRITE of OpenSSL's ssl.h: to return after each record, which
#: matters to sockets only. Without it a large piece is encrypted in one call.
_PARTIAL_WRITE = 1

#: Connections that the system holds until they are taken: a cluster comes all at once.
BACKLOG = 1024


#: How often a TCP port is tried at the start, and seconds between two tries. Workers
#: whose owner was killed hold it until they are gone, which is a moment later.
TRIES, PAUSE = 21, 0.05


class PortError(Exception):
    """A connector that cannot be opened; the text says which, and why."""


def with_tls(
    certificate: Path, key: Path, clock: Any, client_ca: Path | None = None
) -> Callable[[IProtocolFactory], IProtocolFactory]:
    """What lays TLS 1.2 or 1.3 below a factory's connections.

    :param certificate: a PEM file, the chain behind the certificate.
    :param client_ca: a PEM bundle: clients may, but need not, show a certificate of
        one of these authorities; one of another fails the handshake.
    :raises PortError: when certificate, key or bundle cannot be used.
    """
    clients: dict[str, Any] = {}
    if client_ca is not None:
        clients = {
            "verify": True,
            "requireCertificate": False,
            "caCerts": _authorities(client_ca),
        }
    try:
        chain = [
            crypto.load_certificate(crypto.FILETYPE_PEM, pem)
            for pem in _CERTIFICATE.findall(certificate.read_bytes())
        ]
        private = crypto.load_privatekey(crypto.FILETYPE_PEM, key.read_bytes())
        options = CertificateOptions(
            privateKey=private,
            certificate=chain[0],
            extraCertChain=chain[1:],
            raiseMinimumTo=TLSVersion.TLSv1_2,
            acceptableCiphers=AcceptableCiphers.fromOpenSSLCipherString(CIPHERS),
            # Without this Twisted fails the handshake of whoever offers protocols
            # (ALPN, RFC 7301), and all but the simplest clients do.
            acceptableProtocols=[b"http/1.1"],
            **clients,
        )
        options.getContext().check_privatekey()
        options.getContext().clear_mode(_PARTIAL_WRITE)
    except (OSError, IndexError, crypto.Error) as error:
        raise PortError(f"certificate {certificate} or its key is unusable") from error

    def lay(factory: IProtocolFactory) -> IProtocolFactory:
        wrapped: IProtocolFactory = TLSMemoryBIOFactory(options, False, factory, clock)
        return wrapped

    return lay


def _authorities(bundle: Path) -> list[crypto.X509]:
    try:
        found = [
            crypto.load_certificate(crypto.FILETYPE_PEM, pem)
            for pem in _CERTIFICATE.findall(bundle.read_bytes())
        ]
    except (OSError, crypto.Error) as error:
        raise PortError(f"{bundle} cannot be read") from error
    if not found:
        raise PortError(f"{bundle} has no certificate")
    return found


def open_port(
    reactor: Any,
    description: str,
    factory: IProtocolFactory,
    free: bool,
    tries: int = 1,
    sleep: Callable[[float], None] = time.sleep,
) -> IListeningPort:
    """Listen on an endpoint.

    :param free: where a TCP port is taken, take another one instead.
    :param tries: where it is taken; blocks between them.
    :raises PortError: when it cannot be opened.
    """
    for _ in range(0 if free else tries - 1):
        try:
            return _listen(reactor, description, factory)
        except CannotListenError as error:
            if getattr(error.socketError, "errno", 0) != errno.EADDRINUSE:
                break
        sleep(PAUSE)
    try:
        return _listen(reactor, description, factory)
    except CannotListenError as error:
        if free and description.startswith("tcp"):
            return _listen(reactor, _any_port(description), factory)
        reason = getattr(error.socketError, "strerror", None) or str(error)
        raise PortError(f"cannot listen on {description}: {reason}") from error


def _any_port(description: str) -> str:
    kind, _, rest = description.partition(":")
    _, colon, options = rest.partition(":")
    return f"{kind}:0{colon}{options}"


def _listen(
    reactor: Any, description: str, factory: IProtocolFactory
) -> IListeningPort:
    """Listen at once: the kinds of endpoint that are taken do."""
    if description.startswith("tcp") and "backlog=" not in description:
        description += f":backlog={BACKLOG}"
    opened: list[IListeningPort] = []
    failed: list[BaseException] = []
    try:
        endpoint = serverFromString(reactor, description)
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise PortError(f"{description} is no endpoint: {error}") from error
    endpoint.listen(factory).addCallbacks(
        opened.append, lambda failure: failed.append(failure.value)
    )
    for problem in failed:
        if isinstance(problem, OSError):
            raise PortError(
                f"cannot listen on {description}: {problem.strerror}"
            ) from problem
        raise problem
    return opened[0]


def location(port: IListeningPort) -> str:
    """``HOST:PORT`` by which a client on this machine reaches a port."""
    address: Any = port.getHost()
    host = getattr(address, "host", None)
    if host is None:
        name = getattr(address, "name", b"")
        return f"unix:{name.decode() if isinstance(name, bytes) else name}"
    if host in ("0.0.0.0", ""):  # noqa: S104
        host = "127.0.0.1"
    if host == "::":
        host = "::1"
    return f"[{host}]:{address.port}" if ":" in host else f"{host}:{address.port}"
