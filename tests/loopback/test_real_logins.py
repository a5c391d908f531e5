"""Logins of Docker, podman, skopeo and containerd: right, wrong, expired, revoked."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.loopback.logins import (
    BASIC,
    BEARER,
    BOTH,
    CLIENTS,
    OWNER,
    Client,
    Done,
    House,
    clumsy,
    running_client,
)
from tests.loopback.world import World, missing

pytestmark = pytest.mark.real

#: What podman and skopeo make of a 401 at a login; all others repeat it.
_THEIR_WORDS = "invalid username/password"


@pytest.fixture(scope="module")
def house(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One daemon for all clients, with the images."""
    if reason := missing("skopeo"):
        pytest.skip(reason)
    made = House(world, tmp_path_factory.mktemp("house"))
    made.start()
    made.push()
    yield made
    made.running.stop()
    assert "Traceback" not in made.running.said()


@pytest.fixture(params=CLIENTS)
def client(
    request: pytest.FixtureRequest,
    house: House,
    world: World,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Client]:
    """One after the other."""
    # A short name: containerd's socket is below it.
    folder = tmp_path_factory.mktemp("c")
    with running_client(world, request.param, folder) as made:
        yield made


@dataclass
class Visit:
    """A client and the password that it knows."""

    client: Client
    password: str

    def login(self, where: str) -> None:
        """Log in; it must work."""
        works(self.client.login(where, self.client.name, self.password))

    def pull(self, where: str, image: str) -> Done:
        """Pull."""
        return self.client.pull(where, image, self.client.name, self.password)


def works(done: Done) -> None:
    """It must have worked."""
    assert done.returncode == 0, done.stdout + done.stderr


def unauthorized(done: Done) -> None:
    """It must have failed, and say why."""
    assert done.returncode not in (0, 124), done.stdout + done.stderr
    said = done.stderr.lower()
    assert "unauthorized" in said or _THEIR_WORDS in said, done.stderr


def raw(world: World, where: str, path: str, *credentials: str) -> str:
    """The status of a request, and what came with it."""
    shown = ("-o", "/dev/null", "-w", "%{http_code}", *credentials)
    return world.curl(*shown, f"http://{where}{path}")


def test_right_wrong_and_revoked(world: World, house: House, client: Client) -> None:
    """A wrong password fails by name and is kept nowhere; a right one pulls. When it
    is changed or its user is gone, the login that the client keeps pulls nothing from
    the reload on, nor does a token that was given before; the new one does."""
    name = client.name
    visit = Visit(client, house.passwords[name])
    for where in BOTH:
        unauthorized(client.login(where, clumsy(name), "no password"))
        visit.login(where)
        works(visit.pull(where, "first"))

    held = _token(world, name, visit.password)
    another = _token(world, OWNER, house.passwords[OWNER])
    there = ("/v2/team/first/manifests/1", _layer(house))
    for path in there:
        assert raw(world, BEARER, path, "-H", held) == "200"
    house.set_password(name, f"second-{name}")
    house.reload()
    for path in there:
        assert raw(world, BEARER, path, "-H", held) == "401"
    for where in BOTH:
        unauthorized(visit.pull(where, "second"))

    visit.password = house.passwords[name]
    for where in BOTH:
        visit.login(where)
        works(visit.pull(where, "second"))
    house.set_password(name, "")
    house.reload()
    # Of containerd's failures no more than ten may come at once.
    for where in (BEARER,) if name == "ctr" else BOTH:
        unauthorized(visit.pull(where, "third"))
    # Nobody else has noticed.
    assert raw(world, BEARER, there[0], "-H", another) == "200"


@pytest.mark.parametrize("client", ["docker", "newer-docker"], indirect=True)
def test_an_expired_login(house: House, client: Client) -> None:
    """Docker keeps a refresh token and no password: it lives for 90 days from when it
    was last used, and then Docker has to log in again."""
    visit = Visit(client, f"third-{client.name}")
    house.set_password(client.name, visit.password)
    house.reload()
    visit.login(BEARER)
    kept = json.loads((client.folder / "config" / "config.json").read_text())
    assert kept["auths"][BEARER]["identitytoken"]
    _later(house, days=89)
    works(visit.pull(BEARER, "first"))
    _later(house, days=89)
    works(visit.pull(BEARER, "second"))
    _later(house, days=91)
    unauthorized(visit.pull(BEARER, "third"))
    visit.login(BEARER)
    works(visit.pull(BEARER, "third"))


def test_expired_tokens(house: House, client: Client) -> None:
    """A token that has expired when it is used opens nothing, whoever uses it, and
    nobody asks for ever; where there are none all goes on. The login is as good as it
    was as soon as tokens live again."""
    visit = Visit(client, f"fourth-{client.name}")
    house.set_password(client.name, visit.password)
    house.reload()
    for where in BOTH:
        visit.login(where)
    house.running.stop()
    house.start("expired.py")
    try:
        unauthorized(visit.pull(BEARER, "first"))
        works(visit.pull(BASIC, "first"))
    finally:
        house.running.stop()
        said = [
            line for line in house.running.said().splitlines() if " bearer " in line
        ]
        house.start()
    assert [line for line in said if ' /v2/token" 200 ' in line]
    refused = [line for line in said if ' /v2/team/first/manifests/1" 401 ' in line]
    assert len(refused) in range(1, 20), said
    works(visit.pull(BEARER, "second"))


def _later(house: House, days: float) -> None:
    """Start the daemon again so many days after."""
    house.running.stop()
    house.age_logins(days)
    house.start()


def _token(world: World, user: str, password: str) -> str:
    """An ``Authorization`` with a token for the first image."""
    query = "service=bearer&scope=repository:team/first:pull"
    url = f"http://{BEARER}/v2/token?{query}"
    token = json.loads(world.curl("-u", f"{user}:{password}", url))["token"]
    return f"Authorization: Bearer {token}"


def _layer(house: House) -> str:
    """Where the first image's layer is."""
    manifest = json.loads((house.folder / "first" / "manifest.json").read_text())
    return f"/v2/team/first/blobs/{manifest['layers'][0]['digest']}"
