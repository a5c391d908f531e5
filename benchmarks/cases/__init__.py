"""The cases by their letters."""

from collections.abc import Callable

from benchmarks.bench import Bench
from benchmarks.cases import (
    cold,
    crowded,
    growth,
    large,
    memory,
    pushes,
    small,
    stampede,
)

CASES: dict[str, tuple[str, Callable[[Bench], None]]] = {
    "a": ("a cached manifest by tag and by digest", small.manifests),
    "b": ("a small blob of 4 KiB", small.blobs),
    "c": ("a blob of 256 MiB", large.run),
    "d": ("a cold pull through a proxy", cold.run),
    "e": ("a stampede at one uncached blob", stampede.run),
    "f": ("pushes", pushes.run),
    "g": ("memory", memory.run),
    "h": ("many images and tags", growth.run),
    "i": ("small answers beside large ones", crowded.run),
}
