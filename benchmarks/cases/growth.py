"""h: a hundred images and ten thousand, with ten times as many tags.

They are written into the metadata while the daemon stands still: each image like the
one that was pushed.
"""

import http.client
import json
import sqlite3
import statistics
import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench, Figures
from benchmarks.calls import (
    Target,
    Wrong,
    basic,
    check,
    connect,
    push_blob,
    push_manifest,
)
from benchmarks.content import Blob, Manifest
from benchmarks.fleet import Fleet, target
from benchmarks.goals import FEW, LIST, RATE, START
from benchmarks.wrk import load

TAG, BLOB = "v0", 4096
SIZES = {FEW: 100, "ours 10,000 images": 10_000}

#: Tags of each image; one image has as many tags as there are images.
TAGS = 9
RICH = "bench/rich"

#: Names on a page, and pages asked for in a turn.
PAGE, PAGES = 100, 30
CONNECTIONS = 16
WARM = 6


def image(number: int) -> str:
    """The name of an image; they sort by their numbers."""
    return f"bench/image-{number:05}"


@dataclass(frozen=True, slots=True)
class Grown:
    """One of the daemons.

    :ivar images: how many it has.
    """

    target: Target
    images: int


def run(bench: Bench) -> None:
    """The case."""
    blob = bench.contents.blob(BLOB)
    manifest = bench.contents.manifest(image(0), TAG, blob)
    with bench.fleet() as fleet:
        grown = []
        for name, images in SIZES.items():
            one = _grow(bench, fleet, name, images, blob, manifest)
            grown.append(Grown(one, images))
        for what in ("images", "tags"):
            turns = {each.target.name: partial(_list, each, what) for each in grown}
            bench.take_turns("h", f"a page of 100 {what}, from anywhere", turns)
        for each in grown:
            load(each.target, _paths(each), CONNECTIONS, WARM, other=True)
        turns = {each.target.name: partial(_rate, bench, each) for each in grown}
        bench.take_turns("h", "manifests by tag of all images in turn", turns)


def _grow(
    bench: Bench,
    fleet: Fleet,
    name: str,
    images: int,
    blob: Blob,
    manifest: Manifest,
) -> Target:
    """A daemon with so many images; how long it takes to start is noted."""
    server = fleet.ours()
    first = target(server, "hosted").with_headers(name, Authorization=basic())
    push_blob(first, image(0), blob, bench.contents)
    push_manifest(first, manifest)
    for _ in range(bench.rounds):
        fleet.stop(server)
        multiply(server.log.parent / "data" / "metadata.sqlite", images)
        server = fleet.again(server)
        began = time.monotonic()
        one = target(server, "hosted").with_headers(name, Authorization=basic())
        check(one, f"/v2/{image(images - 1)}/manifests/{TAG}", manifest.digest)
        seconds = server.seconds + time.monotonic() - began
        bench.add("h", "start to first answer", name, {START: seconds})
    return one


def multiply(database: Path, images: int) -> None:
    """Have so many images and tags, all like the first image and its tag; nothing is
    done where they are there already."""
    with closing(sqlite3.connect(database)) as connection, connection:
        (have,) = connection.execute("SELECT count(*) FROM image").fetchone()
        if have > 1:
            return
        (first,) = connection.execute("SELECT id FROM image").fetchone()
        names = [image(number) for number in range(1, images)] + [RICH]
        numbers = range(first + 1, first + 1 + len(names))
        for number, name in zip(numbers, names, strict=True):
            _copy(connection, "image", first, id=number, name=name)
        for table in ("blob", "manifest", "link"):
            for number in numbers:
                _copy(connection, table, first, image=number)
        for number in (first, *numbers):
            rich = number == numbers[-1]
            for tag in range(images if rich else TAGS):
                name = f"v{tag:05}" if rich else f"v{tag}"
                if (number, name) != (first, TAG):
                    _copy(connection, "tag", first, image=number, name=name)


def _copy(
    connection: sqlite3.Connection, table: str, first: int, **changed: object
) -> None:
    """Copy the first image's rows of a table, with some columns changed."""
    rows = connection.execute(f"PRAGMA table_info({table})").fetchall()
    columns = [row[1] for row in rows]
    chosen = [f":{name}" if name in changed else name for name in columns]
    key = "id" if table == "image" else "image"
    only = f" AND name = '{TAG}'" if table == "tag" else ""
    connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(chosen)}"
        f" FROM {table} WHERE {key} = {first}{only}",
        changed,
    )


def _paths(one: Grown) -> list[str]:
    return [
        f"/v2/{image(number)}/manifests/v{number % TAGS}"
        for number in range(one.images)
    ]


def _rate(bench: Bench, one: Grown) -> Figures:
    found = load(one.target, _paths(one), CONNECTIONS, bench.seconds, other=True)
    return {RATE: found.rate}


def _list(one: Grown, what: str) -> Figures:
    """The median of some pages, each from another place."""
    waits = []
    connection = connect(one.target)
    try:
        for number in range(PAGES):
            begin = number * (one.images - PAGE) // PAGES
            last = image(begin) if what == "images" else f"v{begin:05}"
            base = "/v2/_catalog" if what == "images" else f"/v2/{RICH}/tags/list"
            waits.append(_page(connection, one, f"{base}?n={PAGE}&last={last}", what))
    finally:
        connection.close()
    return {LIST: statistics.median(waits) * 1000}


def _page(
    connection: http.client.HTTPConnection, one: Grown, path: str, what: str
) -> float:
    began = time.monotonic()
    connection.request("GET", path, headers=dict(one.target.headers))
    response = connection.getresponse()
    said = response.read()
    wait = time.monotonic() - began
    key = "repositories" if what == "images" else "tags"
    names = json.loads(said).get(key) if response.status == 200 else None
    last = path.rpartition("=")[2]
    if not names or names != sorted(names) or names[0] <= last:
        raise Wrong(f"{one.target.name}: {path}: {response.status} {said[:200]!r}")
    expected = min(PAGE, one.images - 1 - int(last[-5:]) + (what == "images"))
    if len(names) != expected:
        raise Wrong(f"{one.target.name}: {path}: {len(names)} names, not {expected}")
    return wait
