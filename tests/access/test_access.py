"""Users, tokens, the policy, and the first user."""

import tempfile
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from pullthrough.access import principals, tokens
from pullthrough.access.bootstrap import ensure_admin
from pullthrough.access.htpasswd import HtpasswdError, entry, parse_htpasswd, verify
from pullthrough.access.policy import SimplePolicy
from pullthrough.errors import Unauthenticated
from pullthrough.interfaces import IAccessPolicy, IAuthenticator
from pullthrough.spec.names import ImageName
from pullthrough.spec.tokens import Access
from pullthrough.threads import Inline
from pullthrough.values import Identity
from tests.support.authenticators import make_authenticator


class CountingThreads(Inline):
    """Counts what runs in it."""

    runs = 0

    def run(self, function, *args, **kwargs):  # type: ignore[no-untyped-def]
        """Count and run."""
        self.runs += 1
        return super().run(function, *args, **kwargs)


class AccessCase(SynchronousTestCase):
    """An authenticator of one user."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.threads = CountingThreads()
        self.count = 0
        users = parse_htpasswd(entry("alice", "pässword", 4))
        self.authenticator = make_authenticator(users, self.clock, self.threads)

    def random(self, size: int) -> bytes:
        """Bytes that differ each time."""
        self.count += 1
        return self.count.to_bytes(size)

    def log_in(self, name: str, password: str) -> "Deferred[Identity]":
        """Try a password."""
        return Deferred.fromCoroutine(self.authenticator.password(name, password))


class PasswordTests(AccessCase):
    """Names and passwords."""

    def test_right_and_wrong(self) -> None:
        """Only the right one, for that user, counts."""
        self.assertTrue(verifyObject(IAuthenticator, self.authenticator))
        found = self.successResultOf(self.log_in("alice", "pässword"))
        self.assertEqual(found, Identity("alice"))
        for name, password in (
            ("alice", "wrong"),
            ("bob", "pässword"),
            ("", ""),
            ("alice", ""),
            ("alice", "x" * 100),
            ("alice", "p\0"),
            ("alice", "\ud800"),
            ("\ud800", "x"),
        ):
            self.failureResultOf(self.log_in(name, password), Unauthenticated)

    def test_remembered(self) -> None:
        """A password is verified once a minute, a wrong one as well."""
        for _ in range(5):
            self.successResultOf(self.log_in("alice", "pässword"))
        self.assertEqual(self.threads.runs, 1)
        self.clock.advance(principals.REMEMBERED + 1)
        self.successResultOf(self.log_in("alice", "pässword"))
        self.assertEqual(self.threads.runs, 2)
        for _ in range(3):
            self.failureResultOf(self.log_in("alice", "no"), Unauthenticated)
        self.assertEqual(self.threads.runs, 3)
        self.failureResultOf(self.log_in("alice", "nor this"), Unauthenticated)
        self.assertEqual(self.threads.runs, 4)

    def test_unknown_users_cost_the_same(self) -> None:
        """One verification, as for a known one."""
        self.failureResultOf(self.log_in("bob", "x"), Unauthenticated)
        self.assertEqual(self.threads.runs, 1)

    def test_htpasswd(self) -> None:
        """Comments and blank lines; whatever else is refused by its line."""
        line = entry("a", "x", 4)
        self.assertEqual(list(parse_htpasswd(f"# users\n\n{line}")), ["a"])
        self.assertTrue(verify("x", parse_htpasswd(line)["a"]))
        for text in ("a", ":x", "a:$apr1$x$y", "a:{SHA}x", "a:plain", line + line):
            with self.assertRaises(HtpasswdError) as caught:
                parse_htpasswd(text)
            self.assertNotIn("plain", str(caught.exception))

    def test_hashes_that_are_none(self) -> None:
        """What bcrypt would not take when somebody logs in is refused by its line."""
        line = entry("a", "x", 4)
        salt = line.index("$04$") + len("$04$")
        for broken in (
            line.replace("$04$", "$03$"),
            line.replace("$04$", "$32$"),
            line[: salt + 21] + "z" + line[salt + 22 :],
        ):
            self.assertRaises(HtpasswdError, parse_htpasswd, broken)

    def test_lines(self) -> None:
        """Only a line feed ends one: a comment may hold any other sign."""
        line = entry("a", "x", 4)
        text = f"# \x85root:{line.partition(':')[2]}\r\n{line.rstrip()}\r\n\r\n"
        self.assertEqual(list(parse_htpasswd(text)), ["a"])


class TokenTests(AccessCase):
    """Bearer tokens."""

    def test_life(self) -> None:
        """Good for its service and its time; what it was narrowed to comes back."""
        access = (Access("repository", "a", frozenset({"pull"})),)
        token = self.authenticator.grant(Identity("alice"), "own", access)
        self.assertGreaterEqual(len(token), 43)
        found = self.authenticator.token(token, "own")
        self.assertEqual(found, Identity("alice", access))
        for text, service in (
            (token, "other"),
            (token + "x", "own"),
            ("\ud800", "own"),
        ):
            self.assertRaises(Unauthenticated, self.authenticator.token, text, service)
        self.clock.advance(self.authenticator.lifetime)
        self.assertRaises(Unauthenticated, self.authenticator.token, token, "own")

    def test_bounded(self) -> None:
        """The oldest are forgotten; those that expired too."""
        self.patch(tokens, "MOST", 10)
        made = [self.authenticator.grant(Identity(), "own", ()) for _ in range(12)]
        self.assertRaises(Unauthenticated, self.authenticator.token, made[1], "own")
        self.authenticator.token(made[2], "own")
        self.clock.advance(self.authenticator.lifetime + 1)
        self.authenticator.grant(Identity(), "own", ())
        self.assertEqual(len(self.authenticator._tokens._grants), 1)


class PolicyTests(SynchronousTestCase):
    """The policy."""

    def test_policy(self) -> None:
        """Users everything; anonymous what the switch says, and never a push."""
        image = ImageName("a")
        for switch in (True, False):
            policy = SimplePolicy(switch)
            self.assertTrue(verifyObject(IAccessPolicy, policy))
            for action in ("pull", "push", "delete", "catalog"):
                self.assertTrue(policy.permits("alice", "own", image, action))
                reads = action in ("pull", "catalog")
                self.assertEqual(
                    policy.permits("", "own", image, action), switch and reads
                )


class BootstrapTests(SynchronousTestCase):
    """The first user."""

    def test_made_once(self) -> None:
        """A random password in a 0600 file, that works, and stays."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        made = ensure_admin(Path(folder.name))
        password = made.password.read_text().strip()
        self.assertGreaterEqual(len(password), 24)
        users = parse_htpasswd(made.htpasswd.read_text())
        self.assertTrue(verify(password, users["admin"]))
        for path in (made.password, made.htpasswd):
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(ensure_admin(Path(folder.name)), made)
        self.assertEqual(made.password.read_text().strip(), password)
        self.assertEqual(len(list(Path(folder.name).iterdir())), 2)
