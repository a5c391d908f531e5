"""Many clients at once, for the tests: a script that runs in the namespace.

readers.py stampede HOST:PORT PATH USER:PASSWORD SHA256 COUNT
readers.py push     HOST:PORT IMAGE USER:PASSWORD MIB      prints the digest
readers.py pull     HOST:PORT PATH USER:PASSWORD SHA256
"""

import base64
import hashlib
import http.client
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Iterator

PIECE = 64 * 1024


def connect(where: str, timeout: float = 100) -> http.client.HTTPConnection:
    """A connection; ``https:`` in front of HOST:PORT means TLS, not verified."""
    if where.startswith("https:"):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        address = where.removeprefix("https:")
        return http.client.HTTPSConnection(address, timeout=timeout, context=context)
    return http.client.HTTPConnection(where, timeout=timeout)


def authorization(user: str) -> dict[str, str]:
    """A Basic header."""
    return {"Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"}


def stampede(where: str, path: str, user: str, sha256: str, count: int) -> None:
    """All ask at once; one reads 1 KiB a second, and every third dies on the way.

    The slow one goes on at its own pace until all the others have gone.
    """
    together = threading.Barrier(count)
    others = threading.Semaphore(0)
    done = threading.Event()
    wrong: list[str] = []

    def read(number: int) -> None:
        connection = connect(where)
        connection.connect()
        together.wait()
        connection.request("GET", path, headers=authorization(user))
        response = connection.getresponse()
        if response.status != 200:
            wrong.append(f"reader {number}: {response.status}")
            return
        if number % 3 == 1:
            die(connection, response, number / count)
            return
        digest = hashlib.sha256()
        if number == 0:
            while not done.wait(1.0):
                digest.update(response.read(1024))
        while piece := response.read(PIECE):
            digest.update(piece)
        if digest.hexdigest() != sha256:
            wrong.append(f"reader {number}: {digest.hexdigest()}")

    def attempt(number: int) -> None:
        try:
            read(number)
        except (OSError, http.client.HTTPException) as error:
            wrong.append(f"reader {number}: {error!r}")
        if number:
            others.release()

    numbers = range(count)
    readers = [threading.Thread(target=attempt, args=(number,)) for number in numbers]
    for reader in readers:
        reader.start()
    for _ in range(count - 1):
        others.acquire()
    done.set()
    for reader in readers:
        reader.join()
    print("\n".join(wrong) or "all right")


def die(
    connection: http.client.HTTPConnection,
    response: http.client.HTTPResponse,
    part: float,
) -> None:
    """Leave without a word after a part of the body: the server sees a reset."""
    left = int(int(response.headers["Content-Length"]) * part)
    while left > 0 and (piece := response.read(min(left, PIECE))):
        left -= len(piece)
    at_once = struct.pack("ii", 1, 0)
    # The response holds the socket open as well.
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    connection.sock.close()
    response.close()


def content(mib: int) -> Iterator[bytes]:
    """So many MiB that do not repeat."""
    for number in range(mib):
        yield hashlib.sha256(b"%d" % number).digest() * (32 * 1024)


def push(where: str, image: str, user: str, mib: int) -> None:
    """One blob in one PUT."""
    digest = hashlib.sha256()
    for piece in content(mib):
        digest.update(piece)
    connection = connect(where)
    headers = authorization(user)
    connection.request("POST", f"/v2/{image}/blobs/uploads/", headers=headers)
    response = connection.getresponse()
    response.read()
    location = response.headers["Location"]
    location = (
        "/" + location.partition("//")[2].partition("/")[2]
        if ("//" in location)
        else location
    )
    joint = "&" if "?" in location else "?"
    target = f"{location}{joint}digest=sha256:{digest.hexdigest()}"
    headers["Content-Length"] = str(mib * 1024 * 1024)
    headers["Content-Type"] = "application/octet-stream"
    connection.request("PUT", target, body=content(mib), headers=headers)
    response = connection.getresponse()
    response.read()
    assert response.status == 201, response.status
    print(digest.hexdigest())


def pull(where: str, path: str, user: str, sha256: str) -> None:
    """One blob, checked."""
    connection = connect(where)
    connection.request("GET", path, headers=authorization(user))
    response = connection.getresponse()
    digest = hashlib.sha256()
    while piece := response.read(PIECE):
        digest.update(piece)
    print("all right" if digest.hexdigest() == sha256 else f"{response.status} wrong")


if __name__ == "__main__":
    what, where, path, user, *more = sys.argv[1:]
    if what == "stampede":
        stampede(where, path, user, more[0], int(more[1]))
    elif what == "push":
        push(where, path, user, int(more[0]))
    else:
        pull(where, path, user, more[0])
