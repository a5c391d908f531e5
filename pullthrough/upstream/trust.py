"""Whom we trust: the platform's certificate authorities, and a bundle beside them."""

import re

from OpenSSL import SSL, crypto
from twisted.internet._sslverify import IOpenSSLTrustRoot
from twisted.internet.ssl import platformTrust
from zope.interface import implementer

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
        # one method of its trust roots; tests/upstream/test_trust.py fails when it
        # moves.
        self._platform._addCACertsToContext(context)
        store = context.get_cert_store()
        if store is None:
            raise TrustError("the TLS context keeps no certificates")
        for certificate in self._more:
            store.add_cert(certificate)
