"""Clients that push without end, each noting what was acknowledged."""

import base64
import http.client
import json
import random
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from pullthrough.spec.digest import Digest
from pullthrough.spec.mediatypes import OCI_MANIFEST
from tests.support.invariants import Answer
from tests.support.ledger import Ledger, Pushed, Session

IMAGES = ("team/one", "team/two")
TAGS = ("v1", "v2", "latest")

#: Contents that every pusher pushes, so that they meet at the same digests.
SHARED = tuple(bytes([number]) * (1000 * number) for number in range(1, 6))


class Client:
    """HTTP over a Unix socket; each request is one connection's turn."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: http.client.HTTPConnection | None = None

    def ask(
        self,
        method: str,
        target: str,
        user: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send a request and read its answer.

        :raises OSError, http.client.HTTPException: the daemon is gone.
        """
        pair = base64.b64encode(f"{user}:pw-{user}".encode()).decode()
        sent = {"Authorization": f"Basic {pair}", **(headers or {})}
        connection = self._connected()
        connection.request(method, target, body, sent)
        response = connection.getresponse()
        answered = response.read()
        named = {name.lower(): value for name, value in response.getheaders()}
        if response.will_close:
            self.close()
        return Answer(response.status, named, answered)

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            connection = http.client.HTTPConnection("localhost", timeout=60)
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(60)
            try:
                connection.sock.connect(str(self._path))
            except OSError:
                connection.sock.close()
                raise
            self._connection = connection
        return self._connection


class Pusher(threading.Thread):
    """Pushes blobs, images and tags until the daemon is gone.

    :param begun: called before each request.
    :ivar problem: what went wrong other than that.
    """

    def __init__(
        self,
        path: Path,
        user: str,
        seed: str,
        ledger: Ledger,
        begun: Callable[[], None],
    ) -> None:
        super().__init__(daemon=True)
        self._client = Client(path)
        self._user = user
        self._name = seed.rpartition(" ")[2]
        self._random = random.Random(seed)
        self._ledger = ledger
        self._begun = begun
        self._mine: dict[str, list[Digest]] = {image: [] for image in IMAGES}
        self.problem: BaseException | None = None

    def run(self) -> None:
        """See :class:`threading.Thread`."""
        steps = (self._push_image, self._push_image, self._move_tag, self._mount)
        try:
            while True:
                self._random.choice((*steps, self._leave_open, self._delete_tag))()
        except (OSError, http.client.HTTPException):
            pass  # killed
        except BaseException as problem:
            self.problem = problem
        finally:
            self._client.close()

    def _ask(
        self,
        method: str,
        target: str,
        status: int,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        self._begun()
        answer = self._client.ask(method, target, self._user, headers, body)
        assert answer.status == status, f"{method} {target}: {answer}"
        return answer

    def _image(self) -> str:
        return self._random.choice(IMAGES)

    def _tag(self) -> str:
        return f"{self._name}-{self._random.choice(TAGS)}"

    def _content(self) -> bytes:
        if self._random.random() < 0.3:
            return self._random.choice(SHARED)
        return self._random.randbytes(self._random.choice((0, 10, 5_000, 200_000)))

    def _push_blob(self, image: str) -> tuple[Digest, int]:
        content = self._content()
        digest = Digest.of(content, self._random.choice(("sha256", "sha256", "sha512")))
        uploads = f"/v2/{image}/blobs/uploads/"
        if self._random.random() < 0.4:
            self._ask("POST", f"{uploads}?digest={digest}", 201, content)
        else:
            location = self._ask("POST", uploads, 202).headers["location"]
            middle = self._random.randrange(len(content) + 1)
            self._ask("PATCH", location, 202, content[:middle])
            self._ask("PUT", f"{location}?digest={digest}", 201, content[middle:])
        with self._ledger.lock:
            self._ledger.blobs.add((image, digest))
        return digest, len(content)

    def _push_image(self) -> None:
        image, tag = self._image(), self._tag()
        config, layer = self._push_blob(image), self._push_blob(image)
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": _descriptor(*config),
            "layers": [_descriptor(*layer)],
        }
        body = json.dumps(document).encode()
        digest = Digest.of(body)
        self._ledger.moving(image, tag, digest)
        self._ask(
            "PUT",
            f"/v2/{image}/manifests/{tag}",
            201,
            body,
            {"Content-Type": OCI_MANIFEST},
        )
        self._ledger.moved(image, tag, digest)
        with self._ledger.lock:
            pushed = Pushed(body, (config[0], layer[0]))
            self._ledger.manifests[image, digest] = pushed
        self._mine[image].append(digest)

    def _move_tag(self) -> None:
        image, tag = self._image(), self._tag()
        if not self._mine[image]:
            return
        digest = self._random.choice(self._mine[image])
        typed = {"Content-Type": OCI_MANIFEST}
        body = self._ask("GET", f"/v2/{image}/manifests/{digest}", 200).body
        self._ledger.moving(image, tag, digest)
        self._ask("PUT", f"/v2/{image}/manifests/{tag}", 201, body, typed)
        self._ledger.moved(image, tag, digest)

    def _delete_tag(self) -> None:
        image, tag = self._image(), self._tag()
        if self._ledger.tags.get((image, tag), {None}) == {None}:
            return
        self._ledger.moving(image, tag, None)
        self._ask("DELETE", f"/v2/{image}/manifests/{tag}", 202)
        self._ledger.moved(image, tag, None)

    def _mount(self) -> None:
        source, image = self._random.sample(IMAGES, 2)
        digest, _ = self._push_blob(source)
        target = f"/v2/{image}/blobs/uploads/?mount={digest}&from={source}"
        self._ask("POST", target, 201)
        with self._ledger.lock:
            self._ledger.blobs.add((image, digest))

    def _leave_open(self) -> None:
        """A session that is continued after a restart."""
        uploads = f"/v2/{self._image()}/blobs/uploads/"
        location = self._ask("POST", uploads, 202).headers["location"]
        session = Session(self._user, self._random.randbytes(50_000))
        with self._ledger.lock:
            self._ledger.sessions[location] = session
        for end in (10_000, 30_000):
            piece = session.content[session.acked : end]
            session.sent = end
            self._ask("PATCH", location, 202, piece)
            session.acked = end


def _descriptor(digest: Digest, size: int) -> dict[str, object]:
    return {"mediaType": "application/x", "digest": str(digest), "size": size}
