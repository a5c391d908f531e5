"""c: a blob of 256 MiB, by one reader and by eight, plain and over TLS."""

from functools import partial

from benchmarks.bench import Bench, Figures
from benchmarks.calls import Target, basic, check, push_blob
from benchmarks.content import MIB, Blob
from benchmarks.crowd import together
from benchmarks.fleet import Fleet, target
from benchmarks.goals import CPU_GB, SPEED
from benchmarks.measures import cpu
from benchmarks.names import OURS
from benchmarks.readers import Reader
from benchmarks.servers import Server

IMAGE = "bench/large"
SIZE = 256 * MIB
READERS = (1, 8)

#: Blobs read in a turn, so that CPU can be told.
TIMES = 8

#: Rounds where nothing is encrypted: CPU moves between reader and server there.
ROUNDS = 5


def run(bench: Bench) -> None:
    """The case."""
    with bench.fleet() as fleet:
        blob = bench.contents.blob(SIZE)
        path = f"/v2/{IMAGE}/blobs/{blob.digest}"
        plain, secure = _servers(fleet, blob, path)
        for what, targets in (("plain", plain), ("TLS", secure)):
            for one in targets:
                check(one, path, blob.digest)
            rounds = 0 if one.tls or bench.quick else ROUNDS
            for readers in READERS:
                turns = {
                    one.name: partial(_turn, one, path, blob.size, readers)
                    for one in targets
                }
                row = f"256 MiB blob, {what}, readers: {readers}"
                bench.take_turns("c", row, turns, rounds)


def _servers(fleet: Fleet, blob: Blob, path: str) -> tuple[list[Target], list[Target]]:
    """All, with the blob in them: over plain TCP, and over TLS."""
    contents = fleet.contents
    ours = fleet.ours()
    secret = {"Authorization": basic()}
    plain = [
        target(ours, "hosted", OURS).with_headers(f"{OURS} hosted Basic", **secret)
    ]
    secure = [
        target(ours, "secure", OURS).with_headers(f"{OURS} hosted Basic", **secret)
    ]
    push_blob(plain[0], IMAGE, blob, contents)
    theirs = fleet.distribution()
    if theirs:
        plain.append(target(theirs))
        push_blob(plain[-1], IMAGE, blob, contents)
    for_tls: Server | None = fleet.distribution(tls=True)
    if for_tls:
        secure.append(target(for_tls, "secure"))
    static = fleet.static()
    if static:
        fleet.publish(static, path, blob)
        plain.append(target(static))
        secure.append(target(static, "secure"))
    return plain, secure


def _turn(one: Target, path: str, size: int, readers: int) -> Figures:
    before = cpu(one.pid)
    seconds = 0.0
    for _ in range(TIMES // readers):
        began, found = together([Reader(one, path, size) for _ in range(readers)])
        seconds += max(client["last"] for client in found) - began
    read = size * TIMES
    return {
        SPEED: read / seconds / 1e6,
        CPU_GB: (cpu(one.pid) - before) / (read / 1e9),
    }
