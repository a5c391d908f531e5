"""Five servers that lead a client to each other: a registry, its token realm, a CDN, an
evil realm, and a host of foreign layers.

The registry is reached by several paths, and what it does follows from the first part
of an image's name.
"""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from pullthrough.spec.digest import Digest
from pullthrough.spec.mediatypes import OCI_INDEX
from tests.support.images import MadeImage, make_image
from tests.support.pki import Authority
from tests.support.recorders import Asked, Recorder, Reply

#: The two that the configuration pins, and the others.
REGISTRY, REALM = "registry.pinned.test", "auth.pinned.test"
CDN, EVIL, FOREIGN = "cdn.elsewhere.test", "evil.test", "foreign.test"
PINNED = frozenset({REGISTRY, REALM})

#: Names that look like the pinned ones; all are the evil one's.
LOOKALIKES = (
    *("auth.pinned.test.evil.test", "authpinned.test", "auth.xpinned.test"),
    *("pinned.test.evil.test", "auth-pinned.test", "pinned.evil.test"),
)

#: Where each is.
ADDRESSES = {
    REGISTRY: "127.0.0.2",
    REALM: "127.0.0.3",
    CDN: "127.0.0.4",
    EVIL: "127.0.0.5",
    FOREIGN: "127.0.0.6",
    **dict.fromkeys(LOOKALIKES, "127.0.0.5"),
}

#: What must stay where it belongs.
USER, PASSWORD = "canary-user", "canary-password"
TOKEN, STATIC = "canary-token", "canary-static"

#: What an image's name begins with, and the statuses of its manifest and its layer.
SCENARIOS: dict[str, tuple[int, int]] = {
    "plain": (200, 200),
    "both": (200, 200),
    # the realm
    "evil": (200, 200),
    "query": (200, 200),
    "path": (200, 200),
    "number": (200, 200),
    **{f"like-{number}": (200, 200) for number in range(len(LOOKALIKES))},
    "user": (502, 502),
    "login": (502, 502),
    "slash": (502, 502),
    "moved": (502, 502),
    "changed": (200, 200),
    # redirects
    "cdn": (200, 200),
    "round": (200, 200),
    "asks": (200, 404),
    "back": (200, 404),
    "evil-blob": (200, 200),
    "short": (200, 200),
    "named": (200, 502),
    "manifest": (200, 200),
    "lists": (200, 200),
    "foreign": (200, 200),
}

#: Leads from TLS to where anybody can listen.
CLEAR = ("clear", "cleartext")


def layer_of(scenario: str) -> bytes:
    """The layer of an image; each has its own, so that none is there already."""
    return f"the layer of {scenario}".encode() * 100


def image_of(scenario: str) -> MadeImage:
    """An image."""
    config = f'{{"architecture":"amd64","author":"{scenario}"}}'.encode()
    return make_image(layer_of(scenario), config=config)


_IMAGES = {name: image_of(name) for name in (*SCENARIOS, *CLEAR)}
_BLOBS = {
    str(digest): content
    for made in _IMAGES.values()
    for digest, content in made.blobs.items()
}
_FOREIGN_LAYER = str(Digest.of(layer_of("foreign")))

_JSON = {"Content-Type": "application/json"}
_FOREIGN_TYPE = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"


class Five:
    """The servers, while they run.

    :param scheme: ``http``, or ``https`` with certificates of an authority.
    """

    def __init__(self, scheme: str, folder: Path) -> None:
        self.scheme = scheme
        self.authority = Authority(folder)
        answers: dict[str, Callable[[Asked], Reply]] = {
            REGISTRY: self._registry,
            REALM: self._realm,
            CDN: self._cdn,
            EVIL: self._evil,
            FOREIGN: self._foreign,
        }
        self.servers: dict[str, Recorder] = {}
        for name, answer in answers.items():
            names = (name, *LOOKALIKES, ADDRESSES[name]) if name == EVIL else (name,)
            pair = self.authority.issue(*names) if scheme == "https" else None
            self.servers[name] = Recorder(ADDRESSES[name], answer, pair)
        # A server of the realm's host that anybody on the way can listen to.
        self.clear = Recorder(ADDRESSES[REALM], self._realm)

    def close(self) -> None:
        """End them."""
        for server in (*self.servers.values(), self.clear):
            server.close()

    def url(self, name: str, path: str = "", host: str = "") -> str:
        """A URL at a server; perhaps by another of its names."""
        return f"{self.scheme}://{host or name}:{self.servers[name].port}{path}"

    def seen_by(self, secret: str) -> set[str]:
        """Which servers have seen a secret."""
        found = {name for name, one in self.servers.items() if one.has_seen(secret)}
        return found | ({"in the clear"} if self.clear.has_seen(secret) else set())

    # -- what they say --

    def realms(self, scenario: str) -> str:
        """The realm that the registry names."""
        _, _, number = scenario.partition("-")
        port = self.servers[EVIL].port
        evil = f"{self.scheme}://{EVIL}:{port}/token"
        plain = f"http://{REALM}:{self.clear.port}/token"
        odd: Mapping[str, str] = {
            "evil": evil,
            "query": f"{evil}?realm={self.url(REALM, '/token')}",
            "path": f"{self.scheme}://{EVIL}:{port}/{REALM}/token",
            "user": f"{self.scheme}://{REALM}@{EVIL}:{port}/token",
            "login": f"{self.scheme}://{REALM}:443@{EVIL}:{port}/token",
            "slash": f"{self.scheme}://{EVIL}:{port}\\@{REALM}/token",
            "number": f"{self.scheme}://127.0.0.5:{port}/token",
            "moved": self.url(REALM, "/moved"),
            "clear": plain,
        }
        if scenario.startswith("like-"):
            return self.url(EVIL, "/token", LOOKALIKES[int(number)])
        return odd.get(scenario, self.url(REALM, "/token"))

    def _registry(self, asked: Asked) -> Reply:
        path = asked.path.partition("?")[0]
        lead, slash, rest = path.partition("/v2/")
        if path.startswith("/open/"):
            return 200, {}, _BLOBS[path.removeprefix("/open/")]
        if lead == "/down":
            return 503, {}, b""
        if not slash:
            return 404, _JSON, b'{"errors":[{"code":"UNSUPPORTED"}]}'
        scenario = rest.partition("/")[0]
        kind, _, reference = rest.partition("/app/")[2].partition("/")
        if not self._knows(asked.authorization, lead, scenario, kind):
            return 401, {"WWW-Authenticate": self._challenge(lead, scenario, kind)}, b""
        return self._serve(scenario, kind, reference)

    def _knows(self, authorization: str, lead: str, scenario: str, kind: str) -> bool:
        scheme, _, text = authorization.partition(" ")
        if lead == "/basic":
            pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            return (scheme, text) == ("Basic", pair)
        if lead == "/static":
            return text == STATIC
        if scenario == "changed" and kind == "blobs":
            return text.startswith("evil-token")
        return scheme == "Bearer" and "token" in text

    def _challenge(self, lead: str, scenario: str, kind: str) -> str:
        if lead == "/basic":
            return 'Basic realm="registry"'
        realm = self.realms(scenario)
        if scenario == "changed" and kind == "blobs":
            realm = self.realms("evil")
        both = ', Basic realm="registry"' if scenario == "both" else ""
        return f'Bearer realm="{realm}",service="registry"{both}'

    def _serve(self, scenario: str, kind: str, reference: str) -> Reply:
        there = "/open/" if scenario == "round" else f"/{scenario}/"
        if kind == "manifests":
            if scenario == "manifest":
                return 307, {"Location": self.url(EVIL, "/manifest")}, b""
            return self._manifest(scenario)
        if kind == "blobs":
            where = self._where(scenario, there, reference)
            if where:
                return 307, {"Location": where}, b""
            if scenario == "foreign" and reference == _FOREIGN_LAYER:
                return 404, _JSON, b'{"errors":[{"code":"BLOB_UNKNOWN"}]}'
            return 200, {}, _BLOBS[reference]
        if scenario == "lists":
            return 307, {"Location": self.url(EVIL, f"/{kind}")}, b""
        link = f'<{self.url(EVIL, f"/{kind}")}?last=1>; rel="next"'
        if kind == "tags":
            return 200, {**_JSON, "Link": link}, b'{"name":"app","tags":["1"]}'
        headers = {"Content-Type": OCI_INDEX, "Link": link}
        return 200, headers, b'{"schemaVersion":2,"manifests":[]}'

    def _where(self, scenario: str, there: str, reference: str) -> str:
        """Where a blob is; empty: here."""
        evil = self.servers[EVIL].port
        return {
            "cdn": self.url(CDN, f"{there}{reference}"),
            "round": self.url(CDN, f"/round/{reference}"),
            "asks": self.url(CDN, f"/asks/{reference}"),
            "back": self.url(CDN, f"/back/{reference}"),
            "evil-blob": self.url(EVIL, f"/blob/{reference}"),
            "short": f"//{EVIL}:{evil}/blob/{reference}",
            "named": f"{self.scheme}://{REGISTRY}@{EVIL}:{evil}/blob/{reference}",
            "cleartext": f"http://{REALM}:{self.clear.port}/blob/{reference}",
        }.get(scenario, "")

    def _manifest(self, scenario: str) -> Reply:
        made = _IMAGES[scenario]
        body = made.manifest
        if scenario == "foreign":
            document = json.loads(body)
            layer = document["layers"][0]
            layer["mediaType"] = _FOREIGN_TYPE
            layer["urls"] = [
                self.url(FOREIGN, path) for path in ("/asks", "/evil", "/moved")
            ]
            body = json.dumps(document).encode()
        return 200, {"Content-Type": made.media_type}, body

    def _realm(self, asked: Asked) -> Reply:
        if asked.path.startswith("/moved"):
            return 307, {"Location": self.url(EVIL, "/token")}, b""
        number = len(self.servers[REALM].heads)
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        ours = asked.authorization == f"Basic {pair}"
        token = f"{TOKEN}-{number}" if ours else f"nobodys-token-{number}"
        return 200, _JSON, json.dumps({"token": token}).encode()

    def _cdn(self, asked: Asked) -> Reply:
        _, what, reference = asked.path.partition("?")[0].split("/", 2)
        if what == "v2":  # it is also the second registry of a repository
            scenario, _, rest = reference.partition("/app/")
            if rest.startswith("manifests"):
                return self._manifest(scenario)
            return 200, {}, _BLOBS.get(rest.rpartition("/")[2], b"{}")
        if what == "round":
            return 307, {"Location": self.url(REGISTRY, f"/open/{reference}")}, b""
        if what == "back":
            there = self.url(REGISTRY, f"/v2/back/app/blobs/{reference}")
            return 307, {"Location": there}, b""
        if what == "asks":
            challenge = (
                'Basic realm="cdn", '
                f'Bearer realm="{self.realms("evil")}",service="cdn", '
                f'Bearer realm="{self.realms("")}",service="cdn"'
            )
            return 401, {"WWW-Authenticate": challenge}, b""
        return 200, {}, _BLOBS[reference]

    def _evil(self, asked: Asked) -> Reply:
        path = asked.path.partition("?")[0]
        if path.endswith("/token"):
            return 200, _JSON, b'{"token": "evil-token"}'
        if path == "/manifest":
            return self._manifest("manifest")
        found = _BLOBS.get(path.rpartition("/")[2])
        return (200, {}, found) if found else (404, _JSON, b"{}")

    def _foreign(self, asked: Asked) -> Reply:
        if asked.path == "/moved":
            return 307, {"Location": self.url(CDN, f"/blob/{_FOREIGN_LAYER}")}, b""
        realm = self.realms("evil" if asked.path == "/evil" else "")
        challenge = f'Bearer realm="{realm}",service="x"'
        if asked.path == "/asks":
            challenge = f'Basic realm="x", {challenge}'
        return 401, {"WWW-Authenticate": challenge}, b""
