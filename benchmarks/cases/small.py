"""a, b: answers that fit in a few packets, all of them cached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.bench import Bench, Figures
from benchmarks.calls import (
    Target,
    basic,
    bearer,
    check,
    push_blob,
    push_manifest,
    repeat,
)
from benchmarks.content import Manifest
from benchmarks.fleet import Fleet, target
from benchmarks.goals import CPU_REQUEST, P99, RATE
from benchmarks.measures import cpu
from benchmarks.wrk import load

IMAGE, TAG = "bench/app", "v1"
BLOB = 4096
FEW, MANY = 16, 64

_EVERY = ("Basic", "Bearer", "off")
_ALL = {"hosted": _EVERY, "proxy": _EVERY, "group": _EVERY}
_EACH = {"hosted": ("Basic",), "proxy": ("Bearer",), "group": ("off",)}
_FEW = {"hosted": ("Basic", "off"), "proxy": ("Bearer",), "group": ("Basic",)}
_ONE = {"hosted": ("Basic",)}

#: How our repositories are asked.
Ways = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Load:
    """One row: connections, whether each head is another one, and who is asked."""

    connections: int
    other: bool
    ways: Ways

    @property
    def told(self) -> str:
        """In the table."""
        heads = "each head another" if self.other else "one head"
        return f"{self.connections} connections, {heads}"


#: By digest every repository is asked in every way; elsewhere each in one.
_LOADS = (
    Load(FEW, True, _EACH),
    Load(FEW, False, _EACH),
    Load(MANY, True, _EACH),
)
_BY_DIGEST = (Load(FEW, True, _ALL), *_LOADS[1:])
_QUICKLY = (Load(FEW, True, _FEW), Load(FEW, False, _ONE))
_QUICKEST = (Load(FEW, True, _ONE),)

#: Requests before it is measured.
WARM = 300


class Small:
    """The servers, with a manifest and its blob in each."""

    def __init__(self, bench: Bench, fleet: Fleet) -> None:
        self.bench = bench
        contents = bench.contents
        self.blob = contents.blob(BLOB)
        self.manifest: Manifest = contents.manifest(IMAGE, TAG, self.blob)
        upstream = fleet.upstream()
        ours = fleet.ours(upstream)
        self.ours = {
            kind: target(ours, kind, f"ours {kind}")
            for kind in ("hosted", "proxy", "group")
        }
        started = [
            fleet.distribution(),
            None if bench.quick else fleet.distribution(upstream, "pulled"),
            fleet.cache(upstream),
        ]
        self.peers = [target(server) for server in started if server]
        for pushed in (self.ours["hosted"], target(started[0]) if started[0] else None):
            if pushed is not None:
                sent = self._asked(pushed, "Basic")
                push_blob(sent, IMAGE, self.blob, contents)
                push_manifest(sent, self.manifest)

    def measure(self, case: str, what: str, path: str, digest: str) -> None:
        """The rows of one path."""
        loads: Sequence[Load] = _BY_DIGEST if "by digest" in what else _LOADS
        if self.bench.quick:
            loads = _QUICKEST if "tag" in what else _QUICKLY
        for one in loads:
            ours = [
                self._asked(self.ours[kind], way)
                for kind, ways in one.ways.items()
                for way in ways
            ]
            turns = {}
            for asked in [*ours, *self.peers]:
                check(asked, path, digest)
                repeat(asked, path, WARM)
                turns[asked.name] = partial(self._turn, asked, path, one)
            self.bench.take_turns(case, f"{what}, {one.told}", turns)

    def _turn(self, asked: Target, path: str, one: Load) -> Figures:
        before = cpu(asked.pid)
        found = load(asked, [path], one.connections, self.bench.seconds, one.other)
        spent = (cpu(asked.pid) - before) / found.requests
        return {RATE: found.rate, P99: found.p99, CPU_REQUEST: spent * 1e6}

    @staticmethod
    def _asked(one: Target, way: str) -> Target:
        name = f"{one.name} {way}"
        if way == "off":
            return one.with_headers(name)
        secret = basic() if way == "Basic" else bearer(one, IMAGE)
        return one.with_headers(name, Authorization=secret)


def manifests(bench: Bench) -> None:
    """a: a manifest by its tag and by its digest."""
    with bench.fleet() as fleet:
        small = Small(bench, fleet)
        base, digest = f"/v2/{IMAGE}/manifests/", small.manifest.digest
        small.measure("a", "manifest by digest", base + digest, digest)
        small.measure("a", "manifest by tag", base + TAG, digest)


def blobs(bench: Bench) -> None:
    """b: a blob of 4 KiB."""
    with bench.fleet() as fleet:
        small = Small(bench, fleet)
        digest = small.blob.digest
        small.measure("b", "4 KiB blob", f"/v2/{IMAGE}/blobs/{digest}", digest)
