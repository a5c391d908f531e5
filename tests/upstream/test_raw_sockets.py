"""The raw responses over real sockets."""

from typing import Any

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol

from pullthrough.errors import Outage
from tests.support.client import APP, ClientCase
from tests.upstream.raw_host import DIGEST, Body
from tests.upstream.raw_row import Outcome, Row
from tests.upstream.test_raw_responses import ROWS


class RawProtocol(Protocol):
    """Sends a row to whoever asks for anything."""

    _asked = b""

    def dataReceived(self, data: bytes) -> None:
        """Answer, once a head is there."""
        assert self.transport is not None
        self._asked += data
        if b"\r\n\r\n" not in self._asked:
            return
        self._asked = b""
        row: Row = self.factory.row  # type: ignore[union-attr]
        self.transport.write(row.sent)
        if row.closes:
            self.transport.loseConnection()


class SocketTests(ClientCase):
    """One server for all of them."""

    async def test_raw_responses(self) -> None:
        """As in memory; silence is left out, for it would only take time."""
        factory: Any = Factory.forProtocol(RawProtocol)
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port: Any = await endpoint.listen(factory)
        self.addCleanup(port.stopListening)
        url = f"http://127.0.0.1:{port.getHost().port}"
        rows = [row for row in ROWS if row.blob is not Outcome.LATE]
        wrong = []
        for factory.row in rows:
            found, body = await self.outcome(url)
            expected, content = factory.row.blob, factory.row.body
            if found is not expected:
                wrong.append(f"{factory.row.name}: {found}, not {expected}")
            if found is Outcome.TAKEN and body != content:
                wrong.append(f"{factory.row.name}: {body!r}")
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        self.assertGreater(len(rows), 150)

    async def outcome(self, url: str) -> tuple[Outcome, bytes]:
        """What comes of asking for a blob."""
        taker = Body()
        try:
            body = await self.client(url).blob(APP, DIGEST)
        except Outage:
            return Outcome.REFUSED, b""
        try:
            await body.deliver(taker)  # type: ignore[arg-type]
        except Outage:
            return Outcome.BROKEN, taker.data
        return Outcome.TAKEN, taker.data
