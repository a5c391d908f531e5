"""``[role:NAME]`` and ``[usergroup:NAME]``: what they mean, and each fault."""

from pullthrough.spec.rights import Right, Role
from tests.config.test_ini import ConfigCase

_HOSTED = "[repository:own]\ntype = hosted\n"
_ROLE = "[role:dev]\nusers = alice\nactions = read, push\n"


class RoleTests(ConfigCase):
    """Roles."""

    def test_what_they_mean(self) -> None:
        """Users by name and by group; repositories and images by globs; all actions
        by one word."""
        settings = self.parse(
            _HOSTED + "[usergroup:ops]\nusers = carol, dave\n"
            "[role:dev]\nusers = alice\nuser_groups = ops\n"
            "actions = read, browse\nrepositories = own, hub-*\nimages = team/*\n"
            "[role:boss]\nusers = *\nactions = all\n"
        )
        self.assertEqual(
            settings.roles,
            (
                Role(
                    "dev",
                    frozenset({"alice", "carol", "dave"}),
                    frozenset({Right.READ, Right.BROWSE}),
                    ("own", "hub-*"),
                    ("team/*",),
                ),
                Role("boss", frozenset({"*"}), frozenset(Right)),
            ),
        )

    def test_anonymous(self) -> None:
        """It is a principal like others, behind the one switch."""
        text = _ROLE.replace("alice", "anonymous")
        self.fault(
            _HOSTED + text,
            "[role:dev] users: anonymous goes with [auth] anonymous_access = yes only",
        )
        settings = self.parse(_HOSTED + text + "[auth]\nanonymous_access = yes\n")
        self.assertIn("anonymous", settings.roles[0].users)

    def test_faults(self) -> None:
        """Each says what to change."""
        for text, expected in (
            (
                _ROLE.replace("push", "fly"),
                "[role:dev] actions: must be some of browse, read, push, overwrite,"
                " delete; or all",
            ),
            (
                _ROLE.replace("actions = read, push\n", ""),
                "[role:dev] actions: are missing: browse, read, push, overwrite,",
            ),
            (
                _ROLE.replace("users = alice\n", ""),
                "[role:dev] users: a role needs users or user_groups",
            ),
            (
                _ROLE + "user_groups = ops\n",
                "[role:dev] user_groups: there is no [usergroup:ops]",
            ),
            ("[usergroup:x]\nusers =\n", "[usergroup:x] users: names nobody"),
            (
                "[usergroup:x]\nusers = anonymous\n",
                "[usergroup:x] users: anonymous is nobody's name; name it in a role",
            ),
            (_ROLE + "x = 1\n", "[role:dev] x: there is no such option here"),
        ):
            self.fault(_HOSTED + text, expected)
