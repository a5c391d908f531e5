"""An upstream played by the test: it answers when, and what, the test says."""

from collections import Counter
from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IPushProducer
from zope.interface import implementer

from pullthrough.errors import Miss, RegistryError, UpstreamOutage
from pullthrough.interfaces import IUpstream, IUpstreamBody
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page, cut
from pullthrough.spec.reference import Reference, Tag
from pullthrough.values import ManifestRecord, UpstreamHead, UpstreamManifest


@implementer(IUpstreamBody, IPushProducer)
class ScriptedBody:
    """A blob's body that the test sends piece by piece."""

    def __init__(self, content: bytes, offset: int, size: int | None) -> None:
        self.content = content
        self.offset = offset
        self.size = size
        self.sent = offset
        self.paused = False
        self.stopped = False
        self._consumer: IConsumer | None = None
        self._done: Deferred[None] = Deferred()

    async def deliver(self, consumer: IConsumer) -> None:
        """Register with the consumer and wait for the script."""
        self._consumer = consumer
        consumer.registerProducer(self, True)
        try:
            await self._done
        finally:
            consumer.unregisterProducer()

    @property
    def delivering(self) -> bool:
        """Whether somebody waits for the body."""
        return self._consumer is not None

    def send(self, count: int) -> None:
        """Send the next ``count`` bytes."""
        assert self._consumer is not None
        self._consumer.write(self.content[self.sent : self.sent + count])
        self.sent += count

    def finish(self) -> None:
        """Send what is left, then end."""
        self.send(len(self.content) - self.sent)
        self._done.callback(None)

    def break_off(self) -> None:
        """End in the middle."""
        self._done.errback(UpstreamOutage("the upstream broke off"))

    def stop(self) -> None:
        """See :meth:`IUpstreamBody.stop`."""
        self.stopped = True
        if self.delivering and not self._done.called:
            self._done.errback(UpstreamOutage("stopped"))

    def pauseProducing(self) -> None:
        """Remember it."""
        self.paused = True

    def resumeProducing(self) -> None:
        """Remember it."""
        self.paused = False

    def stopProducing(self) -> None:
        """Never called by an ingest."""
        raise AssertionError("an ingest does not stop its producer")


@implementer(IUpstream)
class ScriptedUpstream:
    """Images in memory; ``failure`` is raised instead of any answer.

    :ivar asked: how often each method was called.
    :ivar bodies: the blob bodies opened so far; the test drives them, unless
        ``at_once`` is true.
    """

    def __init__(self) -> None:
        self.failure: RegistryError | None = None
        self.tagged: dict[tuple[str, str], Digest] = {}
        self.manifests: dict[tuple[str, Digest], UpstreamManifest] = {}
        self.blobs: dict[tuple[str, Digest], bytes] = {}
        self.asked: Counter[str] = Counter()
        self.bodies: list[ScriptedBody] = []
        self.at_once = True
        self.tells_size = True
        self.referring: Sequence[ManifestRecord] | None = None

    def add(self, image: str, tag: str, media_type: str, body: bytes) -> Digest:
        """Let the upstream have a manifest."""
        digest = Digest.of(body)
        descriptor = Descriptor(media_type, digest, len(body))
        self.manifests[image, digest] = UpstreamManifest(descriptor, body)
        self.tagged[image, tag] = digest
        return digest

    def add_blob(self, image: str, content: bytes) -> Digest:
        """Let the upstream have a blob."""
        digest = Digest.of(content)
        self.blobs[image, digest] = content
        return digest

    async def head(self, image: ImageName, reference: Reference) -> UpstreamHead | None:
        """See :meth:`IUpstream.head`."""
        self._ask("head")
        found = self._manifest(image, reference)
        return UpstreamHead(found.descriptor, found.warning)

    async def manifest(
        self, image: ImageName, reference: Reference
    ) -> UpstreamManifest:
        """See :meth:`IUpstream.manifest`."""
        self._ask("manifest")
        return self._manifest(image, reference)

    def _manifest(self, image: ImageName, reference: Reference) -> UpstreamManifest:
        if isinstance(reference, Tag):
            found = self.tagged.get((str(image), reference.name))
        else:
            found = reference
        if found is None or (str(image), found) not in self.manifests:
            raise Miss(ErrorCode.MANIFEST_UNKNOWN, "the upstream has no such manifest")
        return self.manifests[str(image), found]

    async def blob(
        self,
        image: ImageName,
        digest: Digest,
        offset: int = 0,
        end: int | None = None,
    ) -> IUpstreamBody:
        """See :meth:`IUpstream.blob`."""
        self._ask("blob")
        content = self._blob(image, digest)
        size = len(content) if self.tells_size else None
        body = ScriptedBody(content[:end], offset, size)
        self.bodies.append(body)
        return AtOnce(body) if self.at_once else body

    async def blob_size(self, image: ImageName, digest: Digest) -> int | None:
        """See :meth:`IUpstream.blob_size`."""
        self._ask("blob_size")
        size = len(self._blob(image, digest))
        return size if self.tells_size else None

    def _blob(self, image: ImageName, digest: Digest) -> bytes:
        if (str(image), digest) not in self.blobs:
            raise Miss(ErrorCode.BLOB_UNKNOWN, "the upstream has no such blob")
        return self.blobs[str(image), digest]

    async def tags(self, image: ImageName, page: Page) -> Names:
        """See :meth:`IUpstream.tags`."""
        self._ask("tags")
        found = [tag for name, tag in self.tagged if name == str(image)]
        if not found:
            raise Miss(ErrorCode.NAME_UNKNOWN, "the upstream has no such image")
        return cut(found, page)

    async def referrers(
        self, image: ImageName, subject: Digest
    ) -> Sequence[ManifestRecord] | None:
        """See :meth:`IUpstream.referrers`."""
        self._ask("referrers")
        return self.referring

    def _ask(self, what: str) -> None:
        self.asked[what] += 1
        if self.failure is not None:
            raise self.failure


@implementer(IUpstreamBody)
class AtOnce:
    """A scripted body that sends itself as soon as it is wanted."""

    def __init__(self, body: ScriptedBody) -> None:
        self._body = body
        self.size = body.size
        self.offset = body.offset

    async def deliver(self, consumer: IConsumer) -> None:
        """Send all at once."""
        delivering = Deferred.fromCoroutine(self._body.deliver(consumer))
        self._body.finish()
        await delivering

    def stop(self) -> None:
        """See :meth:`IUpstreamBody.stop`."""
        self._body.stop()
