"""Who is at the other end of a transport, as text."""

from typing import Any

from twisted.internet.interfaces import IAddress, ISSLTransport


def address_text(address: IAddress, port: bool = False) -> str:
    """``HOST``, or ``HOST:PORT``; ``unix`` where there is none."""
    host = getattr(address, "host", None)
    if host is None:
        return "unix"
    if not port:
        return str(host)
    number = getattr(address, "port", 0)
    return f"[{host}]:{number}" if ":" in host else f"{host}:{number}"


def certificate_name(transport: Any) -> str:
    """The name (CN) in the peer's certificate; empty without one."""
    if not ISSLTransport.providedBy(transport):
        return ""
    found: Any = transport.getPeerCertificate()
    name = found.get_subject().CN if found is not None else ""
    return name if name and name.isprintable() else ""
