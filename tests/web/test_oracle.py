"""What exists is told only to who may see it: byte by byte the same answers to all
others, whether something is there or not (threat T6)."""

import json
from collections.abc import Iterable, Mapping
from itertools import product
from urllib.parse import urlencode

from pullthrough.access.roles import RolePolicy
from pullthrough.spec.digest import Digest
from pullthrough.spec.mediatypes import OCI_INDEX
from pullthrough.spec.rights import Right, Role
from tests.support.exactly import answer_bytes, login, status_of
from tests.support.oracle import (
    BLOB,
    KINDS,
    LAYER,
    LEADS,
    MADE,
    NEVER,
    NO_BLOB,
    NO_LAYER,
    NOT_THERE,
    OWN,
    THERE,
    TYPED,
    OracleCase,
    Question,
    alike,
)

#: By path, with the repository's name in it.
BASE_PATH = "/repository/{}/v2/"
PATHS = ("/v2/{}/", "/v2/repository/{}/", BASE_PATH)

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class ImageTests(OracleCase):
    """An image that somebody may not see."""

    def same(
        self,
        headers: Mapping[str, str],
        status: int,
        leads: Iterable[str] = (*LEADS, OWN),
        methods: Iterable[str] = ("GET", "HEAD", "POST", "PUT", "DELETE"),
        pause: float = 0.0,
    ) -> None:
        """Each kind of question has one answer, with this status."""
        leads = tuple(leads)
        if "/v2/hub/" not in leads:
            self.told(*leads)
        asked = [kind for kind in KINDS if kind[0].method in methods]
        self.assertGreaterEqual(len(asked), 15)
        for lead in leads:
            for kind in asked:
                answers = set()
                for one in kind:
                    self.house.clock.advance(pause)
                    answers.add(self.seen(lead, headers, one))
                self.assertEqual(len(answers), 1, (lead, kind[0][:2], answers))
                answer = answers.pop()
                self.assertEqual(status_of(answer), status, (lead, kind[0][:2]))

    def told(self, *leads: str) -> None:
        """Let Alice have all that there is: some of it is kept for who asks again."""
        for lead, kind in product(leads, KINDS):
            if kind[0].method in ("GET", "HEAD"):
                status = status_of(self.seen(lead, login("alice"), kind[0]))
                self.assertIn(status, (200, 206, 304, 404, 416), kind[0])

    def test_the_questions(self) -> None:
        """They do tell who may see it what is there: else they would prove nothing."""
        told = {
            len({self.seen(OWN, login("alice"), one) for one in kind})
            for kind in KINDS
            if kind[0].method in ("GET", "HEAD")
        }
        self.assertEqual(min(told), 2)

    def test_nobody(self) -> None:
        """Who has not logged in, whose password is wrong, whose token is none."""
        self.same({}, 401)
        self.same({"Authorization": "Bearer nonsense"}, 401)
        self.same(login("mallory"), 401, [OWN, "/v2/own/"], pause=7.0)

    def test_no_right(self) -> None:
        """Who has rights elsewhere."""
        self.same(login("bob"), 403)

    def test_tokens(self) -> None:
        """A token for other images; one that was asked for, and not given, for this;
        and one of who has all rights that is not for it."""
        for who, image in (("bob", "open/x"), ("bob", THERE), ("alice", "open/x")):
            scope = f"repository:own/{image}:pull,push,delete"
            token = self.token(scope, user=who)
            bearer = {"Authorization": f"Bearer {token}"}
            self.same(bearer, 401, ["/v2/own/", "/v2/repository/own/"])

    def test_writing_is_not_reading(self) -> None:
        """Who may push there, or see it in lists, is told nothing by reading."""
        for right in (Right.PUSH, Right.OVERWRITE, Right.BROWSE, Right.DELETE):
            self.roles(Role("r", frozenset({"bob"}), frozenset({right})))
            self.same(login("bob"), 403, methods=("GET", "HEAD"))

    def test_copies_of_an_upstream(self) -> None:
        """The same for what a proxy has, and nobody upstream is asked for them."""
        leads = ("/v2/hub/", "/v2/all/", "/repository/hub/v2/")
        self.told(*leads)
        before = self.upstream.asked.copy()
        for headers, status in (({}, 401), (login("bob"), 403)):
            self.same(headers, status, leads)
        self.assertEqual(self.upstream.asked, before)

    def test_repositories(self) -> None:
        """By no path on the main connector can be told whether there is such a
        repository: neither by who has a right to none, nor by who has all rights to
        another one."""
        for only in (False, True):
            if only:
                self.only_own()
            for headers, status in (({}, 401), (login("bob"), 403)):
                for lead, kind in product(PATHS, KINDS):
                    self.alike(lead, headers, kind[0], status)

    def test_bases(self) -> None:
        """Nor by what is asked of no image: the base, the realm, lists, nonsense."""
        self.only_own()
        grant = b"grant_type=password&username=bob&password=pw-bob&scope=repository:a:*"
        form = Question("POST", "token?", _FORM, grant)
        self.alike(BASE_PATH, {}, form, 200)
        for target, anonymous, known in (
            ("", 401, 404),
            ("token", 200, 200),
            ("token?scope=repository:a:pull", 200, 200),
            ("_catalog", 401, 403),
            ("nonsense", 401, 404),
            ("a/nonsense", 401, 404),
            ("A/tags/list", 401, 404),
            ("?%zz=1", 400, 400),
        ):
            asked = Question("GET", target)
            self.alike(BASE_PATH, {}, asked, anonymous)
            self.alike(BASE_PATH, login("bob"), asked, known)
        for target in ("a/nonsense", "A/tags/list"):
            for lead in PATHS:
                self.alike(lead, login("bob"), Question("GET", target), 404)
        for method, target in (("PUT", "token"), ("DELETE", "token")):
            self.alike(BASE_PATH, login("bob"), Question(method, target), 405)
        self.alike(BASE_PATH, login("bob"), Question("POST", ""), 404)

    def test_bases_of_who_may(self) -> None:
        """Who has any right there is let in; nobody is by a token for nothing."""
        self.only_own()
        base = "/repository/own/v2/"
        self.assertEqual(self.ask("GET", base, "bob").status, 200)
        self.assertEqual(self.ask("GET", base, "alice").status, 200)
        for user, status in (("bob", 200), ("", 404)):
            token = self.token(user=user, base="/repository/own")
            self.assertEqual(self.bearer("GET", base, token).status, status)
        # On its own connector there is nothing to hide.
        got = answer_bytes(
            self.sites["other"], self.house.clock, "GET", OWN, login("bob")
        )
        self.assertEqual(status_of(got), 200)

    def only_own(self) -> None:
        """Bob has all rights to the repository `own`, and none to any other."""
        rights = frozenset(Right)
        alice = Role("alice", frozenset({"alice"}), rights)
        bob = Role("bob", frozenset({"bob"}), rights, repositories=("own",))
        self.policy = RolePolicy(True, [alice, bob])
        self.main = self.make()

    def alike(
        self, lead: str, headers: Mapping[str, str], asked: Question, status: int
    ) -> None:
        """A repository that is there, and one that is not, have the same answer."""
        answers = {
            self.seen(lead.format(name), headers, asked).replace(
                name.encode(), b"REPOSITORY"
            )
            for name in ("other", "nones")
        }
        self.assertEqual([status_of(one) for one in answers], [status], answers)

    def test_v1(self) -> None:
        """Nor does the old API tell."""
        for headers, status in (({}, 401), (login("bob"), 403)):
            for what in ("tags", "images"):
                answers = {
                    self.seen(lead, headers, Question("GET", f"{image}/{what}"))
                    for lead in ("/repository/own/v1/repositories/",)
                    for image in (THERE, NOT_THERE)
                }
                self.assertEqual([status_of(one) for one in answers], [status])


class BesideTests(OracleCase):
    """What Bob is told of it at his own image."""

    lead = "/v2/own/open/b/"

    def asked(self, method: str, target: str, more: Question | None = None) -> bytes:
        """By Bob."""
        more = more or Question("", "")
        question = Question(method, target, more.headers, more.body)
        return self.seen(self.lead, login("bob"), question)

    def one(self, answers: Iterable[bytes], status: int) -> None:
        """All the same."""
        found = set(answers)
        self.assertEqual([status_of(one) for one in found], [status], found)

    def test_mounts(self) -> None:
        """202 and a new session, whether the source has it and is secret, has it not,
        is not there, or no image at all; a readable one gives 201."""
        names = (THERE, NOT_THERE, "open/non", "strict/a")
        for self.lead, prefix in (
            *(("/v2/own/open/b/", f"{name}/") for name in ("own", "repository/own")),
            *(("/v2/own/open/b/", f"{name}/") for name in ("other", "hub", "none")),
            *(("/v2/all/open/b/", f"{name}/") for name in ("all", "own", "hub")),
            *(("/repository/own/v2/open/b/", ""), ("/v2/own/open/b/", "")),
        ):
            self.setUp()  # a user may have so many sessions at once
            targets = [f"&from={prefix}{name}" for name in names]
            self.one(
                (
                    self.asked("POST", f"blobs/uploads/?mount={digest}{source}")
                    for source in (*targets, "")
                    for digest in (BLOB, NO_BLOB)
                ),
                202,
            )
        self.lead = "/v2/own/open/b/"
        read = Role("r", frozenset({"bob"}), frozenset({Right.READ}))
        self.roles(read)
        mount = f"blobs/uploads/?mount={BLOB}&from=own/{THERE}"
        self.one([self.asked("POST", mount)], 201)

    def test_mounts_with_a_token(self) -> None:
        """The challenge for a token that is too narrow asks for the source only if the
        user may read it: so it depends on rights, and not on what is there."""
        token = self.token("repository:own/open/b:pull,push", user="bob")
        bearer = {"Authorization": f"Bearer {token}"}
        answers = (
            self.seen(
                self.lead,
                bearer,
                Question("POST", f"blobs/uploads/?mount={digest}&from=own/{name}"),
            )
            for name in (THERE, NOT_THERE)
            for digest in (BLOB, NO_BLOB)
        )
        self.one(answers, 202)
        answers = (
            self.seen(
                self.lead,
                bearer,
                Question("POST", f"blobs/uploads/?mount={digest}&from=own/open/a"),
            )
            for digest in (BLOB, NO_BLOB)
        )
        self.one(answers, 401)

    def test_blobs(self) -> None:
        """Bytes are stored once; that others have brought them is not told."""
        for method in ("GET", "HEAD", "DELETE"):
            for prefix in ("blobs", "manifests"):
                if (method, prefix) == ("DELETE", "manifests"):
                    continue
                pairs = {
                    "blobs": (BLOB, NO_BLOB),
                    "manifests": (MADE.digest, NEVER.digest),
                }
                found = (self.asked(method, f"{prefix}/{one}") for one in pairs[prefix])
                self.one(found, 404)

    def test_pushes(self) -> None:
        """An upload of what is there already is taken like any other."""
        answers = []
        for content, digest in ((LAYER, BLOB), (NO_LAYER, NO_BLOB)):
            target = f"blobs/uploads/?digest={digest}"
            answers.append(self.asked("POST", target, Question("", "", {}, content)))
        self.one(answers, 201)

    def test_manifests(self) -> None:
        """One that names a blob, or an index that names a manifest, of a secret image
        is refused as if there were none; a subject that is secret counts as missing."""
        answers = (
            self.asked("PUT", "manifests/v1", Question("", "", TYPED, made.manifest))
            for made in (MADE, NEVER)
        )
        self.one(answers, 400)
        for field in ("manifests", "subject"):
            found = []
            for made in (MADE, NEVER):
                entry = {
                    "mediaType": made.media_type,
                    "digest": str(made.digest),
                    "size": len(made.manifest),
                }
                document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
                document[field] = [entry] if field == "manifests" else entry
                body = json.dumps(document).encode()
                typed = {"Content-Type": OCI_INDEX}
                put = Question("", "", typed, body)
                got = self.asked("PUT", "manifests/v2", put)
                found.append(got.replace(str(Digest.of(body)).encode(), b"ITSELF"))
            self.assertEqual(*found)

    def test_referrers(self) -> None:
        """None, of what others refer to elsewhere."""
        found = (self.asked("GET", f"referrers/{one.digest}") for one in (MADE, NEVER))
        self.one(found, 200)


class ListTests(OracleCase):
    """Tokens, catalogues and searches."""

    def test_tokens(self) -> None:
        """A token says what was granted, and that follows from rights alone."""
        for who, method in (("bob", "GET"), ("bob", "POST"), ("", "GET")):
            answers = set()
            for image in (THERE, NOT_THERE):
                scope = f"repository:own/{image}:pull,push repository:open/b:pull"
                fields = {"service": "Pullthrough", "scope": scope}
                target, headers, body = "/v2/token", login(who), b""
                if method == "POST":
                    given = {"grant_type": "password", "username": who}
                    given["password"] = f"pw-{who}"
                    body = urlencode({**fields, **given}).encode()
                    headers = _FORM
                else:
                    target += f"?{urlencode(fields)}"
                clock = self.house.clock
                got = answer_bytes(self.main, clock, method, target, headers, body)
                answers.add(alike(got))
            self.assertEqual([status_of(one) for one in answers], [200])

    def test_lists(self) -> None:
        """As if it had never been pushed."""
        asked = (
            *("/v2/_catalog", "/v2/_catalog?n=1", "/v2/_catalog?n=1&last=own/s"),
            *("/repository/own/v2/_catalog?n=1", "/repository/own/v1/search?q=secret"),
            *("/repository/own/v1/search?q=app", "/repository/all/v2/_catalog"),
        )
        found = []
        for deleted in (False, True):
            if deleted:
                for reference in ("v1", "ref", str(MADE.digest)):
                    gone = self.ask("DELETE", f"/v2/own/{THERE}/manifests/{reference}")
                    self.assertEqual(gone.status, 202)
            clock = self.house.clock
            found.append(
                [
                    answer_bytes(self.main, clock, "GET", one, login("bob"))
                    for one in asked
                ]
            )
        self.assertEqual(*found)
        self.assertEqual({status_of(one) for one in found[0]}, {200})
