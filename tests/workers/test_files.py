"""Files to clients of a worker: handed over by the owner, sent by the worker."""

import os
import socket
import ssl
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from pullthrough.web import resident, sendfile
from pullthrough.workers import client as client_module
from tests.support.pki import Authority
from tests.workers.shop import Caller, ShopCase, get, until

FILE = get("/file")


class FileTests(ShopCase):
    """Over plain TCP."""

    size = 24 * 1024 * 1024

    async def test_the_worker_sends_it(self) -> None:
        """Whole or a part of it, without the owner's reading a byte; then the next
        request."""
        caller = self.connect()
        for first, last in ((0, self.size - 1), (1, 1), (70_001, self.size - 1000)):
            raw = get("/file", f"Range: bytes={first}-{last}")
            answer = await self.ask(caller, raw)
            self.assertEqual(answer.headers["content-length"], str(last + 1 - first))
            self.assertTrue(answer.body == self.content[first : last + 1])
            self.assertEqual((await self.ask(caller, get("/a"))).body, b"/a")
        self.assertEqual([one.reads for one in self.shop.contents], [0, 0, 0])
        answer = await self.ask(caller, get("/file", method="HEAD"), "HEAD")
        self.assertEqual(answer.headers["content-length"], str(self.size))
        self.assertEqual((await self.ask(caller, FILE + get("/b"))).status, 200)
        self.assertEqual((await self.ask(caller)).body, b"/b")

    async def test_what_is_not_in_memory(self) -> None:
        """The owner reads it, as that must not keep the worker's clients waiting."""
        turns = iter(range(1000))

        def now_and_then(*_: Any) -> bool:
            return next(turns) % 3 == 1

        self.patch(sendfile, "_in_memory", now_and_then)
        read = resident.read
        self.patch(
            resident, "read", lambda *args: read(*args) if now_and_then() else b""
        )
        caller = self.connect()
        self.assertTrue((await self.ask(caller, FILE)).body == self.content)
        self.assertGreater(self.shop.contents[0].reads, 1)

    async def test_slow_readers(self) -> None:
        """Each at its own pace, and one who reads nothing stands in nobody's way, until
        it is cut off."""
        idle, slow, quick = self.connect(), self.connect(), self.connect()
        for caller in (idle, slow):
            caller.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            await self.send(caller, FILE)
        self.assertTrue((await self.ask(quick, FILE)).body == self.content)
        answer = await self.ask(slow)
        self.assertTrue(answer.body == self.content)
        door, now = self.beside.worker._doors[1], self.beside.worker.now()
        await until(lambda: self.waits() == 1)
        door.tick(now)
        door.tick(now + client_module.READ_TIME)
        self.assertEqual(self.shop.lost, 0)
        door.tick(now + client_module.READ_TIME * 2 + 1)
        await until(lambda: self.shop.lost == 1)

    def waits(self) -> int:
        """How many get a file just now."""
        clients = self.beside.worker._doors[1]._clients
        return sum(client._pouring is not None for client in clients)

    async def test_who_leaves(self) -> None:
        """In the middle: the owner hears of it, and no descriptor is left."""
        caller = self.connect()
        await self.ask(caller, FILE)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            leaving = self.connect()
            leaving.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            lost = self.shop.lost
            await self.send(leaving, FILE)
            await deferToThread(leaving.wire.recv, 1000)
            leaving.close()
            await until(lambda lost=lost: self.shop.lost == lost + 1)  # type: ignore[misc]
        await until(lambda: len(os.listdir("/proc/self/fd")) <= before)

    async def test_a_file_that_is_cut_short(self) -> None:
        """The client is cut off: it never gets a whole answer."""
        caller = self.connect()
        caller.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        await self.send(caller, FILE)
        await until(lambda: self.waits() == 1)
        os.truncate(self.shop._file, 1000)
        answer = await self.ask(caller)
        self.assertLess(len(answer.body), self.size)
        await until(lambda: self.shop.lost == 1)


class TlsTests(FileTests):
    """Over TLS, which the worker lays."""

    size = 8 * 1024 * 1024

    async def setUp(self) -> None:
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        folder = Path(kept.name)
        self.authority = Authority(folder)
        self.authority.issue("localhost", "127.0.0.1")
        self.files = (folder / "localhost.crt", folder / "localhost.key")
        await super().setUp()

    def connect(self) -> Caller:
        """A client that speaks TLS, in a thread as it must be."""
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        caller = Caller(self.beside.port, context)
        self.addCleanup(caller.close)
        return caller
