"""skopeo, crane, oras and cosign against a hosted connector."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.loopback import parts
from tests.loopback.parts import HOSTED, PASSWORD, USER
from tests.loopback.world import Running, World, missing
from tests.support.pki import Authority

pytestmark = pytest.mark.real


@dataclass
class Tool:
    """A client program with a login of its own."""

    world: World
    program: str
    env: dict[str, str]

    def __call__(self, *arguments: str, text: str = "") -> str:
        """Run it; it must succeed."""
        done = self.world.run(self.program, *arguments, env=self.env, text=text)
        return done.stdout

    def fails(self, *arguments: str) -> str:
        """Run it; it must fail. What it says."""
        done = self.world.run(self.program, *arguments, env=self.env, check=False)
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def house(world: World, authority: Authority) -> Iterator[Running]:
    """A daemon whose hosted repository has every usual kind of image."""
    running = parts.daemon(world, authority, "daemon-tools")
    user = ("--user", f"{USER}:{PASSWORD}", "--large-mib", "1")
    world.python("testbed/make_images.py", "--push", f"http://{HOSTED}", *user)
    yield running
    running.stop()
    assert "Traceback" not in running.said()


def tool(world: World, folder: Path, name: str) -> Tool:
    """One of those that are built from Go modules, logged in."""
    program = Path(sys.executable).with_name(name)
    if not program.exists():
        pytest.skip(f"needs {name}, which needs Go")
    env = {"HOME": str(folder), "DOCKER_CONFIG": str(folder), "COSIGN_PASSWORD": ""}
    return Tool(world, str(program), env)


@pytest.fixture
def skopeo(house: Running, world: World, tmp_path: Path) -> Tool:
    """skopeo, logged in."""
    if reason := missing("skopeo"):
        pytest.skip(reason)
    env = {"REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}
    made = Tool(world, "skopeo", env)
    login = ("login", "--tls-verify=false", "-u", USER, "--password-stdin", HOSTED)
    made(*login, text=PASSWORD)
    return made


def test_skopeo(skopeo: Tool, tmp_path: Path) -> None:
    """inspect, list-tags, copy, sync both ways, delete."""
    plain, policy = "--tls-verify=false", "--insecure-policy"
    source = f"docker://{HOSTED}/team/app:v1"
    inspected = json.loads(skopeo("inspect", plain, source))
    assert inspected["Architecture"] == "amd64"
    listed = json.loads(skopeo("list-tags", plain, f"docker://{HOSTED}/team/app"))
    assert "v1" in listed["Tags"]
    both = ("--src-tls-verify=false", "--dest-tls-verify=false")
    copied = f"docker://{HOSTED}/copied/app:1"
    skopeo(policy, "copy", "-q", "--all", *both, source, copied)
    raw = skopeo("inspect", "--raw", plain, source)
    assert skopeo("inspect", "--raw", plain, copied) == raw
    # Schema 1, made on the way.
    old = f"docker://{HOSTED}/copied/old:1"
    hello = f"docker://{HOSTED}/library/hello:latest"
    skopeo(policy, "copy", "-q", "--format", "v2s1", *both, hello, old)
    assert json.loads(skopeo("inspect", "--raw", plain, old))["schemaVersion"] == 1
    folder = tmp_path / "synced"
    there = ("--src", "docker", "--dest", "dir", "--src-tls-verify=false")
    skopeo(policy, "sync", "--all", *there, f"{HOSTED}/copied/app", str(folder))
    assert list(folder.rglob("manifest.json"))
    back = ("--src", "dir", "--dest", "docker", "--dest-tls-verify=false")
    skopeo(policy, "sync", "--all", *back, str(folder), f"{HOSTED}/synced")
    found = json.loads(skopeo("list-tags", plain, f"docker://{HOSTED}/synced/app"))
    assert found["Tags"] == ["1"]
    skopeo("delete", plain, copied)
    assert "manifest unknown" in skopeo.fails("inspect", plain, copied)


def test_crane(house: Running, world: World, tmp_path: Path) -> None:
    """ls, catalog, digest, manifest, pull, push, copy, append, validate, delete."""
    crane = tool(world, tmp_path, "crane")
    crane("auth", "login", HOSTED, "-u", USER, "--password-stdin", text=PASSWORD)
    image, copied = f"{HOSTED}/team/app:v1", f"{HOSTED}/crane/app:1"
    assert "team/app" in crane("catalog", "--insecure", HOSTED).split()
    assert "v1" in crane("ls", "--insecure", f"{HOSTED}/team/app").split()
    digest = crane("digest", "--insecure", image).strip()
    crane("copy", "--insecure", image, copied)
    assert crane("digest", "--insecure", copied).strip() == digest
    assert crane("manifest", "--insecure", copied) == crane(
        "manifest", "--insecure", image
    )
    # Not the index: crane takes its attestations for images.
    crane("validate", "--insecure", "--remote", f"{HOSTED}/library/hello:latest")
    layout = str(tmp_path / "layout")
    crane("pull", "--insecure", "--format", "oci", image, layout)
    crane("push", "--insecure", layout, f"{HOSTED}/crane/layout:1", "--index")
    (tmp_path / "file").write_text("one more layer\n")
    layer = str(tmp_path / "layer.tar")
    world.run("tar", "-cf", layer, "-C", str(tmp_path), "file")
    more = ("--platform", "linux/amd64", "-b", image, "-f", layer)
    crane("append", "--insecure", *more, "-t", f"{HOSTED}/crane/app:2")
    crane("validate", "--insecure", "--remote", f"{HOSTED}/crane/app:2")
    crane("tag", "--insecure", copied, "stable")
    assert crane("ls", "--insecure", f"{HOSTED}/crane/app").split() == [
        *("1", "2", "stable")
    ]
    crane("delete", "--insecure", f"{HOSTED}/crane/app@{digest}")
    assert crane("ls", "--insecure", f"{HOSTED}/crane/app").split() == ["2"]
    assert "MANIFEST_UNKNOWN" in crane.fails("digest", "--insecure", copied)


def test_oras(house: Running, world: World, tmp_path: Path) -> None:
    """push, pull, attach, discover, tags, resolve, copy, blob and manifest deletes."""
    oras = tool(world, tmp_path, "oras")
    login = ("login", "--plain-http", HOSTED, "-u", USER, "--password-stdin")
    oras(*login, text=PASSWORD)
    for name in ("text", "sbom"):
        (tmp_path / name).write_text(f"this is the {name}\n")
    here = ("--disable-path-validation",)
    artifact = f"{HOSTED}/oras/thing:1"
    text = f"{tmp_path / 'text'}:text/plain"
    push = ("push", "--plain-http", *here, "--artifact-type", "application/x.thing")
    oras(*push, artifact, text)
    sbom = f"{tmp_path / 'sbom'}:text/spdx"
    for kind in ("sbom", "signature"):
        attach = ("attach", "--plain-http", *here, "--artifact-type", f"example/{kind}")
        oras(*attach, artifact, sbom)
    discover = ("discover", "--plain-http", "--format", "json", artifact)
    found = json.loads(oras(*discover))["referrers"]
    assert {one["artifactType"] for one in found} == {
        *("example/sbom", "example/signature")
    }
    found = json.loads(oras(*discover, "--artifact-type", "example/sbom"))["referrers"]
    assert [one["artifactType"] for one in found] == ["example/sbom"]
    assert oras("repo", "tags", "--plain-http", f"{HOSTED}/oras/thing").split() == ["1"]
    plain = ("--from-plain-http", "--to-plain-http")
    oras("cp", "-r", *plain, artifact, f"{HOSTED}/oras/copy:1")
    copied = f"{HOSTED}/oras/copy:1"
    found = json.loads(oras("discover", "--plain-http", "--format", "json", copied))
    assert len(found["referrers"]) == 2
    (tmp_path / "text").unlink()
    pull = ("pull", "--plain-http", "--allow-path-traversal", "-o", str(tmp_path))
    oras(*pull, copied)
    assert (tmp_path / "text").read_text() == "this is the text\n"
    oras("manifest", "delete", "--plain-http", "-f", copied)
    assert "not found" in oras.fails("resolve", "--plain-http", copied)


@pytest.mark.parametrize("version", ["cosign2", "cosign3"])
def test_cosign(house: Running, world: World, tmp_path: Path, version: str) -> None:
    """Sign and verify: version 2 by a tag, version 3 by a referrer; a copy that nobody
    signed does not verify."""
    cosign = tool(world, tmp_path, version)
    crane = tool(world, tmp_path, "crane")
    crane("auth", "login", HOSTED, "-u", USER, "--password-stdin", text=PASSWORD)
    image = f"{HOSTED}/{version}/app"
    crane("copy", "--insecure", f"{HOSTED}/library/hello:latest", f"{image}:1")
    digest = crane("digest", "--insecure", f"{image}:1").strip()
    cosign("generate-key-pair", "--output-key-prefix", str(tmp_path / "key"))
    insecure = ("--allow-insecure-registry", "--allow-http-registry")
    offline = ("--tlog-upload=false",)
    if version == "cosign3":
        offline += ("--use-signing-config=false",)
    key = ("--key", str(tmp_path / "key.key"))
    cosign("sign", *key, *offline, *insecure, "-y", f"{image}@{digest}")
    tags = crane("ls", "--insecure", image).split()
    by_tag = digest.replace(":", "-") + ".sig" in tags
    referrers = world.curl(
        *("-u", f"{USER}:{PASSWORD}"),
        f"http://{HOSTED}/v2/{version}/app/referrers/{digest}",
    )
    assert by_tag == (version == "cosign2")
    assert bool(json.loads(referrers)["manifests"]) == (version == "cosign3")
    public = ("--key", str(tmp_path / "key.pub"), "--insecure-ignore-tlog")
    verified = cosign("verify", *public, *insecure, f"{image}@{digest}")
    assert digest in verified
    other = f"{HOSTED}/{version}/unsigned"
    crane("copy", "--insecure", f"{image}:1", f"{other}:1")
    said = cosign.fails("verify", *public, *insecure, f"{other}@{digest}")
    assert "no signatures found" in said
