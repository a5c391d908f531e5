"""The whole run: arguments, cases, the table."""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.calls import Wrong
from benchmarks.cases import CASES
from benchmarks.content import Contents
from benchmarks.servers import find
from benchmarks.table import document, summary, table


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure us beside the peers that are installed.",
        epilog="cases: " + "; ".join(f"{key}: {CASES[key][0]}" for key in CASES),
    )
    parser.add_argument("--only", default=",".join(CASES), metavar="a,b,…")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=1, help="for a small request")
    parser.add_argument("--quick", action="store_true", help="less of all")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--folder", type=Path, help="on the disk to measure with")
    found = parser.parse_args(given)
    found.only = [key for key in found.only.split(",") if key]
    for key in found.only:
        if key not in CASES:
            parser.error(f"there is no case {key}")
    found.rounds = found.rounds or (2 if found.quick else 3)
    return found


def main() -> None:
    """Measure and print. Status 1 when bytes were wrong or a request has failed."""
    options = arguments()
    if find("wrk") is None:
        raise SystemExit("wrk is not installed")
    began = time.time()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        bench = Bench(
            folder,
            Contents(folder / "contents"),
            options.rounds,
            options.seconds,
            options.quick,
        )
        wrong = run(bench, options.only)
    for program in sorted(bench.missing):
        print(f"\n{program} is not installed; what it would serve is left out")
    print(f"\n{summary(bench.results, options.only)}\n{time.time() - began:.0f} s")
    if options.json:
        about = {**machine(), "began": began, "only": options.only, "wrong": wrong}
        text = json.dumps(document(bench.results, about), indent=1, ensure_ascii=False)
        options.json.write_text(text + "\n")
    if wrong:
        raise SystemExit(1)


def run(bench: Bench, only: list[str]) -> list[str]:
    """The cases, printing each; what went wrong."""
    wrong = []
    for key in only:
        title, case = CASES[key]
        began = time.monotonic()
        try:
            case(bench)
        except Wrong as error:
            wrong.append(f"{key}: {error}")
        print(table(bench.results, key))
        print(f"\n{key}  {title}: {time.monotonic() - began:.0f} s", flush=True)
        if wrong and wrong[-1].startswith(f"{key}:"):
            print(f"WRONG {wrong[-1]}", file=sys.stderr, flush=True)
    return wrong


def machine() -> dict[str, Any]:
    """Where it was measured."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
