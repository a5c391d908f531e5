"""The raw corpus through a worker: it changes nothing of what a client gets."""

from typing import Any

from twisted.internet.interfaces import ITransport

from pullthrough.web.connection import Connection
from pullthrough.workers.relayed import Relayed
from tests.support.beside import Beside
from tests.support.raw import Door, Recorder
from tests.web.raw_row import After
from tests.web.raw_rows import ROWS as ALL
from tests.web.test_raw_requests import RawCase, behind, by_bytes, whole

#: The owner hears of no client that says nothing.
ROWS = [row for row in ALL if row.sent]


class FarDoor(Door):
    """A listener whose clients are at a worker."""

    def closed(self, connection: Connection) -> None:
        """A client has gone."""
        super().closed(connection)
        self.gone.put(None)


class WorkerTests(RawCase):
    """As when the owner itself listens."""

    async def setUp(self) -> None:
        self.recorder = Recorder()
        self.door = FarDoor(self.recorder)
        beside = Beside(self.door)
        await beside.start()
        self.addCleanup(beside.stop)
        self.port = beside.port

    async def test_at_once(self) -> None:
        """In one packet."""
        await self.run_all(ROWS, whole)

    async def test_a_request_behind(self) -> None:
        """In the same packet."""
        rows = [behind(row) for row in ROWS if row.after is not After.WAITS]
        await self.run_all(rows, whole)

    async def test_byte_by_byte(self) -> None:
        """As the owner reads it."""

        def narrow(relayed: Any, transport: ITransport) -> None:
            transport.bufferSize = 1  # type: ignore[attr-defined]
            make_connection(relayed, transport)

        make_connection = Relayed.makeConnection
        self.patch(Relayed, "makeConnection", narrow)
        await self.run_all(ROWS, by_bytes)
