"""The assembly: what a configuration becomes."""

import tempfile
from pathlib import Path

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from pullthrough.assembly import Assembly, at_once
from pullthrough.config.ini import parse
from pullthrough.errors import EgressOutage, Offline, StorageOutage
from pullthrough.interfaces import INamespaced, IWritableRepository
from pullthrough.repository.manifests import describe
from pullthrough.spec.mediatypes import OCI_MANIFEST
from pullthrough.spec.names import ImageName
from pullthrough.spec.reference import Tag
from tests.support.images import make_image
from tests.support.registry import FakeRegistry

_CONFIG = """
[http]
proxy = http://127.0.0.1:9
retries = 0
[repository:own]
type = hosted
http_port = 1
[repository:direct]
type = proxy
remote_url = {url}
proxy = direct
[repository:through]
type = proxy
remote_url = {url}
[repository:outer]
type = group
member_names = inner, own
http_port = 2
[repository:inner]
type = group
member_names = own, direct
writable_member = own
"""

APP = ImageName("team/app")
V1 = Tag("v1")


class AssemblyTests(TestCase):
    """An assembly, without its ports."""

    async def assemble(self) -> tuple[Assembly, FakeRegistry]:
        """Everything, started, with an upstream."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        registry = FakeRegistry()
        port = await registry.listen()
        self.addCleanup(port.stopListening)
        made = make_image(b"layer")
        registry.add_manifest("team/app", "v1", made.media_type, made.manifest)
        text = _CONFIG.format(url=registry.url)
        settings = parse(text, Path(folder.name), {})
        assembly = Assembly(settings, reactor)
        assembly.start()
        self.addCleanup(assembly.stop)
        return assembly, registry

    async def test_everything(self) -> None:
        """Members before groups, groups in groups, and the ways out."""
        assembly, registry = await self.assemble()
        own, outer = (served.repository for served in assembly.served)
        assert own is not None
        assert outer is not None
        self.assertEqual((own.name, outer.name), ("own", "outer"))
        self.assertTrue(IWritableRepository.providedBy(own))
        self.assertFalse(IWritableRepository.providedBy(outer))
        inner = assembly._taken.graph.repositories["inner"]
        self.assertTrue(IWritableRepository.providedBy(inner))
        found = await outer.manifest(APP, V1)
        self.assertEqual(found.provenance.member, "direct")
        self.assertEqual(len(registry.requests), 1)
        scraped = assembly._watch._scraped().decode()
        for line in (
            'pullthrough_fills{repository="direct"} 0.0',
            'pullthrough_rotten_total{store="direct"} 0.0',
            'pullthrough_waiting_oldest_seconds{what="commits"} 0.0',
            f'upstream_retries_total{{to="{registry.url.partition("//")[2]}"}} 0.0',
        ):
            self.assertIn(line, scraped)
        self.assertNotIn('pullthrough_fills{repository="own"}', scraped)
        self.assertEqual((await assembly._watch.readiness.tell())[0], 200)
        through = assembly._taken.graph.repositories["through"]
        try:
            await through.manifest(APP, V1)
        except EgressOutage as error:
            self.assertIn("egress proxy 127.0.0.1:9", error.detail)
        else:
            self.fail("it went another way")

    async def test_what_is_off_owns_what_it_has(self) -> None:
        """A hosted member that is switched off: what it has is asked of nobody else."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        text = (
            "[repository:own]\ntype = hosted\nonline = no\n"
            "[repository:hub]\ntype = proxy\nremote_url = http://127.0.0.1:9\n"
            "[repository:all]\ntype = group\nmember_names = own, hub\n"
        )
        settings = parse(text, Path(folder.name), {})
        assembly = Assembly(settings, reactor)
        assembly.start()
        self.addCleanup(assembly.stop)
        group = assembly._taken.graph.repositories["all"]
        self.assertFalse(await group.owns(APP))
        number = await assembly._metadata.repository("own", "hosted")
        record = describe(make_image(b"x").manifest, OCI_MANIFEST)
        await assembly._metadata.put_manifest(number, APP, record, [V1], 0.0)
        self.assertTrue(await group.owns(APP))
        try:
            await group.manifest(APP, V1)
        except Offline:
            pass
        else:
            self.fail("somebody else answered")
        assert INamespaced.providedBy(group)
        self.assertIsNotNone(group.within("127.0.0.1:9"))

    def test_at_once(self) -> None:
        """What fails before the reactor runs is raised as it is."""

        async def fails() -> None:
            raise StorageOutage("x")

        self.assertRaises(StorageOutage, at_once, fails())
