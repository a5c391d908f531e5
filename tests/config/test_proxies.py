"""The options of proxies: what they mean, and each fault."""

from math import inf

from pullthrough.config.model import Remote
from pullthrough.spec.freshness import Deleted, Freshness
from pullthrough.spec.ownership import Ownership
from pullthrough.spec.routing import Mode, RoutingRule
from tests.config.test_ini import GOOD, ConfigCase

HUB = """
[repository:hub]
type = proxy
remote_url = https://hub.test
"""


class ProxyCase(ConfigCase):
    """One proxy, with further options."""

    def remote(self, *options: str, more: str = "") -> Remote:
        """The upstream that these options describe."""
        text = HUB + "\n".join(options) + f"\n{more}"
        (repository,) = self.parse(text).repositories
        assert repository.remote is not None
        return repository.remote

    def wrong(self, expected: str, *options: str, more: str = "") -> None:
        """These options have exactly one fault."""
        text = HUB + "\n".join(options) + f"\n{more}"
        self.fault(text, f"[repository:hub] {expected}")


class MeaningTests(ProxyCase):
    """What they mean."""

    def test_defaults(self) -> None:
        """A day, seven days of staleness, ten minutes of negative cache; tags that are
        gone are kept, hosts that fail are left alone."""
        remote = self.remote()
        self.assertEqual(
            remote,
            Remote(
                "https://hub.test",
                index_url="https://hub.test",
                namespaces=("hub.test", "hub.test:443"),
            ),
        )
        self.assertEqual(
            remote.freshness,
            Freshness(86400.0, inf, (), 7 * 86400.0, Deleted.KEEP),
        )
        self.assertEqual(remote.negative_time_to_live, 600.0)
        self.assertTrue(remote.auto_block)
        self.assertFalse(remote.blocked)
        self.assertIsNone(remote.rule)
        self.assertEqual(remote.urls, ())

    def test_namespaces(self) -> None:
        """The host of the upstream, Docker Hub by any of its names, or what is said."""
        self.assertEqual(
            self.remote("namespaces = docker.io, hub").namespaces, ("docker.io", "hub")
        )
        text = HUB.replace("hub.test", "registry-1.docker.io")
        (repository,) = self.parse(text).repositories
        assert repository.remote is not None
        self.assertIn("docker.io", repository.remote.namespaces)
        given = self.remote("namespaces = Quay.IO, [::1]:5000").namespaces
        self.assertEqual(given, ("quay.io", "[::1]:5000"))
        for wrong in ("https://quay.io", "a/b", "a b", "😀"):
            self.wrong("namespaces: must be HOST or HOST:PORT", f"namespaces = {wrong}")

    def test_owns(self) -> None:
        """Globs and @existing, of a hosted repository only."""
        hosted = "[repository:own]\ntype = hosted\nowns = team/*, @existing\n"
        (repository,) = self.parse(hosted).repositories
        self.assertEqual(repository.ownership, Ownership(("team/*",), True))
        self.fault(
            hosted.replace("existing", "x"),
            "[repository:own] owns: @x is neither a glob nor @existing",
        )
        self.wrong("owns: there is no such option here", "owns = team/*")

    def test_foreign_layers(self) -> None:
        """Not fetched; with the switch from anywhere by HTTPS, or where globs say."""
        self.assertEqual(self.remote().foreign_layer_urls, ())
        on = "cache_foreign_layers = yes"
        self.assertEqual(self.remote(on).foreign_layer_urls, ("https://*",))
        globs = "foreign_layer_urls = https://a.test/*, https://b.test/*"
        self.assertEqual(
            self.remote(on, globs).foreign_layer_urls,
            ("https://a.test/*", "https://b.test/*"),
        )
        self.wrong(
            "foreign_layer_urls: only goes with cache_foreign_layers = yes", globs
        )

    def test_freshness(self) -> None:
        """Ages, also of tags by pattern, in the order in which they stand; what stands
        behind the dot keeps its case."""
        remote = self.remote(
            "metadata_max_age = 2h",
            "Metadata_Max_Age.latest = 5m",
            "metadata_max_age.*-SNAPSHOT = always",
            "metadata_max_age.v* = never",
            "content_max_age = 7d",
            "stale_max_age = never",
            "deleted_tags = drop",
        )
        ages = (("latest", 300.0), ("*-SNAPSHOT", 0.0), ("v*", inf))
        self.assertEqual(
            remote.freshness, Freshness(7200.0, 7 * 86400.0, ages, inf, Deleted.DROP)
        )

    def test_negative_cache(self) -> None:
        """Its time; 0 when it is switched off, or set so."""
        for options, expected in (
            (("negative_cache_time_to_live = 30s",), 30.0),
            (("negative_cache_time_to_live = 0s",), 0.0),
            (("negative_cache_enabled = no",), 0.0),
            (("negative_cache_enabled = no", "negative_cache_time_to_live = 1h"), 0.0),
            (("negative_cache_enabled = yes",), 600.0),
        ):
            self.assertEqual(self.remote(*options).negative_time_to_live, expected)

    def test_blocking(self) -> None:
        """By hand, and whether it is done by itself."""
        remote = self.remote("blocked = yes", "auto_block = no")
        self.assertEqual((remote.blocked, remote.auto_block), (True, False))

    def test_several_urls(self) -> None:
        """The first is the registry, whose credentials go nowhere else."""
        text = HUB.replace("hub.test", "hub.test/, https://two.test/base/\n https://3")
        (repository,) = self.parse(text).repositories
        assert repository.remote is not None
        self.assertEqual(repository.remote.url, "https://hub.test")
        self.assertEqual(repository.remote.urls, ("https://two.test/base", "https://3"))

    def test_index(self) -> None:
        """The registry itself, Docker Hub's, or one's own."""
        for options, expected in (
            ((), "https://hub.test"),
            (("index_type = registry",), "https://hub.test"),
            (("index_type = hub",), "https://index.docker.io"),
            (("index_type = custom", "index_url = http://x.test/"), "http://x.test"),
        ):
            self.assertEqual(self.remote(*options).index_url, expected)

    def test_routing(self) -> None:
        """A rule by its name; one may serve several proxies."""
        rules = (
            "[routing:only-team]\nmode = allow\nimages = team/*, base/*\n"
            "[routing:no-latest]\nmode = block\ntags = latest\n"
        )
        remote = self.remote("routing_rule_name = only-team", more=rules)
        self.assertEqual(
            remote.rule,
            RoutingRule("only-team", Mode.ALLOW, ("team/*", "base/*"), ("*",)),
        )
        remote = self.remote("routing_rule_name = no-latest", more=rules)
        self.assertEqual(
            remote.rule, RoutingRule("no-latest", Mode.BLOCK, ("*",), ("latest",))
        )
        self.assertIsNone(self.remote(more=rules).rule)

    def test_outgoing(self) -> None:
        """Private hosts, and nobody to ask at all."""
        settings = self.parse(
            HUB + "[http]\nprivate_hosts = *.corp.test, 10.0.0.0/8\noffline = yes\n"
        )
        self.assertEqual(settings.http.private_hosts, ("*.corp.test", "10.0.0.0/8"))
        self.assertTrue(settings.http.offline)
        self.assertFalse(self.parse(HUB).http.offline)

    def test_roles(self) -> None:
        """A mirror is asked without a password."""
        text = HUB + "role = mirror\n[auth]\nanonymous_access = yes\n"
        self.assertTrue(self.parse(text).repositories[0].mirror)
        self.assertFalse(self.parse(HUB + "role = registry\n").repositories[0].mirror)


class FaultTests(ProxyCase):
    """What is wrong, and how it is told."""

    def test_values(self) -> None:
        """Each option with the right form."""
        for option, value, reason in (
            ("metadata_max_age", "24", "a duration has a unit: 24s"),
            ("metadata_max_age", "soon", "a duration is written like"),
            ("metadata_max_age.latest", "5", "a duration has a unit: 5s"),
            ("content_max_age", "x", "a duration is written like"),
            ("stale_max_age", "7", "a duration has a unit: 7s"),
            ("deleted_tags", "forget", "must be keep or drop"),
            ("negative_cache_enabled", "maybe", "say yes or no"),
            ("negative_cache_time_to_live", "2d", "must be from 0s to 86400s"),
            ("negative_cache_time_to_live", "never", "a duration is written like"),
            ("auto_block", "2", "say yes or no"),
            ("blocked", "later", "say yes or no"),
            ("index_type", "google", "must be registry, hub or custom"),
            ("index_type", "custom", ""),
            ("routing_rule_name", "none", "there is no [routing:none]"),
            ("routing_rule_name", "A b", "a name has lower-case letters"),
            ("role", "proxy", "must be registry or mirror"),
            ("metadata_max_age.", "5m", "there is no such option here"),
            ("metadata_max_ages", "5m", "there is no such option here; did you mean"),
        ):
            told = "index_url" if value == "custom" else option
            self.wrong(f"{told}: {reason}", f"{option} = {value}")

    def test_urls(self) -> None:
        """Each of several is looked at."""
        for value, reason in (
            ("https://a.test, ftp://b.test", "must begin with http:// or https://"),
            ("https://a.test, https://me:pw@b.test", "credentials belong into"),
            ("https://a.test, b", "must begin with"),
            ("https://@b.test", "credentials belong into"),
            ("https://ä.test", "must name a host"),
            ("https://b.test/ä", "must be ASCII"),
            ("https://b.test:", "must name a host"),
            ("https://b.test/?", "must have no query"),
        ):
            text = HUB.replace("https://hub.test", value)
            self.fault(text, f"[repository:hub] remote_url: {reason}")

    def test_index(self) -> None:
        """A URL goes with custom, and only with that."""
        self.wrong(
            "index_url: index_type = custom needs the URL", "index_type = custom"
        )
        self.wrong("index_url: only goes with index_type", "index_url = https://x.test")
        self.wrong(
            "index_url: must begin with", "index_type = registry", "index_url = x.test"
        )

    def test_routing(self) -> None:
        """Rules are looked at whether a proxy uses them or not."""
        for text, expected in (
            ("[routing:a]\n", "[routing:a] mode: is missing: allow or block"),
            ("[routing:a]\nmode = deny\n", "[routing:a] mode: must be allow or block"),
            (
                "[routing:a]\nmode = block\nimage = x\n",
                "[routing:a] image: there is no such option here; did you mean images?",
            ),
            ("[routing:A]\nmode = block\n", "[routing:A]: a name has lower-case"),
        ):
            self.fault(HUB + text, expected)

    def test_outgoing(self) -> None:
        """Hosts that are none."""
        self.fault(
            HUB + "[http]\nprivate_hosts = a b\n",
            "[http] private_hosts: 'a b' is no host, glob, address or network",
        )
        self.fault(HUB + "[http]\noffline = x\n", "[http] offline: say yes or no")

    def test_mirrors(self) -> None:
        """One that asks for a password would be no use to anybody."""
        self.wrong("role: a mirror is asked without a password", "role = mirror")
        self.wrong(
            "role: a mirror is asked without a password",
            "role = mirror",
            "force_basic_auth = yes",
            more="[auth]\nanonymous_access = yes",
        )

    def test_other_kinds(self) -> None:
        """A hosted repository or a group has none of them."""
        for option in (
            *("content_max_age", "stale_max_age", "metadata_max_age.latest"),
            *("deleted_tags", "negative_cache_enabled", "auto_block", "blocked"),
            *("routing_rule_name", "index_type", "index_url"),
        ):
            for kind in ("type = hosted", "type = group"):
                text = GOOD.replace(kind, f"{kind}\n{option} = 1h")
                name = "own" if kind == "type = hosted" else "all"
                self.fault(text, f"[repository:{name}] {option}: there is no such")
