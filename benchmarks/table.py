"""The table, and the same as JSON."""

from collections.abc import Sequence
from typing import Any

from benchmarks.goals import GOALS, Goal
from benchmarks.limits import limit_of
from benchmarks.names import is_ours
from benchmarks.results import Results, Row, Spread

_MARKS = {"no": "not reached", "yes": "reached", "aim": "aim reached"}


def figure(value: float) -> str:
    """A number with as many digits as tell something."""
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 100:
        return f"{value:.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 1 or value == 0 else f"{value:.3f}"


def goals_of(row: Row) -> list[Goal]:
    """The goals that concern a row."""
    return [goal for goal in GOALS if goal.concerns(row)]


def table(results: Results, case: str = "") -> str:
    """All rows, of one case or all: each server's median, minimum and maximum, and our
    ratios to the peers that a goal names."""
    lines: list[str] = []
    for row, found in results.rows(case):
        goals = goals_of(row)
        heads = [_head(goal) for goal in goals]
        lines += ["", f"{row.case}  {row.what} · {row.metric}"]
        begin = f"   {'':<22}{'median':>10}{'min':>10}{'max':>10}"
        lines.append("   ".join([begin, *heads]))
        for name, spread in found.items():
            parts = (spread.median, spread.least, spread.most)
            shown = "".join(f"{figure(part):>10}" for part in parts)
            marks = [
                f"{_mark(goal, name, spread, found):<{len(head)}}"
                for goal, head in zip(goals, heads, strict=True)
            ]
            lines.append("   ".join([f"   {name:<22}{shown}", *marks]).rstrip())
    return "\n".join(lines)


def _head(goal: Goal) -> str:
    return f"{f'/ {goal.against}: ' if goal.against else ''}{goal.told}".ljust(20)


def _mark(goal: Goal, name: str, ours: Spread, found: dict[str, Spread]) -> str:
    if not is_ours(name) or name == goal.against:
        return ""
    reached = goal.figure(ours, found)
    if reached is None:
        return "not measured"
    return f"{figure(reached)} {_MARKS[goal.verdict(reached)]}"


def summary(results: Results, cases: Sequence[str]) -> str:
    """How many figures are where they should be, what limits us where they are not,
    and which goals were not judged."""
    found = judged(results)
    verdicts = [one["verdict"] for one in found]
    reached = len(verdicts) - verdicts.count("no")
    lines = [f"{reached} of {len(verdicts)} figures are where they should be"]
    lines += _missed(found)
    for goal in GOALS:
        seen = any(
            goal.concerns(Row(one["case"], one["what"], one["metric"]))
            and goal.against == one["against"]
            for one in found
        )
        if not seen and set(goal.cases) & set(cases):
            against = f" / {goal.against}" if goal.against else ""
            what = f" ({goal.what})" if goal.what else ""
            lines.append(f"not judged: {goal.cases} {goal.metric}{what}{against}")
    return "\n".join(lines)


def _missed(found: list[dict[str, Any]]) -> list[str]:
    """The goals that are not reached, with what limits us there."""
    rows: dict[tuple[str, str, str], set[str]] = {}
    for one in found:
        if one["limit"]:
            key = one["case"], one["metric"], one["limit"]
            rows.setdefault(key, set()).add(one["what"])
    return [
        f"not reached: {case} {metric} ({'; '.join(sorted(what))}): {limit}"
        for (case, metric, limit), what in rows.items()
    ]


def judged(results: Results) -> list[dict[str, Any]]:
    """Every figure of ours that a goal concerns."""
    found = []
    for row, spreads in results.rows():
        for goal in goals_of(row):
            for name, spread in spreads.items():
                value = goal.figure(spread, spreads)
                if value is None or not is_ours(name) or name == goal.against:
                    continue
                verdict = goal.verdict(value)
                found.append(
                    {
                        **_named(row),
                        "server": name,
                        "against": goal.against,
                        "figure": value,
                        "bound": goal.told,
                        "verdict": verdict,
                        "limit": limit_of(row) if verdict == "no" else "",
                    }
                )
    return found


def _named(row: Row) -> dict[str, Any]:
    return {"case": row.case, "what": row.what, "metric": row.metric}


def document(results: Results, about: dict[str, Any]) -> dict[str, Any]:
    """What stands in the JSON file.

    :param about: the machine and the arguments.
    """
    rows = []
    for row, spreads in results.rows():
        for name, spread in spreads.items():
            rows.append(
                {
                    **_named(row),
                    "server": name,
                    "median": spread.median,
                    "min": spread.least,
                    "max": spread.most,
                    "values": results.values(row, name),
                }
            )
    return {**about, "rows": rows, "goals": judged(results)}
