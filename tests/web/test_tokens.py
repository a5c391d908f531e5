"""Challenges, tokens and Basic."""

import base64
from typing import Any

from tests.support.exchange import FakeExchange
from tests.support.site import BLOB, DIGEST, LAYER, UPLOADS, SiteCase


class BearerTests(SiteCase):
    """Tokens, and the challenge that leads to them."""

    def challenge(self, got: FakeExchange) -> str:
        """The challenge of a 401."""
        self.assertEqual((got.status, got.error), (401, "UNAUTHORIZED"))
        return got.headers["WWW-Authenticate"]

    def token(self, scope: str = "", user: str = "alice") -> str:
        """A token."""
        got = self.ask("GET", f"/v2/token?service=own&scope={scope}", user=user)
        self.assertEqual(got.status, 200, got.sent)
        answer = got.json()
        self.assertEqual(answer["token"], answer["access_token"])
        self.assertGreaterEqual(answer["expires_in"], 60)
        self.assertTrue(answer["issued_at"].endswith("Z"))
        return str(answer["token"])

    def bearer(self, method: str, target: str, token: str, **more: Any) -> FakeExchange:
        """A request with a token."""
        headers = {"Authorization": f"Bearer {token}"}
        return self.ask(method, target, user="", headers=headers, **more)

    def test_challenges(self) -> None:
        """Where the realm is, and what scope is needed."""
        realm = 'Bearer realm="http://registry.test:5000/v2/token",service="own"'
        self.assertEqual(self.challenge(self.ask("GET", "/v2/", user="")), realm)
        for method, target, scope in (
            ("GET", BLOB, "repository:team/app:pull"),
            ("POST", UPLOADS, "repository:team/app:pull,push"),
            ("DELETE", BLOB, "repository:team/app:pull,delete"),
            ("GET", "/v2/_catalog", "registry:catalog:*"),
        ):
            found = self.challenge(self.ask(method, target, user=""))
            self.assertEqual(found, f'{realm},scope="{scope}"')
        got = self.ask("GET", "/v2/", user="", secure=True)
        self.assertIn('realm="https://', self.challenge(got))

    def test_the_challenge_of_a_mount(self) -> None:
        """It asks for the source as well."""
        target = f"/v2/team/other/blobs/uploads/?mount={DIGEST}&from=team/app"
        found = self.challenge(self.ask("POST", target, user=""))
        scopes = "repository:team/other:pull,push repository:team/app:pull"
        self.assertIn(f'scope="{scopes}"', found)

    def test_a_token_opens_what_it_covers(self) -> None:
        """And nothing else."""
        self.push_blob()
        token = self.token("repository:team/app:pull")
        self.assertEqual(self.bearer("GET", "/v2/", token).status, 200)
        self.assertEqual(self.bearer("GET", BLOB, token).sent, LAYER)
        for method, target in (
            ("POST", UPLOADS),
            ("GET", f"/v2/other/blobs/{DIGEST}"),
            ("DELETE", BLOB),
            ("GET", "/v2/_catalog"),
        ):
            self.challenge(self.bearer(method, target, token))
        token = self.token("repository:team/app:*%20registry:catalog:*")
        self.assertEqual(self.bearer("POST", UPLOADS, token).status, 202)
        self.assertEqual(self.bearer("GET", "/v2/_catalog", token).status, 200)

    def test_a_token_without_scope(self) -> None:
        """It logs in, lists the catalogue, and opens nothing else."""
        token = self.token()
        self.assertEqual(self.bearer("GET", "/v2/", token).status, 200)
        self.assertEqual(self.bearer("GET", "/v2/_catalog", token).status, 200)
        self.challenge(self.bearer("GET", BLOB, token))

    def test_odd_scopes(self) -> None:
        """What cannot be granted is left out."""
        for scope in (
            "x:y:pull",
            "repository:BAD:pull",
            "repository:a:fly",
            "nonsense",
        ):
            self.challenge(self.bearer("GET", BLOB, self.token(scope)))

    def test_tokens_end(self) -> None:
        """After their time, and at another repository's connector."""
        token = self.token("repository:team/app:pull")
        other = self.make_site(self.house.hosted("other"))
        mine, self.site = self.site, other
        self.challenge(self.bearer("GET", "/v2/", token))
        self.site = mine
        self.house.clock.advance(301)
        self.challenge(self.bearer("GET", "/v2/", token))

    def test_wrong_credentials(self) -> None:
        """401, at the realm with a Basic challenge."""
        wrong = base64.b64encode(b"alice:wrong").decode()
        nobody = base64.b64encode(b"nobody:pw-alice").decode()
        nocolon = base64.b64encode(b"alice").decode()
        for value in (
            f"Basic {wrong}",
            f"Basic {nobody}",
            f"Basic {nocolon}",
            "Basic !!!",
            "Basic /w==",
            "Basic bWU6\xe4",
            "Bearer x",
            "Digest x",
            "Basic",
        ):
            headers = {"Authorization": value}
            got = self.ask("GET", "/v2/", user="", headers=headers)
            self.assertIn("Bearer realm=", self.challenge(got))
            got = self.ask("GET", "/v2/token", user="", headers=headers)
            self.assertEqual(self.challenge(got), 'Basic realm="pullthrough"')

    def test_nothing_is_told_to_strangers(self) -> None:
        """Neither what is malformed nor what does not exist."""
        for target in ("/", "/v2/A/tags/list", "/v2/a/blobs/x", "/v2/x/y"):
            self.challenge(self.ask("GET", target, user=""))

    def test_a_mount_from_what_may_not_be_read(self) -> None:
        """The token does not cover the source: a challenge asks for both; one that
        names no source begins an upload."""
        self.push_blob()
        token = self.token("repository:team/other:pull,push")
        target = f"/v2/team/other/blobs/uploads/?mount={DIGEST}&from=team/app"
        found = self.challenge(self.bearer("POST", target, token))
        self.assertIn("repository:team/app:pull", found)
        both = "repository:team/other:pull,push%20repository:team/app:pull"
        token = self.token(both)
        self.assertEqual(self.bearer("POST", target, token).status, 201)
        token = self.token("repository:team/third:pull,push")
        target = f"/v2/team/third/blobs/uploads/?mount={DIGEST}"
        self.assertEqual(self.bearer("POST", target, token).status, 202)


class AnonymousTests(BearerTests):
    """Anonymous pulls, where they are switched on."""

    anonymous = True

    def test_pull_without_a_password(self) -> None:
        """With an anonymous token, or with nothing; pushing needs a user."""
        self.push_blob()
        self.challenge(self.ask("GET", "/v2/", user=""))
        self.assertEqual(self.ask("GET", BLOB, user="").sent, LAYER)
        token = self.token("repository:team/app:pull,push", user="")
        self.assertEqual(self.bearer("GET", "/v2/", token).status, 200)
        self.assertEqual(self.bearer("GET", BLOB, token).sent, LAYER)
        self.challenge(self.bearer("POST", UPLOADS, token))
        self.challenge(self.ask("POST", UPLOADS, user=""))

    def test_challenges(self) -> None:
        """Only for what anonymous may not do."""
        self.challenge(self.ask("POST", UPLOADS, user=""))
        self.assertEqual(self.ask("GET", BLOB, user="").status, 404)


class BasicTests(SiteCase):
    """``force_basic_auth``."""

    force = True
    anonymous = True

    def test_nobody_without_a_password(self) -> None:
        """A Basic challenge, whatever anonymous may do elsewhere."""
        for method, target in (
            ("GET", "/v2/"),
            ("GET", BLOB),
            ("POST", UPLOADS),
            ("GET", "/v2/token"),
        ):
            got = self.ask(method, target, user="")
            self.assertEqual(got.status, 401)
            self.assertEqual(
                got.headers["WWW-Authenticate"], 'Basic realm="pullthrough"'
            )
        self.assertEqual(self.ask("GET", "/v2/").status, 200)
        self.push_blob()
        self.assertEqual(self.ask("GET", BLOB).sent, LAYER)
