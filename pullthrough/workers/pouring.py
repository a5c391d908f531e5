"""A range of a file to a client, as far as it lies in memory."""

from pullthrough.web import resident
from pullthrough.web.pacing import Gate
from pullthrough.web.sendfile import FileGate


class Pouring:
    """Sends a range of a file.

    :param gate: open, of the client.
    """

    def __init__(self, gate: Gate | FileGate) -> None:
        self._gate = gate
        self._gone = False

    @property
    def waits(self) -> bool:
        """Whether it waits for the client."""
        return self._gate.closed

    def moved(self) -> bool:
        """Whether the client has taken enough since this was asked the last time."""
        return self._gate.moved()

    def stop(self) -> None:
        """The client is gone."""
        self._gone = True
        self._gate.resumeProducing()

    async def send(self, descriptor: int, offset: int, limit: int) -> int:
        """Send bytes ``offset`` to ``limit`` (exclusive).

        :returns: where it stopped: at ``limit``, or before bytes that are not in
            memory; reading them would keep everybody waiting.
        :raises OSError: when the client has left, or the disk fails.
        :raises StorageOutage: when the file is cut short.
        """
        gate = self._gate
        if isinstance(gate, FileGate):
            return await gate.send(lambda: descriptor, offset, limit)
        while offset < limit:
            await gate.ready()
            piece = resident.read(descriptor, offset, limit - offset)
            if self._gone or not piece:
                break
            gate.write(piece)
            offset += len(piece)
        return offset
