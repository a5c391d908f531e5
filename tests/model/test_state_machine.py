"""Pushes, pulls, mounts, deletes and tag moves by three users in two repositories,
against the reference; on the real metadata store."""

import json
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.task import Clock

from pullthrough.access.htpasswd import entry, parse_htpasswd
from pullthrough.access.policy import SimplePolicy
from pullthrough.allowance import Allowance
from pullthrough.assembly import at_once
from pullthrough.metadata.sqlite import SqliteMetadataStore
from pullthrough.repository.hosted import HostedRepository
from pullthrough.repository.manifests import Manifests
from pullthrough.repository.sessions import Sessions
from pullthrough.repository.uploads import Uploads
from pullthrough.spec.digest import Digest
from pullthrough.spec.mediatypes import OCI_INDEX, OCI_MANIFEST
from pullthrough.storage.memory import MemoryBlobStore
from pullthrough.threads import Inline
from pullthrough.web.guard import Guard
from pullthrough.web.kept import KeptAnswers
from pullthrough.web.site import Site
from tests.model.contents import CONTENTS, DIGESTS, descriptor, image_body
from tests.model.reference import Reference, Session
from tests.support.authenticators import make_authenticator
from tests.support.exchange import FakeExchange, run

USERS = ("alice", "bob", "carol")
REPOSITORIES = ("own", "other")
IMAGES = ("a", "team/app", "team/app/sub")
TAGS = ("v1", "v2", "latest")
_HTPASSWD = parse_htpasswd("".join(entry(user, f"pw-{user}", 4) for user in USERS))

RUNS = 2000
STEPS = 50

users = st.sampled_from(USERS)
repositories = st.sampled_from(REPOSITORIES)
images = st.sampled_from(IMAGES)
tags = st.sampled_from(TAGS)
digests = st.sampled_from(DIGESTS)


class Machine(RuleBasedStateMachine):
    """Both registries; whatever is asked is asked of both."""

    manifests: Bundle[bytes] = Bundle("manifests")
    sessions: Bundle[tuple[str, str, str]] = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        shared = Path("/dev/shm")
        self._folder = tempfile.TemporaryDirectory(
            dir=shared if shared.is_dir() else None
        )
        path = Path(self._folder.name) / "metadata.sqlite"
        self.metadata = SqliteMetadataStore(path, Inline(), Inline())
        self.store = MemoryBlobStore("blobs")
        self.references = {name: Reference() for name in REPOSITORIES}
        clock, keys = Clock(), count(1)
        authenticator = make_authenticator(_HTPASSWD, clock)

        def new_key() -> str:
            return f"{next(keys):032x}"

        self.touched: tuple[str, str] | None = None
        self.sites = {}
        for number, name in enumerate(REPOSITORIES, 1):
            assert at_once(self.metadata.repository(name, "hosted")) == number
            sessions = Sessions(Allowance(1000, clock, "uploads"), clock.seconds)
            uploads = Uploads(
                number, self.store, self.metadata, new_key, clock.seconds, sessions
            )
            repository = HostedRepository(
                name,
                number,
                self.store,
                self.metadata,
                Manifests(number, self.store, self.metadata, new_key),
                uploads,
                clock.seconds,
            )
            guard = Guard(name, authenticator, SimplePolicy(False), False)
            log: list[Any] = []
            site = Site(
                repository,
                guard,
                log.append,
                clock,
                clock.seconds,
                kept=KeptAnswers(self.metadata.changes),
            )
            self.sites[name] = site

    def teardown(self) -> None:
        """The lists of all images agree; what is stored hashes to its name (I1)."""
        for name in REPOSITORIES:
            for image in IMAGES:
                self.compare_lists(name, image)
        for digest in DIGESTS:
            if at_once(self.store.stat(digest)) is not None:
                content = at_once(self.store.open(digest))
                found = at_once(content.read(0, content.size)) if content.size else b""
                assert Digest.of(found, digest.algorithm) == digest
        at_once(self.metadata.close())
        self._folder.cleanup()

    def ask(
        self, repository: str, user: str, method: str, target: str, **more: Any
    ) -> FakeExchange:
        """Ask ours."""
        image, kind, _ = target.removeprefix("/v2/").partition("/blobs/")
        if not kind:
            image, kind, _ = image.partition("/manifests/")
        if kind:
            self.touched = (repository, image)
        exchange = FakeExchange(method, target, user=user, **more)
        return run(self.sites[repository], exchange)

    # -- blobs --

    @rule(
        user=users, name=repositories, image=images, digest=digests, whole=st.booleans()
    )
    def push_blob(
        self, user: str, name: str, image: str, digest: Digest, whole: bool
    ) -> None:
        """In one request, or in three."""
        content = CONTENTS[DIGESTS.index(digest) // 2]
        uploads = f"/v2/{image}/blobs/uploads/"
        if whole:
            target = f"{uploads}?digest={digest}"
            got = self.ask(name, user, "POST", target, body=content)
        else:
            location = self.ask(name, user, "POST", uploads).headers["Location"]
            got = self.ask(name, user, "PATCH", location, body=content[:3])
            assert got.status == 202
            target = f"{location}?digest={digest}"
            got = self.ask(name, user, "PUT", target, body=content[3:])
        assert got.status == self.references[name].push_blob(image, digest, content)

    @rule(user=users, name=repositories, image=images, wrong=digests)
    def push_what_it_is_not(
        self, user: str, name: str, image: str, wrong: Digest
    ) -> None:
        """Never taken."""
        target = f"/v2/{image}/blobs/uploads/?digest={wrong}"
        got = self.ask(name, user, "POST", target, body=b"something else")
        expected = self.references[name].push_blob(image, wrong, b"something else")
        assert got.status == expected == 400

    @rule(user=users, name=repositories, image=images, digest=digests)
    def pull_blob(self, user: str, name: str, image: str, digest: Digest) -> None:
        """GET and HEAD."""
        target = f"/v2/{image}/blobs/{digest}"
        expected = self.references[name].blob(image, digest)
        for method in ("GET", "HEAD"):
            got = self.ask(name, user, method, target)
            if expected is None:
                assert got.status == 404
            else:
                assert got.status == 200
                assert got.headers.get("Content-Length", str(len(expected))) == str(
                    len(expected)
                )
                assert method == "HEAD" or got.sent == expected

    @rule(
        user=users,
        name=repositories,
        image=images,
        digest=digests,
        source=st.none() | images,
    )
    def mount(
        self, user: str, name: str, image: str, digest: Digest, source: str | None
    ) -> None:
        """From an image, or from any."""
        target = f"/v2/{image}/blobs/uploads/?mount={digest}"
        target += f"&from={source}" if source else ""
        got = self.ask(name, user, "POST", target)
        assert got.status == self.references[name].mount(image, digest, source)

    @rule(user=users, name=repositories, image=images, digest=digests)
    def delete_blob(self, user: str, name: str, image: str, digest: Digest) -> None:
        """Gone from that image only."""
        got = self.ask(name, user, "DELETE", f"/v2/{image}/blobs/{digest}")
        assert got.status == self.references[name].delete_blob(image, digest)

    # -- upload sessions --

    @rule(target=sessions, user=users, name=repositories, image=images)
    def begin(self, user: str, name: str, image: str) -> tuple[str, str, str]:
        """A session that stays open."""
        got = self.ask(name, user, "POST", f"/v2/{image}/blobs/uploads/")
        assert got.status == 202
        location = got.headers["Location"]
        self.references[name].sessions[location] = Session(user, image)
        return name, image, location

    @rule(session=sessions, user=users, piece=st.sampled_from(CONTENTS))
    def append(self, session: tuple[str, str, str], user: str, piece: bytes) -> None:
        """By its owner; to anybody else there is no such session."""
        name, image, location = session
        found = self.references[name].session(location, user, image)
        got = self.ask(name, user, "PATCH", location, body=piece)
        assert got.status == (404 if found is None else 202)
        if found is not None:
            found.received += piece
            last = max(0, len(found.received) - 1)
            assert got.headers["Range"] == f"0-{last}"

    @rule(session=sessions, user=users)
    def look(self, session: tuple[str, str, str], user: str) -> None:
        """Where it stands."""
        name, image, location = session
        found = self.references[name].session(location, user, image)
        got = self.ask(name, user, "GET", location)
        assert got.status == (404 if found is None else 204)
        if found is not None:
            assert got.headers["Range"] == f"0-{max(0, len(found.received) - 1)}"

    @rule(session=sessions, user=users, right=st.booleans())
    def finish(self, session: tuple[str, str, str], user: str, right: bool) -> None:
        """With its digest, or with another; the session ends."""
        name, image, location = session
        reference = self.references[name]
        found = reference.session(location, user, image)
        received = found.received if found else b""
        digest = Digest.of(received if right else received + b"!")
        got = self.ask(name, user, "PUT", f"{location}?digest={digest}")
        if found is None:
            assert got.status == 404
        else:
            assert got.status == reference.push_blob(image, digest, received)
            del reference.sessions[location]

    @rule(session=sessions, user=users)
    def cancel(self, session: tuple[str, str, str], user: str) -> None:
        """It ends, and leaves nothing."""
        name, image, location = session
        found = self.references[name].session(location, user, image)
        got = self.ask(name, user, "DELETE", location)
        assert got.status == (404 if found is None else 204)
        if found is not None:
            del self.references[name].sessions[location]

    # -- manifests --

    @initialize(target=manifests)
    def first(self) -> bytes:
        """There is always one to ask for."""
        return image_body(DIGESTS[:1], None)

    @rule(
        target=manifests,
        blobs=st.lists(digests, min_size=1, max_size=3),
        subject=st.none() | manifests,
    )
    def compose(self, blobs: list[Digest], subject: bytes | None) -> bytes:
        """An image that may be pushed later, perhaps about another one."""
        return image_body(blobs, Digest.of(subject) if subject else None)

    @rule(target=manifests, members=st.lists(manifests, max_size=2))
    def compose_index(self, members: list[bytes]) -> bytes:
        """An index, of manifests that may be missing."""
        listed = [
            descriptor(Digest.of(body), len(body), OCI_MANIFEST) for body in members
        ]
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
        return json.dumps(document).encode()

    @rule(
        user=users,
        name=repositories,
        image=images,
        body=manifests,
        reference=st.none() | tags,
        more=st.lists(tags, max_size=2),
    )
    def push_manifest(
        self,
        user: str,
        name: str,
        image: str,
        body: bytes,
        reference: str | None,
        more: list[str],
    ) -> None:
        """Under a tag, or by its digest with several tags; tags move."""
        several = "&".join(f"tag={tag}" for tag in more)
        where = reference or f"{Digest.of(body)}?{several}"
        media_type = json.loads(body)["mediaType"]
        got = self.ask(
            name,
            user,
            "PUT",
            f"/v2/{image}/manifests/{where}",
            headers={"Content-Type": media_type},
            body=body,
        )
        moved = [reference] if reference else more
        assert got.status == self.references[name].put_manifest(image, body, moved)

    @rule(user=users, name=repositories, image=images, body=manifests, tag=tags)
    def pull_manifest(
        self, user: str, name: str, image: str, body: bytes, tag: str
    ) -> None:
        """By tag and by digest, exactly the bytes."""
        reference: str | Digest
        for reference in (tag, Digest.of(body)):
            expected = self.references[name].manifest(image, reference)
            got = self.ask(name, user, "GET", f"/v2/{image}/manifests/{reference}")
            assert got.status == (404 if expected is None else 200)
            if expected is not None:
                assert got.sent == expected

    @rule(user=users, name=repositories, image=images, tag=tags)
    def delete_tag(self, user: str, name: str, image: str, tag: str) -> None:
        """The manifest stays."""
        got = self.ask(name, user, "DELETE", f"/v2/{image}/manifests/{tag}")
        assert got.status == self.references[name].delete(image, tag)

    @rule(user=users, name=repositories, image=images, body=manifests)
    def delete_manifest(self, user: str, name: str, image: str, body: bytes) -> None:
        """With its tags."""
        digest = Digest.of(body)
        got = self.ask(name, user, "DELETE", f"/v2/{image}/manifests/{digest}")
        assert got.status == self.references[name].delete(image, digest)

    # -- lists --

    @rule(user=users, name=repositories, image=images, subject=manifests)
    def list_referrers(self, user: str, name: str, image: str, subject: bytes) -> None:
        """By digest, in order; none is no error."""
        digest = Digest.of(subject)
        got = self.ask(name, user, "GET", f"/v2/{image}/referrers/{digest}")
        found = [one["digest"] for one in got.json()["manifests"]]
        assert found == self.references[name].referrers(image, digest)

    @invariant()
    def lists_agree(self) -> None:
        """After each step, of what it touched."""
        if self.touched is not None:
            self.compare_lists(*self.touched)

    def compare_lists(self, name: str, image: str) -> None:
        """The catalogue and the tags."""
        reference = self.references[name]
        got = self.ask(name, "alice", "GET", "/v2/_catalog")
        assert got.json()["repositories"] == reference.catalogue()
        got = self.ask(name, "bob", "GET", f"/v2/{image}/tags/list")
        expected = reference.tags(image)
        assert got.status == (404 if expected is None else 200)
        if expected is not None:
            assert got.json()["tags"] == expected


def test_machine() -> None:
    """The same runs each time, so that what is found stays found."""
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
