"""The connectors of a configuration as clients see them."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from pullthrough.config.model import Connector, Kind, Remote, Repository, Settings
from pullthrough.spec.clients import HUB, ClientConnector, Source, client_text

_TCP = re.compile(r"tcp6?:([0-9]+)")
_INTERFACE = re.compile(r":interface=((?:\\.|[^:\\])+)")

#: In place of a port that the configuration does not tell.
UNKNOWN_PORT = "PORT"


def settings_of_clients(settings: Settings, host: str) -> str:
    """What to paste into the files of clients, for every connector.

    :param host: the name by which clients reach this machine.
    """
    return client_text(_connectors(settings, f"[{host}]" if ":" in host else host))


def _connectors(settings: Settings, host: str) -> Iterator[ClientConnector]:
    hosted = any(one.kind is Kind.HOSTED for one in settings.repositories)
    for connector in settings.admin:
        port, notes = _place(connector)
        yield ClientConnector(
            repository="",
            kind="main",
            where=f"{host}:{port}" if port else "",
            secure=connector.scheme == "https",
            writable=hosted,
            notes=(f"every repository: {host}:{port}/REPOSITORY/IMAGE:TAG", *notes),
        )
    known = {one.name: one for one in settings.repositories}
    open_to_all = settings.auth.anonymous_access
    for one in settings.repositories:
        sources = tuple(dict.fromkeys(_sources(one, known)))
        for connector in one.connectors:
            port, notes = _place(connector)
            yield ClientConnector(
                repository=one.name,
                kind=one.kind.value,
                where=f"{host}:{port}" if port else "",
                secure=connector.scheme == "https",
                mirror=one.mirror,
                anonymous=open_to_all and not one.force_basic_auth,
                writable=one.kind is Kind.HOSTED or bool(one.writable_member),
                sources=sources,
                notes=(*_members(one), *notes),
            )


def _place(connector: Connector) -> tuple[str, tuple[str, ...]]:
    """The port, empty without one, and what is to be known of it."""
    description = connector.description
    if description.startswith("unix:"):
        path = description.split(":")[1]
        return "", (
            f"the Unix socket {path}: clients are told of whatever stands in front",
        )
    match = _TCP.match(description)
    port = match[1] if match else "0"
    notes = []
    found = _INTERFACE.search(description)
    address = found[1].replace("\\", "") if found else ""
    if address.startswith("127.") or address == "::1":
        notes.append(f"it listens on {address}: nobody else reaches it")
    if port == "0":
        notes.append(f"instead of {UNKNOWN_PORT} say the port that {description} has")
        port = UNKNOWN_PORT
    return port, tuple(notes)


def _members(one: Repository) -> tuple[str, ...]:
    return (f"members: {', '.join(one.member_names)}",) if one.member_names else ()


def _sources(one: Repository, known: Mapping[str, Repository]) -> Iterator[Source]:
    """What a repository and its members fetch from, in their order."""
    if one.remote is not None:
        yield _source(one.remote)
    for name in one.member_names:
        yield from _sources(known[name], known)


def _source(remote: Remote) -> Source:
    if HUB in remote.namespaces:
        return Source(HUB, "https://registry-1.docker.io")
    parts = urlsplit(remote.url)
    host = parts.netloc or parts.path
    name = remote.namespaces[0] if remote.namespaces else host
    return Source(f"{name}{parts.path}", f"{parts.scheme}://{host}")
