"""What clients are told: right for each kind of connector, and never a secret."""

import json
import tomllib
from typing import Any

from pullthrough.config.clients import settings_of_clients
from tests.config.test_ini import ConfigCase
from tests.support.pki import Authority

_FILE = "# ---- "

CONFIG = """
[pullthrough]
tls_certificate = registry.test.crt
tls_key = registry.test.key
[http]
proxy = http://egress-user:egress-secret@127.0.0.1:3128
[admin]
http_port = 8081
[auth]
anonymous_access = yes
[repository:own]
type = hosted
http_port = 8090
https_port = tcp:8490:interface=127.0.0.1
force_basic_auth = yes
[repository:hub]
type = proxy
remote_url = https://registry-1.docker.io
username = hub-user
password = hub-secret
role = mirror
http_port = 5030
https_port = 5031
[repository:plain]
type = proxy
remote_url = http://plain.test:5000/base, https://other.test
bearer_token = bearer-secret
role = mirror
http_port = 5040
[repository:quay]
type = proxy
remote_url = https://quay.io
http_port = unix:/run/quay.sock
[repository:inner]
type = group
member_names = hub, quay
http_port = systemd:domain=INET:name=inner
[repository:all]
type = group
member_names = own, inner, plain, hub
writable_member = own
http_port = 5000
force_basic_auth = yes
"""


class ClientsTests(ConfigCase):
    """The text for one configuration."""

    def setUp(self) -> None:
        super().setUp()
        Authority(self.folder).issue("registry.test")
        self.text = settings_of_clients(self.parse(CONFIG), "registry.test")

    def files(self, title: str) -> dict[str, str]:
        """The files of the connector whose heading begins so, by path."""
        _, _, rest = self.text.partition(f"# ==== {title}")
        self.assertTrue(rest, title)
        found = {}
        for part in rest.split("# ==== ")[0].split(_FILE)[1:]:
            path, _, text = part.partition("\n")
            found[path] = text
        return found

    def docker(self, title: str) -> Any:
        """A ``daemon.json``, without the remarks above it."""
        text = self.files(title)["/etc/docker/daemon.json"]
        return json.loads("".join(uncommented(text)))

    def hosts(self, title: str) -> dict[str, Any]:
        """Each ``hosts.toml`` by the name of its folder."""
        head, tail = "/etc/containerd/certs.d/", "/hosts.toml"
        return {
            path.removeprefix(head).removesuffix(tail): tomllib.loads(text)
            for path, text in self.files(title).items()
            if path.startswith(head)
        }

    def registries(self, title: str, name: str) -> dict[str, Any]:
        """Each ``[[registry]]`` of a ``registries.conf`` by its prefix."""
        text = self.files(title)[f"/etc/containers/registries.conf.d/{name}.conf"]
        return {one["prefix"]: one for one in tomllib.loads(text)["registry"]}

    def kubespray(self, title: str) -> list[str]:
        """The lines of the variables."""
        path = "inventory/CLUSTER/group_vars/all/registry.yml"
        return self.files(title)[path].splitlines()

    def test_every_connector(self) -> None:
        """Each has a heading with its repository; one over a Unix socket no files;
        what no client can know is said."""
        headings = [line for line in self.text.splitlines() if line.startswith("# ==")]
        names = [line.removesuffix(" ====").split()[-1] for line in headings]
        self.assertEqual(names.pop(0), "connector")
        expected = ["own", "own", "hub", "hub", "plain", "quay", "inner", "all"]
        self.assertEqual(names, expected)
        self.assertEqual(self.files("proxy repository quay"), {})
        self.assertIn("# the Unix socket /run/quay.sock: ", self.text)
        self.assertIn("# instead of PORT say the port that systemd:", self.text)
        self.assertIn("# it listens on 127.0.0.1: nobody else", self.text)
        self.assertIn("# members: own, inner, plain, hub\n", self.text)

    def test_no_secrets(self) -> None:
        """No password, token, or user name of ours."""
        for word in ("secret", "hub-user", "egress"):
            self.assertNotIn(word, self.text)

    def test_docker(self) -> None:
        """Insecure over HTTP, without a scheme; a mirror with one, for Docker Hub and
        ``role = mirror`` only."""
        where = "registry.test"
        for title, insecure, mirrors in (
            ("http://registry.test:8090: hosted", [f"{where}:8090"], None),
            ("https://registry.test:8490", None, None),
            (f"http://{where}:5030", [f"{where}:5030"], [f"http://{where}:5030"]),
            (f"https://{where}:5031", None, [f"https://{where}:5031"]),
            (f"http://{where}:5040", [f"{where}:5040"], None),
            (f"http://{where}:5000", [f"{where}:5000"], None),
        ):
            found = self.docker(title)
            self.assertEqual(found.get("insecure-registries"), insecure, title)
            self.assertEqual(found.get("registry-mirrors"), mirrors, title)

    def test_containerd(self) -> None:
        """The connector itself, and each upstream by its host; ``push`` only where
        pushes land; all in one for a group."""
        pull = ["pull", "resolve"]
        found = self.hosts("http://registry.test:5000")
        url = "http://registry.test:5000"
        own = found.pop("registry.test:5000")
        self.assertEqual(own["server"], url)
        self.assertEqual(own["host"][url]["capabilities"], [*pull, "push"])
        self.assertEqual(found.pop("_default"), {"host": {url: {"capabilities": pull}}})
        servers = {name: one["server"] for name, one in found.items()}
        # An upstream with a path has no host of its own.
        hub = "https://registry-1.docker.io"
        self.assertEqual(servers, {"docker.io": hub, "quay.io": "https://quay.io"})
        for one in found.values():
            self.assertEqual(one["host"], {url: {"capabilities": pull}})
        secure = self.hosts("https://registry.test:5031")
        self.assertEqual(set(secure), {"registry.test:5031", "docker.io"})
        host = secure["docker.io"]["host"]["https://registry.test:5031"]
        self.assertEqual(host, {"capabilities": pull, "skip_verify": False})

    def test_containers(self) -> None:
        """Every upstream has the connector as its mirror; a path belongs to the
        prefix; plain HTTP is insecure, on either side."""
        found = self.registries("http://registry.test:5000", "all")
        own = found.pop("registry.test:5000")
        self.assertEqual((own["insecure"], own.get("mirror")), (True, None))
        insecure = {name: one["insecure"] for name, one in found.items()}
        base = "plain.test:5000/base"
        self.assertEqual(insecure, {"docker.io": False, "quay.io": False, base: True})
        mirror = [{"location": "registry.test:5000", "insecure": True}]
        for name, one in found.items():
            self.assertEqual((one["location"], one["mirror"]), (name, mirror))
        found = self.registries("https://registry.test:5031", "hub")
        self.assertFalse(found["registry.test:5031"]["insecure"])
        self.assertFalse(found["docker.io"]["mirror"][0]["insecure"])

    def test_kubespray(self) -> None:
        """Its own images come from where they can be had."""
        lines = self.kubespray("http://registry.test:5000")
        self.assertEqual(lines[0], 'registry_host: "registry.test:5000"')
        self.assertIn('docker_image_repo: "{{ registry_host }}"', lines)
        self.assertIn('quay_image_repo: "{{ registry_host }}"', lines)
        self.assertIn(
            '# github_image_repo: "{{ registry_host }}"'
            "  # once the images of ghcr.io are pushed here",
            lines,
        )
        text = "\n".join(lines)
        for part in (
            'containerd_registries_mirrors:\n  - prefix: "registry.test:5000"\n'
            '    mirrors:\n      - host: "http://registry.test:5000"\n'
            '        capabilities: ["pull", "resolve"]\n        skip_verify: false\n'
            '  - prefix: "docker.io"\n',
            'docker_insecure_registries:\n  - "registry.test:5000"\n',
            "docker_registry_mirrors: []\n",
            'crio_insecure_registries:\n  - "registry.test:5000"\n',
            'crio_registries:\n  - prefix: "docker.io"\n    location: "docker.io"\n'
            "    insecure: false\n    blocked: false\n    unqualified: false\n"
            '    mirrors:\n      - location: "registry.test:5000"\n'
            "        insecure: true\n",
        ):
            self.assertIn(part, text)
        text = "\n".join(self.kubespray("https://registry.test:5031"))
        mirrors = 'docker_registry_mirrors:\n  - "https://registry.test:5031"\n'
        self.assertIn(mirrors, text)
        self.assertIn("docker_insecure_registries: []\n", text)
        self.assertNotIn("insecure: true", text)

    def test_the_main_connector(self) -> None:
        """It has every repository by its path, and is no mirror of anything."""
        title = "http://registry.test:8081: main connector"
        self.assertIn("# every repository: registry.test:8081/REPOSITORY/", self.text)
        where = "registry.test:8081"
        self.assertEqual(self.docker(title), {"insecure-registries": [where]})
        self.assertEqual(set(self.hosts(title)), {where})
        self.assertEqual(set(self.registries(title, "main")), {where})

    def test_passwords(self) -> None:
        """Where a mirror would be asked for one, that is said."""
        _, _, rest = self.text.partition("# ==== http://registry.test:5000")
        self.assertIn("# it asks for a password, and ", rest)
        _, _, rest = self.text.partition("# ==== http://registry.test:5030")
        self.assertNotIn("# it asks for a password, and ", rest.split("# ==")[0])

    def test_an_address(self) -> None:
        """One of IPv6 has brackets."""
        text = settings_of_clients(self.parse(CONFIG), "2001:db8::1")
        self.assertIn('"http://[2001:db8::1]:5030"', text)


def uncommented(text: str) -> list[str]:
    """The lines that are no remarks."""
    lines = text.splitlines(keepends=True)
    return [line for line in lines if not line.startswith("#")]
