"""Clients that push blobs: in one PUT, in pieces, and many small ones."""

import http.client
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.calls import Target, Wrong, connect, path_of, with_digest
from benchmarks.content import Blob, Contents

#: Bytes in a piece of a chunked push.
PIECE = 16 * 1024 * 1024

_OCTETS = {"Content-Type": "application/octet-stream"}


@dataclass
class Pusher:
    """Pushes some blobs over one connection, one after the other.

    :ivar piece: bytes that each PATCH has; 0: each blob in one PUT.
    """

    target: Target
    image: str
    blobs: list[Blob]
    contents: Contents
    piece: int = 0
    _connection: http.client.HTTPConnection = field(init=False)

    def prepare(self) -> None:
        """Connect, and see that we may push."""
        self._connection = connect(self.target)
        self._ask("GET", "/v2/", 200)

    def work(self) -> dict[str, float]:
        """Push them all."""
        for blob in self.blobs:
            self._push(blob)
        return {"last": time.monotonic(), "pushed": len(self.blobs)}

    def _push(self, blob: Blob) -> None:
        where = self._ask("POST", f"/v2/{self.image}/blobs/uploads/", 202)
        if self.piece:
            for begin, parts in pieces(self.contents.pieces(blob), self.piece):
                size = sum(map(len, parts))
                where = self._ask(
                    "PATCH",
                    path_of(where),
                    202,
                    parts,
                    {"Content-Range": f"{begin}-{begin + size - 1}"},
                )
            self._ask("PUT", with_digest(where, blob.digest), 201)
        else:
            parts = list(self.contents.pieces(blob))
            self._ask("PUT", with_digest(where, blob.digest), 201, parts)

    def _ask(
        self,
        method: str,
        path: str,
        expected: int,
        parts: list[memoryview] | None = None,
        headers: dict[str, str] | None = None,
    ) -> str:
        """One request; the Location of its answer."""
        length = str(sum(map(len, parts or [])))
        sent = {**self.target.headers, **(headers or {}), "Content-Length": length}
        if parts:
            sent |= _OCTETS
        self._connection.request(method, path, body=parts, headers=sent)
        response = self._connection.getresponse()
        said = response.read()
        if response.status != expected:
            told = f"{method} {path}: {response.status} {said[:300]!r}"
            raise Wrong(f"{self.target.name}: {told}")
        return response.headers.get("Location", "")


def pieces(
    parts: Iterator[memoryview], size: int
) -> Iterator[tuple[int, list[memoryview]]]:
    """The same bytes in pieces of that size: where each begins, and its parts."""
    begin, held, have = 0, list[memoryview](), 0
    for part in parts:
        while part:
            taken = part[: size - have]
            held.append(taken)
            have += len(taken)
            part = part[len(taken) :]
            if have == size:
                yield begin, held
                begin, held, have = begin + size, [], 0
    if held:
        yield begin, held
