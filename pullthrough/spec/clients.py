"""What clients are to be told of a connector: Docker, containerd, podman, Kubespray.

Pure text, without secrets. What a client makes of its file is told beside it.
"""

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

HUB = "docker.io"

#: Kubespray's variables for the registries that its images come from.
_KUBESPRAY = {
    "kube_image_repo": "registry.k8s.io",
    "gcr_image_repo": "gcr.io",
    "docker_image_repo": HUB,
    "quay_image_repo": "quay.io",
    "github_image_repo": "ghcr.io",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A registry that can be had through a connector.

    :ivar name: as it stands in names of images: HOST, HOST:PORT, either with a path.
    :ivar server: its URL, for a client that asks it itself.
    """

    name: str
    server: str

    @property
    def plain(self) -> bool:
        """Whether it speaks HTTP without TLS."""
        return self.server.startswith("http:")


@dataclass(frozen=True, slots=True)
class ClientConnector:
    """A connector as clients see it.

    :ivar kind: ``hosted``, ``proxy``, ``group``, or ``main`` for the one connector
        where each has a path; it stands in for no other registry.
    :ivar repository: empty where it is the main one.
    :ivar where: HOST:PORT; empty when it is reached over a Unix socket.
    :ivar secure: whether it speaks TLS.
    :ivar mirror: whether it is meant as a mirror.
    :ivar anonymous: whether anybody may pull.
    :ivar writable: whether it takes pushes.
    :ivar sources: what it fetches from, in its order.
    :ivar notes: what else is to be known, for people.
    """

    repository: str
    kind: str
    where: str
    secure: bool = False
    mirror: bool = False
    anonymous: bool = False
    writable: bool = False
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self.secure else 'http'}://{self.where}"

    @property
    def hosts(self) -> tuple[Source, ...]:
        """The sources that have no path: containerd knows registries by their hosts."""
        return tuple(one for one in self.sources if "/" not in one.name)


@dataclass(frozen=True, slots=True)
class ClientFile:
    """A file of a client's, or part of one."""

    path: str
    text: str
    notes: tuple[str, ...] = ()


def client_text(connectors: Iterable[ClientConnector]) -> str:
    """The files for each connector, in sections that begin with ``# ----`` and a path;
    each line that belongs to no file begins with ``#``."""
    lines = [
        "# Settings of clients, for each connector. Take the sections of the connector",
        "# that they are to use. A section is a file, or what belongs into it.",
    ]
    for one in connectors:
        notes = (*one.notes, *_without_password(one))
        lines += ["", f"# ==== {_title(one)} ====", *_comments(notes)]
        if not one.where:
            continue
        for file in client_files(one):
            lines += ["", f"# ---- {file.path}", *_comments(file.notes)]
            lines += file.text.splitlines()
    return "\n".join(lines) + "\n"


def _title(one: ClientConnector) -> str:
    what = f"{one.kind} repository {one.repository}"
    if not one.repository:
        what = "main connector"
    return f"{one.url}: {what}" if one.where else what


def _comments(notes: Sequence[str]) -> list[str]:
    return [line for note in notes for line in _wrapped(note)]


def _wrapped(note: str) -> list[str]:
    return textwrap.wrap(
        note,
        88,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _without_password(one: ClientConnector) -> tuple[str, ...]:
    if one.anonymous or not one.sources:
        return ()
    return (
        "it asks for a password, and where it stands in for another registry most"
        " clients have none: role = mirror with anonymous_access = yes serves them",
    )


def client_files(one: ClientConnector) -> list[ClientFile]:
    """The files for one connector that is reached over TCP."""
    return [_docker(one), *_containerd(one), _containers(one), _kubespray(one)]


# -- Docker --


def _docker(one: ClientConnector) -> ClientFile:
    """``daemon.json``: HOST:PORT without a scheme, a mirror with one and without a
    path, which Docker before 28 refuses. Mirrors serve Docker Hub only."""
    settings: dict[str, list[str]] = {}
    notes = ["Docker; systemctl restart docker"]
    if not one.secure:
        settings["insecure-registries"] = [one.where]
    else:
        notes.append(
            "where a private authority has signed the certificate, its own goes to"
            f" /etc/docker/certs.d/{one.where}/ca.crt"
        )
    if _mirrors_hub(one):
        settings["registry-mirrors"] = [one.url]
    text = json.dumps(settings, indent=2)
    return ClientFile("/etc/docker/daemon.json", text, tuple(notes))


def _mirrors_hub(one: ClientConnector) -> bool:
    return one.mirror and any(source.name == HUB for source in one.sources)


# -- containerd --


def _containerd(one: ClientConnector) -> Iterator[ClientFile]:
    """``hosts.toml``: one for the connector's own name, one for each upstream, and for
    a group one for all of them."""
    folder = "/etc/containerd/certs.d"
    notes = (
        f'containerd, with config_path = "{folder}" in its config.toml; Docker with'
        " containerd's image store takes the same in /etc/docker/certs.d",
    )
    own = ["pull", "resolve", *(["push"] if one.writable else [])]
    text = f"server = {_quoted(one.url)}\n\n{_host(one, own)}"
    yield ClientFile(f"{folder}/{one.where}/hosts.toml", text, notes)
    for source in one.hosts:
        text = f"server = {_quoted(source.server)}\n\n{_host(one, ['pull', 'resolve'])}"
        yield ClientFile(f"{folder}/{source.name}/hosts.toml", text)
    if one.kind == "group" and one.sources:
        yield ClientFile(
            f"{folder}/_default/hosts.toml",
            _host(one, ["pull", "resolve"]),
            (
                "instead of one for each upstream: containerd tells with ?ns=HOST which"
                " it means, and goes to that itself where this one cannot help",
            ),
        )


def _host(one: ClientConnector, capabilities: list[str]) -> str:
    lines = [
        f"[host.{_quoted(one.url)}]",
        f"  capabilities = {json.dumps(capabilities)}",
    ]
    if one.secure:
        lines += [
            "  # where a private authority has signed the certificate:",
            f'  # ca = "/etc/containerd/certs.d/{one.where}/ca.crt"',
            "  skip_verify = false",
        ]
    return "\n".join(lines)


# -- podman, CRI-O, skopeo, buildah --


def _containers(one: ClientConnector) -> ClientFile:
    """``registries.conf``, version 2; a prefix may have a path."""
    parts = [_registry(one.where, not one.secure, [])]
    mirror = [
        "",
        "[[registry.mirror]]",
        f"location = {_quoted(one.where)}",
        f"insecure = {json.dumps(not one.secure)}",
    ]
    parts += [_registry(source.name, source.plain, mirror) for source in one.sources]
    notes = ["podman, CRI-O, skopeo, buildah"]
    if len(one.sources) > 1:
        notes.append(
            "they do not say which upstream they mean: a name that several have comes"
            " from the first member that has it"
        )
    return ClientFile(
        f"/etc/containers/registries.conf.d/{one.repository or one.kind}.conf",
        "\n\n".join(parts),
        tuple(notes),
    )


def _registry(name: str, insecure: bool, mirror: list[str]) -> str:
    lines = [
        "[[registry]]",
        f"prefix = {_quoted(name)}",
        f"location = {_quoted(name)}",
        f"insecure = {json.dumps(insecure)}",
        *mirror,
    ]
    return "\n".join(lines)


# -- Kubespray --


def _kubespray(one: ClientConnector) -> ClientFile:
    """Variables of its inventory: where its own images come from, and what it writes
    into the files of the container engine that it installs."""
    have = {source.name for source in one.sources}
    lines = [f"registry_host: {_quoted(one.where)}"]
    for variable, name in _KUBESPRAY.items():
        line = f'{variable}: "{{{{ registry_host }}}}"'
        if name not in have:
            line = f"# {line}  # once the images of {name} are pushed here"
        lines.append(line)
    plain = [] if one.secure else [one.where]
    mirrored = [(one.where, one.url)] if plain else []
    mirrored += [(source.name, one.url) for source in one.hosts]
    lines += ["", "# container_manager: containerd"]
    lines += _list("containerd_registries_mirrors", map(_containerd_mirror, mirrored))
    lines += ["", "# container_manager: docker"]
    lines += _list("docker_insecure_registries", ([_quoted(name)] for name in plain))
    urls = [one.url] if _mirrors_hub(one) else []
    lines += _list("docker_registry_mirrors", ([_quoted(url)] for url in urls))
    lines += ["", "# container_manager: crio"]
    lines += _list("crio_insecure_registries", ([_quoted(name)] for name in plain))
    lines += _list(
        "crio_registries", (_crio_mirror(one, source) for source in one.sources)
    )
    return ClientFile("inventory/CLUSTER/group_vars/all/registry.yml", "\n".join(lines))


def _containerd_mirror(pair: tuple[str, str]) -> list[str]:
    name, url = pair
    return [
        f"prefix: {_quoted(name)}",
        "mirrors:",
        f"  - host: {_quoted(url)}",
        '    capabilities: ["pull", "resolve"]',
        "    skip_verify: false",
    ]


def _crio_mirror(one: ClientConnector, source: Source) -> list[str]:
    return [
        f"prefix: {_quoted(source.name)}",
        f"location: {_quoted(source.name)}",
        f"insecure: {json.dumps(source.plain)}",
        "blocked: false",
        "unqualified: false",
        "mirrors:",
        f"  - location: {_quoted(one.where)}",
        f"    insecure: {json.dumps(not one.secure)}",
    ]


def _list(name: str, items: Iterable[list[str]]) -> list[str]:
    """A YAML list, each item of one or more lines."""
    lines = []
    for item in items:
        lines.append(f"  - {item[0]}")
        lines += [f"    {line}" for line in item[1:]]
    return [f"{name}:", *lines] if lines else [f"{name}: []"]


def _quoted(text: str) -> str:
    """A string in TOML and in YAML, which both take JSON's."""
    return json.dumps(text)
