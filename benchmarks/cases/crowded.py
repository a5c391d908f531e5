"""i: small answers while 32 readers take all the bytes of a blob that they can get."""

from functools import partial

from benchmarks.bench import Bench, Figures
from benchmarks.calls import Target, basic, check, push_blob, push_manifest
from benchmarks.content import MIB, Blob
from benchmarks.crowd import Crowd
from benchmarks.fleet import target
from benchmarks.goals import P99, RATE, SPEED
from benchmarks.readers import Again
from benchmarks.wrk import load

IMAGE, TAG = "bench/crowded", "v1"
READERS, SIZE = 32, 256 * MIB
CONNECTIONS = 16

#: Seconds of small answers in a turn, and those that the readers are busy besides.
SECONDS, MORE = 3, 1


def run(bench: Bench) -> None:
    """The case."""
    blob = bench.contents.blob(SIZE)
    manifest = bench.contents.manifest(IMAGE, TAG, blob)
    path = f"/v2/{IMAGE}/manifests/{manifest.digest}"
    large = f"/v2/{IMAGE}/blobs/{blob.digest}"
    with bench.fleet() as fleet:
        ours = target(fleet.ours(), "hosted")
        targets = [ours.with_headers("ours hosted Basic", Authorization=basic())]
        theirs = fleet.distribution()
        if theirs:
            targets.append(target(theirs))
        for one in targets:
            push_blob(one, IMAGE, blob, bench.contents)
            push_manifest(one, manifest)
        static = fleet.static()
        if static:
            fleet.publish(static, large, blob)
            fleet.publish_bytes(static, path, manifest.content)
            targets.append(target(static))
        for one in targets:
            check(one, path, manifest.digest)
            check(one, large, blob.digest)
        turns = {one.name: partial(_turn, one, path, large, blob) for one in targets}
        bench.take_turns("i", "manifest by digest, while 32 readers read", turns)


def _turn(one: Target, path: str, large: str, blob: Blob) -> Figures:
    seconds = SECONDS + MORE
    crowd = Crowd([Again(one, large, blob.size, seconds) for _ in range(READERS)])
    crowd.go()
    found = load(one, [path], CONNECTIONS, SECONDS, other=True)
    read = sum(client["bytes"] for client in crowd.results())
    return {P99: found.p99, RATE: found.rate, SPEED: read / seconds / 1e6}
