"""f: pushes: 256 MiB in one PUT and in pieces, and many small layers."""

from functools import partial

from benchmarks.bench import Bench, Figures
from benchmarks.calls import Target, basic, bearer, check
from benchmarks.content import MIB, Blob
from benchmarks.crowd import together
from benchmarks.fleet import target
from benchmarks.goals import CPU_GB, LAYERS, SPEED
from benchmarks.measures import cpu
from benchmarks.pushers import PIECE, Pusher

IMAGE = "bench/pushed"
SIZE = 256 * MIB
SMALL, CLIENTS = 64 * 1024, 8

#: Small layers that each client pushes in a turn.
EACH = 40


def run(bench: Bench) -> None:
    """The case. Both fsync what they acknowledge, as they come."""
    with bench.fleet() as fleet:
        ours = fleet.ours(fleet.upstream())
        hosted, group = (target(ours, kind) for kind in ("hosted", "group"))
        token = bearer(group, IMAGE)
        targets = [
            hosted.with_headers("ours hosted Basic", Authorization=basic()),
            group.with_headers("ours group Bearer", Authorization=token),
        ]
        theirs = fleet.distribution()
        if theirs:
            targets.append(target(theirs))
        for what, piece in (("one PUT", 0), ("PATCHes of 16 MiB", PIECE)):
            turns = {one.name: partial(_large, bench, one, piece) for one in targets}
            for turn in turns.values():
                turn(MIB)
            bench.take_turns("f", f"push 256 MiB, {what}", turns)
        turns = {one.name: partial(_small, bench, one) for one in targets}
        for small in turns.values():
            small()
        bench.take_turns("f", "push 64 KiB layers, 8 clients", turns)


def _large(bench: Bench, one: Target, piece: int, size: int = SIZE) -> Figures:
    blob = bench.contents.blob(size)
    before = cpu(one.pid)
    client = Pusher(one, IMAGE, [blob], bench.contents, piece)
    began, found = together([client])
    spent = cpu(one.pid) - before
    _look(one, blob)
    seconds = found[0]["last"] - began
    return {SPEED: size / seconds / 1e6, CPU_GB: spent / (size / 1e9)}


def _small(bench: Bench, one: Target) -> Figures:
    clients = [
        Pusher(
            one,
            IMAGE,
            [bench.contents.blob(SMALL) for _ in range(EACH)],
            bench.contents,
        )
        for _ in range(CLIENTS)
    ]
    before = cpu(one.pid)
    began, found = together(clients)
    spent = cpu(one.pid) - before
    seconds = max(client["last"] for client in found) - began
    _look(one, clients[-1].blobs[-1])
    pushed = CLIENTS * EACH
    return {LAYERS: pushed / seconds, "CPU ms/layer": spent / pushed * 1000}


def _look(one: Target, blob: Blob) -> None:
    """What was pushed is there, byte for byte."""
    check(one, f"/v2/{IMAGE}/blobs/{blob.digest}", blob.digest)
