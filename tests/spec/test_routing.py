"""Routing rules, rate limits and addresses."""

import ipaddress

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.addresses import (
    is_loopback,
    is_odd_number,
    is_public,
    literal,
)
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.ratelimit import Budget, parse_budget, pause_after
from pullthrough.spec.reference import Reference, Tag
from pullthrough.spec.routing import Mode, RoutingRule

DIGEST = Digest.of(b"x")


class RoutingTests(SynchronousTestCase):
    """Which images are let through."""

    def through(self, rule: RoutingRule, image: str, reference: object) -> bool:
        """Whether it is; a text is a tag."""
        found: Reference | None = None
        if isinstance(reference, Digest):
            found = reference
        elif isinstance(reference, str):
            found = Tag(reference)
        return rule.permits(ImageName(image), found)

    def test_images(self) -> None:
        """Allowed alone, or blocked alone, whatever is asked of them."""
        allow = RoutingRule("a", Mode.ALLOW, ("library/*", "team/app"))
        block = RoutingRule("b", Mode.BLOCK, ("library/*", "team/app"))
        for image, matched in (
            ("library/redis", True),
            ("library/a/b", True),
            ("team/app", True),
            ("team/app2", False),
            ("other", False),
        ):
            for reference in ("v1", DIGEST, None):
                self.assertEqual(self.through(allow, image, reference), matched)
                self.assertEqual(self.through(block, image, reference), not matched)

    def test_tags(self) -> None:
        """Of tags a rule may name some; digests and lists go with the image."""
        allow = RoutingRule("a", Mode.ALLOW, ("team/*",), ("v*", "latest"))
        block = RoutingRule("b", Mode.BLOCK, ("*",), ("latest",))
        for rule, image, reference, expected in (
            (allow, "team/app", "v1", True),
            (allow, "team/app", "main", False),
            (allow, "team/app", DIGEST, True),
            (allow, "team/app", None, True),
            (allow, "other", "v1", False),
            (block, "team/app", "latest", False),
            (block, "team/app", "v1", True),
            (block, "team/app", DIGEST, True),
            (block, "team/app", None, True),
        ):
            self.assertEqual(self.through(rule, image, reference), expected)


class RateLimitTests(SynchronousTestCase):
    """What upstreams tell."""

    def test_budgets(self) -> None:
        """With and without a window; what is nonsense tells nothing."""
        self.assertEqual(
            parse_budget("100;w=21600", "76;w=21600"), Budget(100, 76, 21600)
        )
        self.assertEqual(parse_budget("100;w=60", " 5 "), Budget(100, 5, 60))
        self.assertEqual(parse_budget("10", "0"), Budget(10, 0, 0))
        for limit, remaining in (("", ""), ("100", ""), ("x", "5"), ("5", "-1")):
            self.assertIsNone(parse_budget(limit, remaining))

    def test_pauses(self) -> None:
        """What is told, within reason."""
        for told, pause in ((None, 60.0), (0.0, 1.0), (30.0, 30.0), (1e9, 3600.0)):
            self.assertEqual(pause_after(told), pause)


class AddressTests(SynchronousTestCase):
    """Whose addresses they are."""

    def test_private_ones(self) -> None:
        """Ours, link-local, metadata, wrapped in IPv6 in every way."""
        for text in (
            *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
            *("0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1"),
            *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1"),
            *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"),
            *("64:ff9b::a00:1", "2002:7f00:1::", "64:ff9b:1::a00:1"),
            "2001:0:a00:1:0:0:80ff:fffe",
        ):
            self.assertFalse(is_public(ipaddress.ip_address(text)), text)

    def test_this_machine(self) -> None:
        """By a loopback address, wrapped or not; a name is none."""
        for text in ("127.0.0.1", "127.1.2.3", "::1", "[::1]", "::ffff:127.0.0.1"):
            self.assertTrue(is_loopback(text), text)
        for text in ("10.0.0.1", "::2", "::ffff:10.0.0.1", "localhost", "127.1", ""):
            self.assertFalse(is_loopback(text), text)

    def test_public_ones(self) -> None:
        """Somebody's."""
        for text in ("8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"):
            self.assertTrue(is_public(ipaddress.ip_address(text)), text)

    def test_literals(self) -> None:
        """Addresses by the book, names, and what only some take for an address."""
        for host, odd in (
            *(("127.0.0.1", False), ("[::1]", False), ("fe80::1%eth0", False)),
            *(("registry.test", False), ("a1", False), ("1.example", False)),
            *(("2130706433", True), ("0x7f000001", True), ("127.1", True)),
            *(("0177.0.0.1", True), ("0x7f.0.0.1", True), ("127.0.0.1.", True)),
            *(("1.2.3.4.5", True), ("a.0x", True)),
        ):
            self.assertEqual(is_odd_number(host), odd, host)
        self.assertEqual(literal("[::1]"), ipaddress.ip_address("::1"))
        self.assertIsNone(literal("registry.test"))


class GlobTests(SynchronousTestCase):
    """Patterns."""

    def test_they_do_not_backtrack(self) -> None:
        """A pattern that would take for ever is done at once: this test ends."""
        glob = "*a" * 60 + "*b"
        rule = RoutingRule("slow", Mode.ALLOW, (glob,), (glob,))
        image, tag = ImageName("a" * 255), Tag("a" * 128)
        self.assertFalse(rule.permits(image, tag))
        self.assertTrue(rule.permits(ImageName("a" * 120 + "b"), Tag("a" * 120 + "b")))
