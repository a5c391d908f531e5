"""Somebody at another's upload session: to them it does not exist (threat T8)."""

import json
from collections.abc import Callable, Iterator

from twisted.internet.defer import Deferred

from pullthrough.access.roles import RolePolicy
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.rights import Right, Role
from pullthrough.web.exchange import Application
from tests.support.exactly import answer_bytes, login, status_of
from tests.support.main import MainCase

CONTENT = b"what alice has"
DIGEST = Digest.of(CONTENT)
APP = ImageName("team/app")

#: As long as one of ours; nobody is given it in a test.
NOBODYS = "f" * 32

#: Where the image is on the main connector: by path, by Nexus's path, through the group
#: that writes into the same repository, and by subdomain; and there through the group.
LEADS = ("/v2/own/", "/v2/repository/own/", "/repository/own/v2/", "/v2/all/")

#: What is tried, with ``{id}`` for the session: the method, what follows the image,
#: headers, a body.
TRIES: tuple[tuple[str, str, dict[str, str], bytes], ...] = (
    ("GET", "{id}", {}, b""),
    ("HEAD", "{id}", {}, b""),
    ("PATCH", "{id}", {}, b"bob's"),
    ("PATCH", "{id}", {"Content-Range": "4-8"}, b"bob's"),
    ("PATCH", "{id}", {"Content-Range": "0-4"}, b"bob's"),
    ("PATCH", "{id}", {}, b""),
    ("PATCH", "{id}", {"Expect": "100-continue"}, b"bob's"),
    ("PATCH", "{id}", {}, bytes(300_000)),
    ("PUT", f"{{id}}?digest={DIGEST}", {}, b""),
    ("PUT", f"{{id}}?digest={DIGEST}", {}, CONTENT[4:]),
    ("PUT", f"{{id}}?digest={Digest.of(b'bob')}", {}, b"bob"),
    ("PUT", "{id}", {}, b""),
    ("PUT", "{id}?digest=nonsense", {}, b""),
    ("POST", "{id}", {}, b""),
    ("POST", f"{{id}}?mount={DIGEST}&from=team/app", {}, b""),
    ("DELETE", "{id}", {}, b""),
)

#: What a session of nobody's is answered by, for who may push.
_UNKNOWN, _INVALID, _NO_METHOD = 404, 400, 405


class OthersCase(MainCase):
    """Alice has begun an upload, and others try."""

    def setUp(self) -> None:
        super().setUp()
        got = self.ask("POST", "/v2/own/team/app/blobs/uploads/")
        self.place = got.headers["Location"]
        self.identifier = self.place.rpartition("/")[2]
        self.assertEqual(len(self.identifier), len(NOBODYS))
        self.assertEqual(self.ask("PATCH", self.place, body=CONTENT[:4]).status, 202)

    def untouched(self) -> None:
        """Alice's session is where she left it."""
        got = self.ask("GET", self.place)
        self.assertEqual((got.status, got.headers["Range"]), (204, "0-3"))

    def finished(self) -> None:
        """Alice ends it, and has what she sent."""
        self.untouched()
        end = f"{self.place}?digest={DIGEST}"
        self.assertEqual(self.ask("PUT", end, body=CONTENT[4:]).status, 201)
        blob = f"/v2/own/team/app/blobs/{DIGEST}"
        self.assertEqual(self.ask("GET", blob).sent, CONTENT)

    def tried(
        self,
        application: Application,
        lead: str,
        headers: dict[str, str],
        pause: float = 0.0,
    ) -> Iterator[tuple[str, str, int]]:
        """Everything at an image's uploads: each method and target with the status,
        which is the same, as all the rest is, for a session that never was.

        :param pause: seconds before each request.
        """
        for method, target, more, body in TRIES:
            answers = []
            for identifier in (self.identifier, NOBODYS):
                self.house.clock.advance(pause)
                path = f"{lead}/blobs/uploads/{target.format(id=identifier)}"
                sent = {**headers, **more}
                got = answer_bytes(
                    application, self.house.clock, method, path, sent, body
                )
                answers.append(got.replace(identifier.encode(), b"ID"))
            self.assertEqual(*answers, (method, target, lead))
            self.untouched()
            yield method, target, status_of(answers[0])

    def hidden(
        self,
        application: Application,
        lead: str,
        headers: dict[str, str],
        expected: Callable[[str, str], int],
    ) -> None:
        """Each try is answered with this status."""
        for method, target, status in self.tried(application, lead, headers):
            self.assertEqual(status, expected(method, target), (method, target, lead))


def unknown(method: str, target: str) -> int:
    """Of who may push there."""
    if method in ("HEAD", "POST"):
        return _NO_METHOD
    named = method != "PUT" or f"digest={DIGEST.algorithm}:" in target
    return _UNKNOWN if named else _INVALID


class OtherUserTests(OthersCase):
    """Bob, who may push to the same image."""

    def test_by_every_way(self) -> None:
        """On the repository's own connector and by every way of the main one, with a
        password and with a token for just this image."""
        for lead in LEADS:
            self.hidden(self.main, f"{lead}team/app", login("bob"), unknown)
        own = self.sites["own"]
        self.hidden(own, "/v2/team/app", login("bob"), unknown)
        token = self.token("repository:own/team/app:pull,push", user="bob")
        bearer = {"Authorization": f"Bearer {token}"}
        self.hidden(self.main, "/v2/own/team/app", bearer, unknown)
        mine = {**login("bob"), "Host": "mine.registry.test:5000"}
        self.hidden(self.main, "/v2/team/app", mine, unknown)
        self.finished()

    def test_elsewhere(self) -> None:
        """Through another image and other repositories: not even Alice herself."""
        for who in ("alice", "bob"):
            for lead in (
                *("/v2/own/team/another", "/v2/own/team/app2", "/v2/all/team/another"),
                *("/v2/other/team/app", "/v2/strict/team/app", "/v2/none/team/app"),
            ):
                code = _UNKNOWN if "/none/" in lead else None
                expected = unknown if code is None else lambda method, target: 404
                self.hidden(self.main, lead, login(who), expected)
            for lead, code in (("/v2/hub/team/app", 405), ("/v2/off/team/app", 503)):
                for method, _, status in self.tried(self.main, lead, login(who)):
                    self.assertIn(status, (code, 405, 400), (method, lead))
        self.finished()

    def test_while_she_sends(self) -> None:
        """Nor can it be told that she is at it right now."""
        opened: list[object] = []
        opening = self.own.upload(APP, self.identifier, "alice")
        Deferred.fromCoroutine(opening).addCallback(opened.append)
        busy = self.ask("PATCH", self.place, body=b"x")
        self.assertEqual(busy.json()["errors"][0]["code"], "BLOB_UPLOAD_INVALID")
        self.untouched = lambda: None  # type: ignore[method-assign]  of no use now
        self.hidden(self.main, "/v2/own/team/app", login("bob"), unknown)

    def test_when_it_has_ended(self) -> None:
        """Nor that there was one."""
        self.finished()
        self.untouched = lambda: None  # type: ignore[method-assign]
        for who in ("alice", "bob"):
            self.hidden(self.main, "/v2/own/team/app", login(who), unknown)

    def test_the_digest_of_what_is_there(self) -> None:
        """The content of a session cannot be mounted, by anybody, before it is whole;
        once it is, only by who may read where it is."""
        whole = Digest.of(CONTENT[:4])
        for who in ("alice", "bob"):
            for named in ("&from=own/team/app", ""):
                target = f"/v2/own/team/b/blobs/uploads/?mount={whole}{named}"
                self.assertEqual(self.ask("POST", target, who).status, 202)
        self.finished()


class StrangerTests(OthersCase):
    """Who has not logged in, or may not push."""

    def test_anonymous(self) -> None:
        """401 for all of it: nobody is told anything."""
        for self.anonymous in (False, True):
            self.main = self.make()
            for lead in (*LEADS, "/v2/other/", "/v2/strict/"):
                for who in ("", "mallory"):
                    # Wrong passwords are rationed; a session that rests would end.
                    self.assertEqual(self.ask("PATCH", self.place).status, 202)
                    path = f"{lead}team/app"
                    for tried in self.tried(self.main, path, login(who), pause=7.0):
                        self.assertEqual(tried[-1], 401, (who, lead, tried))
        self.finished()

    def test_anonymous_who_may_push(self) -> None:
        """Anonymous is a principal like others: another one than Alice."""
        every = frozenset({Right.READ, Right.PUSH})
        users = frozenset({"anonymous", "alice"})
        self.policy = RolePolicy(True, [Role("r", users, every)])
        self.main = self.make()
        self.hidden(self.main, "/v2/own/team/app", {}, unknown)
        self.finished()

    def test_rights_that_do_not_do(self) -> None:
        """403 without the right to push; 401 for a token that was not asked for that,
        in whoever's name it is."""
        token = self.token("repository:own/team/app:pull")
        bearer = {"Authorization": f"Bearer {token}"}
        self.hidden(self.main, "/v2/own/team/app", bearer, lambda *_: 401)
        read = Role("r", frozenset({"bob"}), frozenset({Right.READ, Right.DELETE}))
        alice = Role("a", frozenset({"alice"}), frozenset(Right))
        self.policy = RolePolicy(False, [read, alice])
        self.main = self.make()
        self.hidden(self.main, "/v2/own/team/app", login("bob"), lambda *_: 403)
        answered = answer_bytes(
            self.main, self.house.clock, "GET", self.place, login("bob")
        )
        body = answered.partition(b"\r\n\r\n")[2].removesuffix(b"OPEN")
        self.assertEqual(json.loads(body)["errors"][0]["code"], "DENIED")
        self.finished()
