"""The blob store in memory."""

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.storage.memory import MemoryBlobStore
from tests.contract.storage import BlobStoreContract


class MemoryBlobStoreTests(BlobStoreContract, SynchronousTestCase):
    """It keeps the contract."""

    def setUp(self) -> None:
        self.store = MemoryBlobStore("memory")
