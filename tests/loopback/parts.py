"""The real programs of the end-to-end tests: their configurations and starts."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.loopback.world import ADDRESS, Running, World, htpasswd, missing
from tests.support.pki import Authority

HUB = "hub.test:5643"
GROUP = f"{ADDRESS}:5000"
HOSTED = f"{ADDRESS}:5001"
PROXY = f"{ADDRESS}:5002"

#: Docker's media type of the manifest of one image.
SCHEMA2 = "application/vnd.docker.distribution.manifest.v2+json"

#: All types of manifests that the tests have.
MANIFESTS = (
    SCHEMA2,
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)

UPSTREAM_USER = "up"
UPSTREAM_PASSWORD = "up-secret"
USER = "alice"
PASSWORD = "s3cret"

_REGISTRY = """
version: 0.1
log: {{accesslog: {{disabled: false}}, level: info}}
storage: {{filesystem: {{rootdirectory: {data}}}, delete: {{enabled: true}}}}
http:
  addr: "{address}"
  secret: x
  tls: {{certificate: {certificate}, key: {key}}}
auth: {{htpasswd: {{realm: hub, path: {users}}}}}
compatibility: {{schema1: {{enabled: true}}}}
validation: {{manifests: {{urls: {{allow: [".*"]}}}}}}
"""

_CONFIG = """
[pullthrough]
data = {data}
; All clients have one address here.
transfers_per_client = 1000

[http]
proxy = {egress}
trust = {trust}
timeout = 10s
retries = 1

[auth]
htpasswd = {users}

[repository:own]
type = hosted
http_port = tcp:5001

[repository:hub]
type = proxy
http_port = tcp:5002
remote_url = https://{hub}
username = {upstream_user}
password = {upstream_password}
library = yes

[repository:all]
type = group
http_port = tcp:5000
member_names = own, hub
writable_member = own
force_basic_auth = {force}
v1_enabled = yes
"""


@dataclass
class Upstream:
    """Debian's docker-registry over TLS with a private authority and a password.

    :ivar name: of its folder; each has images of its own.
    :ivar host: what it is called in the namespace; by default they share a port.
    """

    world: World
    authority: Authority
    name: str = "hub"
    host: str = "hub.test"
    address: str = ADDRESS
    port: int = 5643

    def __post_init__(self) -> None:
        folder = self.world.folder
        certificate, key = self.authority.issue(self.host)
        self.data = folder / self.name
        self._users = folder / f"{self.name}.users"
        self._config = folder / f"{self.name}.yml"
        self._config.write_text(
            _REGISTRY.format(
                address=f"{self.address}:{self.port}",
                data=self.data,
                certificate=certificate,
                key=key,
                users=self._users,
            )
        )

    def start(self, password: str = UPSTREAM_PASSWORD) -> Running:
        """Start it; what was pushed before is still there."""
        htpasswd(self._users, **{UPSTREAM_USER: password})
        return self.world.start(
            self.name,
            *("docker-registry", "serve", str(self._config)),
            port=self.port,
            address=self.address,
        )

    @property
    def url(self) -> str:
        """Where it is."""
        return f"https://{self.host}:{self.port}"

    def fill(self, *options: str) -> str:
        """Push images into it."""
        return self.world.python(
            "testbed/make_images.py",
            "--push",
            self.url,
            "--user",
            f"{UPSTREAM_USER}:{UPSTREAM_PASSWORD}",
            "--ca",
            str(self.authority.certificate),
            *options,
        )

    def put(self, folder: Path, image: str) -> None:
        """Push one image, of a folder in skopeo's layout."""
        self.world.run(
            *("skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false"),
            *("--dest-creds", f"{UPSTREAM_USER}:{UPSTREAM_PASSWORD}", f"dir:{folder}"),
            f"docker://{self.host}:{self.port}/{image}",
        )

    def has(self, path: str) -> bool:
        """Whether it answers 200 to a path."""
        # It would turn an image into schema 1 for who does not say otherwise.
        accept = ("-H", f"Accept: {', '.join(MANIFESTS)}")
        shown = ("-o", "/dev/null", "-w", "%{http_code}")
        code = self._curl(*accept, *shown, path=path)
        return code == "200"

    def manifest(self, image: str, tag: str) -> str:
        """A manifest of Docker's schema 2, asked of it past us."""
        path = f"/v2/{image}/manifests/{tag}"
        return self._curl("-f", "-H", f"Accept: {SCHEMA2}", path=path)

    def move(self, image: str, source: str, tag: str) -> str:
        """Let a tag stand for what another tag of the image does; its manifest."""
        body = self.manifest(image, source)
        sent = ("-f", "-X", "PUT", "-H", f"Content-Type: {SCHEMA2}", "-d", body)
        self._curl(*sent, path=f"/v2/{image}/manifests/{tag}")
        return body

    def blob(self, digest: str) -> Path:
        """The file in which it keeps content."""
        algorithm, _, name = digest.partition(":")
        blobs = self.data / "docker/registry/v2/blobs"
        return blobs / algorithm / name[:2] / name / "data"

    def _curl(self, *options: str, path: str) -> str:
        return self.world.curl(
            "--cacert",
            str(self.authority.certificate),
            "-u",
            f"{UPSTREAM_USER}:{UPSTREAM_PASSWORD}",
            *options,
            f"{self.url}{path}",
        )


def daemon(
    world: World,
    authority: Authority,
    name: str,
    egress: str = "direct",
    force: str = "no",
) -> Running:
    """Our daemon: a hosted repository, a proxy of the upstream, a group of both."""
    users = htpasswd(world.folder / "users", **{USER: PASSWORD})
    config = _CONFIG.format(
        data=world.folder / f"{name}.data",
        egress=egress,
        trust=authority.certificate,
        users=users,
        hub=HUB,
        upstream_user=UPSTREAM_USER,
        upstream_password=UPSTREAM_PASSWORD,
        force=force,
    )
    return world.daemon(name, config, 5000)


def tinyproxy(world: World) -> Running:
    """An HTTP proxy with a password."""
    config = world.folder / "tinyproxy.conf"
    config.write_text(
        f"Port 3129\nListen {ADDRESS}\nMaxClients 100\nLogLevel Connect\n"
        "BasicAuth pxuser pxpass\nAllow 0.0.0.0/0\nConnectPort 5643\n"
    )
    return world.start("tinyproxy", "tinyproxy", "-d", "-c", str(config), port=3129)


def microsocks(world: World) -> Running:
    """A SOCKS5 proxy with a password."""
    return world.start(
        "microsocks",
        *("microsocks", "-i", ADDRESS, "-p", "1080", "-u", "pxuser", "-P", "pxpass"),
        port=1080,
    )


def v2ray(world: World) -> Running:
    """V2Ray with a SOCKS and an HTTP port."""

    def inbound(port: int, protocol: str, settings: object) -> object:
        return {
            "listen": "0.0.0.0",
            "port": port,
            "protocol": protocol,
            "settings": settings,
        }

    account = [{"user": "pxuser", "pass": "pxpass"}]
    config = world.folder / "v2ray.json"
    config.write_text(
        json.dumps(
            {
                "log": {"loglevel": "info"},
                "inbounds": [
                    inbound(1090, "socks", {"auth": "noauth", "udp": False}),
                    inbound(1091, "socks", {"auth": "password", "accounts": account}),
                    inbound(1092, "http", {"accounts": account}),
                ],
                "outbounds": [{"protocol": "freedom", "settings": {}}],
            }
        )
    )
    return world.start("v2ray", "v2ray", "-config", str(config), port=1092)


#: The ways out: the program, its start, and the URL that leads to it.
WAYS: dict[str, tuple[str, Callable[[World], Running], str]] = {
    "tinyproxy": ("tinyproxy", tinyproxy, "http://pxuser:pxpass@proxy.test:3129"),
    "microsocks": ("microsocks", microsocks, "socks5://pxuser:pxpass@proxy.test:1080"),
    "v2ray-http": ("v2ray", v2ray, "http://pxuser:pxpass@proxy.test:1092"),
    "v2ray-socks": ("v2ray", v2ray, "socks5://proxy.test:1090"),
    "v2ray-password": ("v2ray", v2ray, "socks5://pxuser:pxpass@proxy.test:1091"),
}


def open_way(world: World, way: str) -> tuple[Running, str]:
    """Start an egress proxy; the test is skipped where there is none."""
    program, start, egress = WAYS[way]
    if reason := missing(program):
        pytest.skip(reason)
    return start(world), egress
