"""Whom we trust: the platform's certificate authorities, and a bundle beside them."""

import re

from OpenSSL import SSL, crypto
from twisted.internet._sslverify import IOpenSSLTrustRoot
from twisted.internet.ssl import PrivateCertificate, platformTrust
from zope.interface import implementer

from pullthrough.spec.origins import Origin

_PEM = re.compile(b"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class TrustError(ValueError):
    """A bundle that cannot be used."""


@implementer(IOpenSSLTrustRoot)
class Trust:
    """The platform's authorities and those of a PEM bundle.

    :param bundle: PEM certificates, one after the other; may be empty.
    :raises TrustError: when something in the bundle is no certificate.
    """

    def __init__(self, bundle: bytes) -> None:
        self._platform = platformTrust()
        try:
            self._more = [
                crypto.load_certificate(crypto.FILETYPE_PEM, pem)
                for pem in _PEM.findall(bundle)
            ]
        except crypto.Error as error:
            raise TrustError("a certificate in the bundle cannot be read") from error
        if bundle and not self._more:
            raise TrustError("the bundle has no certificate")

    def _addCACertsToContext(self, context: SSL.Context) -> None:
        # Twisted has no public way to add authorities to the platform's. This is the
        # one method of its trust roots; tests/upstream/test_egress.py fails when it
        # moves.
        self._platform._addCACertsToContext(context)
        store = context.get_cert_store()
        if store is None:
            raise TrustError("the TLS context keeps no certificates")
        for certificate in self._more:
            store.add_cert(certificate)


class ClientCertificate:
    """A certificate of ours, and the one origin that it is shown to.

    :param pem: the certificate and its key.
    :raises TrustError: when it cannot be used.
    """

    def __init__(self, origin: Origin, pem: bytes) -> None:
        self._origin = origin
        try:
            self._certificate = PrivateCertificate.loadPEM(pem)
        except (crypto.Error, ValueError) as error:
            raise TrustError("a client certificate cannot be used") from error

    def to(self, host: str, port: int) -> PrivateCertificate | None:
        """The certificate, if that is where it is shown."""
        there = (host.lower(), port) == (self._origin.host, self._origin.port)
        return self._certificate if there else None
