"""Committed content that is verified while it is read: disks rot."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from pullthrough.errors import StorageOutage
from pullthrough.interfaces import IContent
from pullthrough.spec.digest import Digest
from pullthrough.waiters import Waiters

#: Bytes at the end that nobody gets before the whole is verified.
HELD_BACK = 64 * 1024

#: Seconds for which content that was verified is believed, and most digests kept in
#: mind.
PERIOD = 7 * 86400.0
MOST = 100_000


class Verdicts:
    """Which content has been verified lately.

    :param now: seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._good: OrderedDict[Digest, float] = OrderedDict()

    def good(self, digest: Digest) -> bool:
        """Whether it need not be looked at again yet."""
        at = self._good.get(digest)
        return at is not None and self._now() - at < PERIOD

    def note(self, digest: Digest) -> None:
        """It has just been verified."""
        self._good[digest] = self._now()
        self._good.move_to_end(digest)
        if len(self._good) > MOST:
            self._good.popitem(last=False)

    def forget(self, digest: Digest) -> None:
        """It is gone, or not what it was."""
        self._good.pop(digest, None)


@implementer(IContent)
class VerifiedContent:
    """Gives out the end of content only when the whole hashes to its name.

    :param verify: looks at all of it.
    """

    _log = Logger()

    def __init__(
        self, content: IContent, verify: Callable[[], Awaitable[None]]
    ) -> None:
        self._content = content
        self._verify = verify
        self._verifying: Deferred[None] | None = None
        self._waiters = Waiters()
        self._good = False
        self._problem: BaseException | None = None
        self.size = content.size

    async def available(self, offset: int) -> int:
        """See :meth:`IContent.available`.

        :raises Rotten: when it is not what its name says.
        """
        if self._verifying is None:
            self._verifying = Deferred.fromCoroutine(self._look())
            self._verifying.addErrback(
                lambda bug: self._log.failure("a verification failed", bug)
            )
        if not self._good and self._problem is None:
            if offset < self.size - HELD_BACK:
                return self.size - HELD_BACK
            await self._waiters.until(lambda: self._good or bool(self._problem))
        if self._problem is not None:
            raise self._problem
        return self.size

    async def _look(self) -> None:
        try:
            await self._verify()
            self._good = True
        except StorageOutage as error:
            self._problem = error
        except BaseException:
            self._problem = StorageOutage("a fault of ours ended the verification")
            raise
        finally:
            self._waiters.wake()

    async def read(self, offset: int, length: int) -> bytes:
        """See :meth:`IContent.read`."""
        return await self._content.read(offset, length)

    def fileno(self) -> int | None:
        """See :meth:`IContent.fileno`."""
        return self._content.fileno()

    async def close(self) -> None:
        """See :meth:`IContent.close`."""
        await self._content.close()
