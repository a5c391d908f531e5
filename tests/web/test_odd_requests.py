"""Hostile and odd requests over a connection: each gets the answer that it should."""

import base64
import json
from dataclasses import dataclass

from pullthrough.spec.digest import Digest
from pullthrough.web.listener import Listener
from tests.support.images import make_image
from tests.support.site import DIGEST, LAYER, UPLOADS, SiteCase
from tests.support.wire import Wire
from tests.web.odd_requests import ROWS, Row

ALICE = f"Basic {base64.b64encode(b'alice:pw-alice').decode()}"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The OCI code, if it is an error of the registry."""
        if self.headers.get("content-type") != "application/json" or not self.body:
            return ""
        errors = json.loads(self.body).get("errors", [])
        for error in errors:
            assert error["message"], "an error has a message"
            assert error["detail"], "and says what to change"
        return str(errors[0]["code"]) if errors else ""


class OddRequestTests(SiteCase):
    """The table; that nothing is logged as a failure is seen to by trial."""

    def setUp(self) -> None:
        super().setUp()
        self.made = make_image(LAYER)
        for content in self.made.blobs.values():
            self.push_blob(content)
        self.push_image()
        got = self.ask("POST", UPLOADS)
        location = got.headers["Location"]
        self.assertEqual(self.ask("PATCH", location, body=b"01234").status, 202)
        self.names = {
            "@D": str(DIGEST),
            "@M": str(self.made.digest),
            "@N": str(Digest.of(b"nobody has it")),
            "@U": location.rpartition("/")[2],
            "@0": "0" * 31 + "f",
            "@T": self.made.media_type,
            "@B": self.made.manifest.decode(),
        }

    def filled(self, text: str) -> str:
        """The text with the names in it."""
        for short, name in self.names.items():
            text = text.replace(short, name)
        return text

    def send(self, row: Row) -> Answer:
        """Send a request as bytes, on a connection of its own."""
        method, target, headers, body = (
            row[:4] if len(row) == 6 else (*row[:2], {}, b"")
        )
        body = self.filled(body.decode("latin-1")).encode("latin-1")
        sent = {"Host": "a", "Authorization": ALICE, "Content-Length": str(len(body))}
        sent |= {name: self.filled(value) for name, value in headers.items()}
        lines = [f"{method} {self.filled(target)} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in sent.items()]
        request = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
        protocol = Listener(self.site, self.house.clock).buildProtocol(None)  # type: ignore[arg-type]
        wire = Wire(protocol)  # type: ignore[arg-type]
        wire.receive(request)
        head, _, answered = wire.take().partition(b"\r\n\r\n")
        wire.leave()
        first, *fields = head.decode("latin-1").split("\r\n")
        named = dict(field.lower().split(": ", 1) for field in fields)
        return Answer(int(first.split(" ")[1]), named, answered)

    def test_there_are_enough(self) -> None:
        """And each stands once."""
        self.assertGreaterEqual(len(ROWS), 300)
        self.assertEqual(len({repr(row) for row in ROWS}), len(ROWS))

    def test_the_table(self) -> None:
        """Each row on a registry of its own, so that none leans on another."""
        wrong = []
        for row in ROWS:
            self.setUp()
            answer = self.send(row)
            found = (answer.status, answer.code)
            if found != row[-2:]:
                wrong.append(f"{row[:2]} {row[2:-2]!r:.200}: {found}, not {row[-2:]}")
            self.assertNotIn(b"Traceback", answer.body)
            self.assertNotIn(b'File "', answer.body)
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
