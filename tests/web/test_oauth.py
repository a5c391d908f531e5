"""The token realm by POST, and refresh tokens."""

import base64
from urllib.parse import urlencode

from tests.support.exchange import FakeExchange
from tests.support.site import BLOB, LAYER, SiteCase

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class OAuthTests(SiteCase):
    """OAuth2's grants, as Docker, containerd and others use them."""

    def post(self, user: str = "", **fields: str) -> FakeExchange:
        """A form."""
        body = urlencode({"service": "own", "client_id": "docker", **fields}).encode()
        return self.ask("POST", "/v2/token", user=user, headers=_FORM, body=body)

    def by_password(self, **more: str) -> FakeExchange:
        """Alice's."""
        return self.post(
            grant_type="password", username="alice", password="pw-alice", **more
        )

    def opens(self, token: str) -> bool:
        """Whether a token opens the blob."""
        headers = {"Authorization": f"Bearer {token}"}
        return self.ask("GET", BLOB, user="", headers=headers).status == 200

    def test_a_password(self) -> None:
        """A token for several scopes as far as permitted, told in the answer; a refresh
        token only when it was asked for."""
        self.push_blob()
        scope = "repository:team/app:pull repository:team/b:pull,push nonsense"
        got = self.by_password(scope=scope)
        answer = got.json()
        self.assertEqual(
            answer["scope"], "repository:team/app:pull repository:team/b:pull,push"
        )
        self.assertTrue(self.opens(answer["access_token"]))
        self.assertNotIn("refresh_token", answer)
        self.assertIn("refresh_token", self.by_password(access_type="offline").json())

    def test_a_refresh_token(self) -> None:
        """It gives tokens again and again, by POST only; by GET one is to be had, too,
        but not without a login."""
        self.push_blob()
        by_get = "/v2/token?service=own&offline_token=true"
        refresh = self.ask("GET", by_get).json()["refresh_token"]
        for _ in range(2):
            got = self.post(
                grant_type="refresh_token",
                refresh_token=refresh,
                scope="repository:team/app:pull",
            )
            self.assertEqual(got.json()["refresh_token"], refresh)
            self.assertTrue(self.opens(got.json()["access_token"]))
        self.assertFalse(self.opens(refresh))
        self.anonymous = True
        self.site = self.make_site(self.hosted)
        self.assertNotIn("refresh_token", self.ask("GET", by_get, user="").json())

    def test_what_proves_nothing(self) -> None:
        """401, and it is kept who was claimed to ask."""
        for fields in (
            {"grant_type": "password", "username": "alice", "password": "x"},
            {"grant_type": "password"},
            {"grant_type": "refresh_token", "refresh_token": "x"},
            {"grant_type": "refresh_token"},
        ):
            got = self.post(**fields)
            self.assertEqual((got.status, got.error), (401, "UNAUTHORIZED"))
            self.assertIn("Basic", got.headers["WWW-Authenticate"])
        self.assertEqual([event.principal for event in self.kept], ["alice"])
        self.assertEqual(self.kept[0].action, "login")

    def test_no_such_form(self) -> None:
        """400 or 413, whatever comes."""
        for headers, body, status in (
            (_FORM, b"grant_type=device", 400),
            (_FORM, b"", 400),
            (_FORM, b"grant_type=\xff", 400),
            (_FORM, b"&".join([b"a=b"] * 200), 400),
            ({"Content-Type": "application/json"}, b"{}", 400),
            ({}, b"grant_type=password", 400),
            (_FORM, b"x" * 70_000, 413),
        ):
            got = self.ask("POST", "/v2/token", user="", headers=headers, body=body)
            self.assertEqual(got.status, status, body[:40])

    def guess(self, number: int) -> FakeExchange:
        """A try at alice's password."""
        pair = base64.b64encode(f"alice:{number}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        return self.ask("GET", BLOB, user="", headers=headers)

    def test_an_old_password(self) -> None:
        """A machine that has it still does not shut its user out."""
        self.push_blob()
        self.house.clock.advance(61)
        for _ in range(30):
            self.assertEqual(self.guess(1).status, 401)
        self.assertEqual(self.ask("GET", BLOB).sent, LAYER)

    def test_too_many_wrong_passwords(self) -> None:
        """429 with when to come back; a right one that is remembered still works."""
        self.push_blob()
        self.assertEqual(self.ask("GET", BLOB).sent, LAYER)
        statuses = [self.guess(number).status for number in range(12)]
        self.assertEqual(statuses, [401] * 10 + [429] * 2)
        got = self.by_password()
        self.assertEqual(got.status, 200)
        self.house.clock.advance(61)
        self.assertEqual(self.by_password().status, 200)
        for number in range(11):
            got = self.guess(100 + number)
        self.assertEqual((got.status, got.error), (429, "TOOMANYREQUESTS"))
        self.assertEqual(got.headers["Retry-After"], "6")
