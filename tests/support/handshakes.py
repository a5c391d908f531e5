"""TLS handshakes in memory, with whatever protocol and cipher OpenSSL still knows."""

import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from twisted.internet.testing import StringTransport

#: Everything, however weak.
_ALL = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"

OLD = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
NEW = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)

#: Our end of a connection, made anew.
Ours = Callable[[], Any]


def context_of(
    server_side: bool, version: ssl.TLSVersion, ciphers: str = _ALL
) -> ssl.SSLContext:
    """A peer that speaks one version, and only with these ciphers of TLS 1.2."""
    side = ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT
    context = ssl.SSLContext(side)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(ciphers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.maximum_version = version
        context.minimum_version = version
    return context


def known_ciphers() -> Iterator[str]:
    """The names of all suites of TLS 1.2 and before."""
    for cipher in context_of(False, ssl.TLSVersion.TLSv1_2).get_ciphers():
        if cipher["protocol"] != "TLSv1.3":
            yield cipher["name"]


def agreed(context: ssl.SSLContext, ours: Ours) -> tuple[str, str] | None:
    """The version and the cipher of a handshake with our end; None when there is none.

    The peer is a server when our end is a client, and the other way round.
    """
    protocol, transport = ours(), StringTransport()
    protocol.makeConnection(transport)
    to_peer, from_peer = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = context.protocol == ssl.PROTOCOL_TLS_SERVER
    name = None if server_side else "localhost"
    peer = context.wrap_bio(
        to_peer, from_peer, server_side=server_side, server_hostname=name
    )
    for _ in range(10):
        to_peer.write(transport.value())
        transport.clear()
        try:
            peer.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            return None
        else:
            return _said(peer, protocol, transport, to_peer, from_peer)
        if data := from_peer.read():
            protocol.dataReceived(data)
        if transport.disconnecting and not transport.value():
            return None
    raise AssertionError("the handshake does not end")


def _said(
    peer: ssl.SSLObject,
    protocol: Any,
    transport: StringTransport,
    to_peer: ssl.MemoryBIO,
    from_peer: ssl.MemoryBIO,
) -> tuple[str, str] | None:
    """What the peer takes for agreed, unless our end refuses it at last."""
    if data := from_peer.read():
        protocol.dataReceived(data)
    to_peer.write(transport.value())
    with suppress(ssl.SSLWantReadError):
        try:
            peer.read(1)
        except ssl.SSLWantReadError:
            raise
        except ssl.SSLError:
            return None
    cipher, version = peer.cipher(), peer.version()
    assert cipher is not None
    assert version is not None
    return version, cipher[0]


def certificate(folder: Path, kind: str) -> tuple[Path, Path]:
    """A certificate of its own authority for ``localhost``, and its key.

    :param kind: ``rsa`` or ``ec``.
    """
    key: Any = ec.generate_private_key(ec.SECP256R1())
    if kind == "rsa":
        key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{kind}.crt", folder / f"{kind}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths
