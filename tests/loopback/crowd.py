"""A crowd at one connector: idle, creeping and slow clients beside honest ones.

crowd.py HOST:PORT MANIFEST BLOB AUTHORIZATION: two paths, and a header. Prints what has
been seen as JSON.
"""

import contextlib
import http.client
import json
import select
import socket
import sys
import threading
import time

IDLE, CREEPING, SLOW, HONEST, EACH = 4000, 500, 200, 50, 20

#: Seconds in which the daemon must have ended who sends its head too slowly: its
#: deadline is 10 s; the rest is the machine's.
PATIENCE = 60.0


def connect(where: str, receive: int = 0) -> socket.socket:
    """A connection, perhaps with a small window."""
    host, _, port = where.partition(":")
    made = socket.socket()
    if receive:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    made.settimeout(30)
    made.connect((host, int(port)))
    return made


def honest(where: str, path: str, authorization: str) -> tuple[list[float], int]:
    """Seconds that each request of the honest took, and how many failed."""
    took: list[float] = []
    failed = [0]
    headers = {"Authorization": authorization}

    def ask() -> None:
        connection = http.client.HTTPConnection(where, timeout=60)
        for _ in range(EACH):
            begun = time.monotonic()
            try:
                connection.request("GET", path, headers=headers)
                response = connection.getresponse()
                right = response.status == 200 and bool(response.read())
            except (OSError, http.client.HTTPException):
                right = False
                connection.close()
            failed[0] += not right
            took.append(time.monotonic() - begun)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(HONEST)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(took), failed[0]


def creep(creeping: list[socket.socket], until: float) -> int:
    """Send a byte to each now and then, until the daemon has ended them or the time is
    over; how many are left."""
    left = {one.fileno(): one for one in creeping}
    ready = select.poll()
    for number in left:
        ready.register(number, select.POLLIN)
    while left and time.monotonic() < until:
        for number, _ in ready.poll(500):
            try:
                going_on = bool(left[number].recv(4096))
            except OSError:
                going_on = False
            if not going_on:
                ready.unregister(number)
                del left[number]
        for one in left.values():
            with contextlib.suppress(OSError):
                one.send(b"x")
    return len(left)


def main(where: str, manifest: str, blob: str, authorization: str) -> None:
    """Alone, then in the crowd, then without it again."""
    alone, failed_alone = honest(where, manifest, authorization)
    creeping = [connect(where) for _ in range(CREEPING)]
    for one in creeping:
        one.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    request = (
        f"GET {blob} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n\r\n"
    )
    slow = [connect(where, 4096) for _ in range(SLOW)]
    for one in slow:
        one.sendall(request.encode())
    idle = [connect(where) for _ in range(IDLE)]
    print(json.dumps({"crowd": len(creeping) + len(slow) + len(idle)}), flush=True)
    sys.stdin.readline()  # whoever watches looks at the daemon's memory
    crowded, failed_crowded = honest(where, manifest, authorization)
    left = creep(creeping, time.monotonic() + PATIENCE)
    for one in (*idle, *slow, *creeping):
        one.close()
    print(
        json.dumps(
            {
                "failed": failed_alone + failed_crowded,
                "creeping_left": left,
                "p99_alone": alone[int(len(alone) * 0.99)],
                "p99_crowded": crowded[int(len(crowded) * 0.99)],
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
