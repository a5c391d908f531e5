"""Docker's V1 API."""

from pullthrough.repository.group import GroupRepository
from tests.support.site import SiteCase


class V1Tests(SiteCase):
    """Docker's V1 API."""

    v1 = True

    def test_ping_and_users(self) -> None:
        """Anybody may ping; users tells whether a password is right."""
        got = self.ask("GET", "/v1/_ping", user="")
        self.assertEqual((got.status, got.sent), (200, b"true"))
        self.assertEqual(got.headers["X-Docker-Registry-Standalone"], "true")
        for method in ("GET", "POST"):
            self.assertEqual(self.ask(method, "/v1/users/").status, 200)
            got = self.ask(method, "/v1/users/", user="")
            challenge = got.headers["WWW-Authenticate"]
            self.assertEqual(
                (got.status, challenge), (401, 'Basic realm="pullthrough"')
            )

    def test_search(self) -> None:
        """As Docker asks, and as it wants the answer; in a group as well."""
        self.push_image()
        group = GroupRepository("all", [self.hosted])
        for repository in (self.hosted, group):
            self.site = self.make_site(repository)
            got = self.ask("GET", "/v1/search?q=APP&n=25").json()
            self.assertEqual((got["num_results"], got["query"]), (1, "APP"))
            (found,) = got["results"]
            self.assertEqual(found["name"], "team/app")
            self.assertIs(found["is_official"], False)
        for query, count in (("q=library/app", 1), ("q=none", 0), ("q=&n=x", 1)):
            got = self.ask("GET", f"/v1/search?{query}&n=1")
            self.assertEqual(got.json()["num_results"], count)
        self.assertEqual(self.ask("GET", "/v1/search?q=a", user="").status, 401)

    def test_search_with_a_token(self) -> None:
        """Docker that has logged in by refresh token asks for one with a scope of its
        own; one for something else does not do."""
        self.push_image()
        for scope, status in (("registry:catalog:search", 200), ("registry:x:y", 200)):
            token = self.ask("GET", f"/v2/token?scope={scope}").json()["token"]
            bearer = {"Authorization": f"Bearer {token}"}
            got = self.ask("GET", "/v1/search?q=app", user="", headers=bearer)
            self.assertEqual(got.status, status, scope)
        token = self.ask("GET", "/v2/token?scope=repository:a:pull").json()["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        got = self.ask("GET", "/v1/search?q=app", user="", headers=bearer)
        self.assertEqual(got.status, 401)

    def test_tags(self) -> None:
        """Tags with what they stand for."""
        made = self.push_image()
        got = self.ask("GET", "/v1/repositories/team/app/tags")
        self.assertEqual(got.json(), {"v1": made.digest.hex})
        got = self.ask("GET", "/v1/repositories/team/app/images")
        self.assertEqual(got.json(), [{"id": made.digest.hex, "tag": "v1"}])

    def test_what_is_not_there(self) -> None:
        """Errors as everywhere."""
        for method, path, status, code in (
            ("GET", "/v1/nonsense", 404, "UNSUPPORTED"),
            ("GET", "/v1/repositories/BAD/tags", 400, "NAME_INVALID"),
            ("GET", "/v1/repositories/none/tags", 404, "NAME_UNKNOWN"),
            ("PUT", "/v1/repositories/team/app/tags", 405, "UNSUPPORTED"),
            ("DELETE", "/v1/_ping", 405, "UNSUPPORTED"),
        ):
            got = self.ask(method, path)
            self.assertEqual((got.status, got.error), (status, code), path)
        self.assertEqual(self.ask("GET", "/v1/nonsense", user="").status, 401)

    def test_switched_off(self) -> None:
        """Then there is nothing."""
        self.v1 = False
        self.site = self.make_site(self.hosted)
        self.assertEqual(self.ask("GET", "/v1/_ping").status, 404)
