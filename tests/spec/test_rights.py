"""Roles and what they give."""

import itertools

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.names import ImageName
from pullthrough.spec.rights import Right, Role, permitted

APP, OTHER = ImageName("team/app"), ImageName("library/redis")


class RightsTests(SynchronousTestCase):
    """What a role covers."""

    def test_who(self) -> None:
        """By name; ``*`` is every user, but not who has not logged in."""
        for users, principal, has in (
            ({"alice"}, "alice", True),
            ({"alice"}, "bob", False),
            ({"alice"}, "", False),
            ({"*"}, "bob", True),
            ({"*"}, "", False),
            ({"anonymous"}, "", True),
            ({"anonymous"}, "alice", False),
        ):
            role = Role("r", frozenset(users), frozenset(Right))
            self.assertEqual(role.includes(principal), has, (users, principal))

    def test_what(self) -> None:
        """By globs of repositories and images; None is any image there."""
        role = Role(
            "r", frozenset("a"), frozenset(Right), ("docker-*", "own"), ("team/*",)
        )
        for repository, image, covered in (
            ("docker-private", APP, True),
            ("own", APP, True),
            ("own", OTHER, False),
            ("own", None, True),
            ("hub", APP, False),
            ("hub", None, False),
        ):
            self.assertEqual(role.covers(repository, image), covered)

    def test_nothing_else(self) -> None:
        """What no role gives is refused; roles add up."""
        roles = [
            Role("read", frozenset({"*"}), frozenset({Right.READ}), ("own",)),
            Role("push", frozenset({"alice"}), frozenset({Right.PUSH}), ("own",)),
        ]
        for principal, repository, right in itertools.product(
            ("", "alice", "bob"), ("own", "hub"), Right
        ):
            expected = repository == "own" and (
                (right is Right.READ and principal != "")
                or (right is Right.PUSH and principal == "alice")
            )
            self.assertEqual(
                permitted(roles, principal, repository, APP, right), expected
            )
        self.assertFalse(permitted([], "alice", "own", APP, Right.READ))
