"""The benchmarks' arithmetic and readers of others' output; nothing is timed."""

import hashlib
import http.server
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks import goals, stages, strace, wrk
from benchmarks.bench import Bench
from benchmarks.calls import Target, Wrong, check, path_of, with_digest
from benchmarks.cases import CASES
from benchmarks.cases.growth import RICH, TAG, TAGS, image, multiply
from benchmarks.content import BASE, PREFIX, Contents, spans
from benchmarks.crowd import together
from benchmarks.goals import FEW, GOALS, Goal
from benchmarks.limits import LIMITS, UNKNOWN, limit_of
from benchmarks.measures import cpu_of, memory_of
from benchmarks.names import CACHE, DISTRIBUTION, is_ours
from benchmarks.pushers import pieces
from benchmarks.readers import Reader, check_head
from benchmarks.results import Results, Row, Spread
from benchmarks.run import arguments
from benchmarks.table import document, judged, summary, table

ROOT = Path(__file__).parents[1]
ROW = Row("a", "a manifest", goals.RATE)


def results(**values: list[float]) -> Results:
    """One row: what each server has reached."""
    found = Results()
    for name, some in values.items():
        for value in some:
            found.add(ROW, name.replace("_", " "), value)
    return found


# -- the table --


def test_spread() -> None:
    assert Spread.of([5.0, 1.0, 3.0]) == Spread(3.0, 1.0, 5.0)


def test_ratios_are_of_medians() -> None:
    found = results(ours=[200, 900, 210], distribution=[10, 10, 90])
    (one,) = judged(found)
    assert (one["figure"], one["verdict"]) == (21.0, "yes")


@pytest.mark.parametrize(
    ("figure", "most", "verdict"),
    [
        (19.9, False, "no"),
        (20, False, "yes"),
        (25, False, "aim"),
        (25.1, True, "no"),
        (25, True, "yes"),
        (20, True, "aim"),
    ],
)
def test_verdicts(figure: float, most: bool, verdict: str) -> None:
    bounds = (25, 20) if most else (20, 25)
    assert Goal("a", "x", "", *bounds, most=most).verdict(figure) == verdict


def test_a_goal_without_its_peer_is_not_judged() -> None:
    found = results(ours=[1])
    assert judged(found) == []
    assert "not measured" in table(found)
    assert f"not judged: ab requests/s / {DISTRIBUTION}" in summary(found, ["a"])
    assert "not judged" not in summary(results(), [])


def test_table_tells_figures_goals_and_what_is_reached() -> None:
    found = results(ours_hosted=[100, 300, 200], distribution=[20], nginx_cache=[100])
    told = table(found)
    ours = next(line for line in told.splitlines() if "ours hosted" in line)
    assert ours.split()[2:5] == ["200", "100", "300"]
    assert "10.0 not reached" in ours
    assert "2.00 reached" in ours
    assert f"/ {DISTRIBUTION}: at least 20, aim 25" in told
    assert f"/ {CACHE}: at least 0.5" in told
    assert summary(found, ["a"]).startswith("1 of 2 figures")


def test_what_limits_a_missed_goal_is_told() -> None:
    row = Row("a", "a manifest, each head another", goals.RATE)
    found = Results()
    for name, value in (("ours", 100), (DISTRIBUTION, 90), (CACHE, 100)):
        found.add(row, name, value)
    limits = [(one["against"], one["limit"]) for one in judged(found)]
    assert limits == [(DISTRIBUTION, limit_of(row)), (CACHE, "")]
    assert limit_of(row) != UNKNOWN
    assert limit_of(Row("a", "nothing", "x")) == UNKNOWN
    (line,) = summary(found, ["a"]).splitlines()[1:2]
    assert line == f"not reached: a {row.metric} ({row.what}): {limit_of(row)}"


def test_each_limit_is_of_a_goal() -> None:
    for one in LIMITS:
        fits = [goal for goal in GOALS if set(goal.cases) & set(one.cases)]
        known = {goal.metric for goal in fits}
        assert fits, one
        assert set(one.metrics) <= known, one


def test_only_ours_is_judged() -> None:
    assert is_ours("ours hosted Basic")
    assert is_ours(FEW)
    assert not is_ours("distribution")
    named = {one["server"] for one in judged(results(ours=[1], distribution=[1]))}
    assert named == {"ours"}


def test_document_is_json_with_every_value() -> None:
    found = json.loads(json.dumps(document(results(ours=[1, 2]), {"cores": 2})))
    assert found["cores"] == 2
    assert found["rows"][0]["values"] == [1, 2]


# -- cases and goals --


def test_all_cases_are_there() -> None:
    assert "".join(CASES) == "abcdefghi"


def test_every_goal_can_be_met_by_a_row() -> None:
    """What it names is written somewhere in the cases."""
    sources = "".join(
        path.read_text() for path in (ROOT / "benchmarks" / "cases").glob("*.py")
    )
    sources = sources.replace("{READERS} slow", "64 slow")
    for goal in GOALS:
        assert set(goal.cases) <= set(CASES), goal
        assert goal.what in sources, goal


def test_arguments() -> None:
    assert arguments(["--only", "a,c"]).only == ["a", "c"]
    assert arguments([]).only == list(CASES)
    with pytest.raises(SystemExit):
        arguments(["--only", "z"])


def test_turns_go_round(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Contents(tmp_path / "contents"))
    order: list[str] = []

    def turn(name: str) -> dict[str, float]:
        order.append(name)
        return {goals.RATE: 1.0}

    turns = {name: lambda name=name: turn(name) for name in ("x", "y")}
    bench.take_turns("a", "row", turns, 3)
    assert order == ["x", "y", "y", "x", "x", "y"]
    ((_, found),) = bench.results.rows("a")
    assert list(found) == ["x", "y"]


# -- readers of what others print --

_SAID = 'Running 1s test\nJSON {"duration": 2000000, "requests": 4000, "p50": 150, '


def test_wrk() -> None:
    found = wrk.parse(_SAID + '"p99": 2500, "errors": 0}\n')
    assert found == wrk.Rate(4000, 2000.0, 0.15, 2.5)


@pytest.mark.parametrize(
    "said",
    [
        "",
        _SAID + '"p99": 2500, "errors": 1}\n',
        (_SAID + '"p99": 1, "errors": 0}\n').replace("4000", "0"),
    ],
)
def test_wrk_with_failures_counts_nothing(said: str) -> None:
    with pytest.raises(Wrong):
        wrk.parse(said)


def test_proc() -> None:
    stat = "7 (a) b) S " + " ".join(str(number) for number in range(4, 53))
    # utime and stime are fields 14 and 15; proc(5)
    assert round(cpu_of(stat) * os.sysconf("SC_CLK_TCK")) == 14 + 15
    assert memory_of("x\nRss:  9 kB\nPss:   2048 kB\nPss_Dirty: 1 kB\n", "Pss") == 2


_STRACE = """\
strace: Process 12 attached
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 71.42    0.349390          15        30           sendto
 25.32    0.123850           5        70         4 accept4
------ ----------- ----------- --------- --------- ----------------
100.00    0.489189          10       100         4 total
"""


def test_strace() -> None:
    assert strace.parse(_STRACE) == {"accept4": 70, "sendto": 30}


def test_stages() -> None:
    """The innermost frame that is known decides."""
    stacks = [
        (["x/json/decoder.py:decode", "/pullthrough/web/head.py:parse_head"], 3.0),
        (["/pullthrough/access/roles.py:may", "/pullthrough/web/head.py:x"], 1.0),
        (["nobody.py:x"], 4.0),
    ]
    assert stages.stages(stacks) == [("other", 0.5), ("head", 0.375), ("right", 0.125)]
    assert stages.functions(stacks)[0] == ("nobody.py:x", 0.5)


def test_stages_know_our_files() -> None:
    """A rule about a file of ours that has gone is found out."""
    for part, _ in stages.RULES:
        if part.startswith("pullthrough/"):
            name = part.partition(":")[0]
            assert any(ROOT.glob(f"{name.rstrip('/')}*")), part


# -- content --


def test_contents_are_what_their_digests_say(tmp_path: Path) -> None:
    contents = Contents(tmp_path / "contents")
    for size in (10, PREFIX, 4096, BASE + 100):
        blob = contents.blob(size)
        content = b"".join(contents.pieces(blob))
        assert len(content) == size
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == blob.digest
    assert contents.blob(4096).digest != contents.blob(4096).digest


def test_spans_go_round() -> None:
    assert list(spans(BASE - 1, BASE + 5)) == [(BASE - 1, 1), (0, 5)]


def test_pieces_of_a_push() -> None:
    parts = iter([memoryview(b"ab"), memoryview(b"cdefg")])
    found = [(begin, b"".join(some)) for begin, some in pieces(parts, 3)]
    assert found == [(0, b"abc"), (3, b"def"), (6, b"g")]


def test_locations() -> None:
    assert path_of("http://host:1/v2/x?a=b") == "/v2/x?a=b"
    assert with_digest("/v2/x?a=b", "sha256:0") == "/v2/x?a=b&digest=sha256:0"
    assert with_digest("/v2/x", "sha256:0") == "/v2/x?digest=sha256:0"


def test_growth_fits_the_schema(tmp_path: Path) -> None:
    """The rows that it copies are those of the metadata store's own tables."""
    path = tmp_path / "metadata.sqlite"
    schema = sorted((ROOT / "pullthrough/metadata/schema").glob("*.sql"))
    with closing(sqlite3.connect(path)) as connection, connection:
        for file in schema:
            connection.executescript(file.read_text())
        connection.execute("INSERT INTO repository VALUES (1, 'own', 'hosted')")
        for table, known in (
            ("image", {"id": 1, "repository": 1, "name": image(0)}),
            ("manifest", {"image": 1, "digest": "d"}),
            ("blob", {"image": 1, "digest": "b"}),
            ("tag", {"image": 1, "name": TAG, "digest": "d"}),
        ):
            insert(connection, table, known)
    for _ in range(2):  # the second time it finds all there
        multiply(path, 20)
    with closing(sqlite3.connect(path)) as connection:
        counts = dict(
            connection.execute(
                "SELECT image.name, count(*) FROM tag JOIN image ON image = id"
                " GROUP BY image"
            )
        )
    assert counts == {image(number): TAGS for number in range(20)} | {RICH: 20}


def insert(
    connection: sqlite3.Connection, table: str, known: dict[str, object]
) -> None:
    """A row with something in every column."""
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    values = [
        known.get(column[1], "" if column[2] == "TEXT" else 0) for column in columns
    ]
    marks = ", ".join("?" for _ in values)
    connection.execute(f"INSERT INTO {table} VALUES ({marks})", values)


# -- what is wrong is an error --


class Answers(http.server.BaseHTTPRequestHandler):
    """Tells that it sends eight bytes, and sends these."""

    body, status = b"12345678", 200

    def do_GET(self) -> None:
        """Any path."""
        self.send_response(self.status)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[tuple[Target, type[Answers]]]:
    """A server, and what it answers."""

    class Own(Answers):
        pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Own) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield Target("x", made.server_port, 0), Own
        made.shutdown()
        thread.join()


def test_check_hashes(server: tuple[Target, type[Answers]]) -> None:
    target, answers = server
    digest = f"sha256:{hashlib.sha256(answers.body).hexdigest()}"
    check(target, "/x", digest)
    answers.body = b"12345679"
    with pytest.raises(Wrong, match="wrong bytes"):
        check(target, "/x", digest)
    answers.status = 404
    with pytest.raises(Wrong, match="404"):
        check(target, "/x", digest)


def read(reader: Reader) -> float:
    """Read in this process."""
    reader.prepare()
    try:
        return reader.work()["bytes"]
    finally:
        reader._socket.close()


def test_reader(server: tuple[Target, type[Answers]]) -> None:
    target, answers = server
    assert read(Reader(target, "/x", 8)) == 8
    with pytest.raises(Wrong, match="not 9 bytes"):
        read(Reader(target, "/x", 9))
    answers.body = b"1234"
    with pytest.raises(Wrong, match="cut short by 4"):
        read(Reader(target, "/x", 8))


def test_head() -> None:
    check_head(b"HTTP/1.1 200 OK\r\ncontent-length: 5", 5, "x")
    for head in (
        b"HTTP/1.1 206 OK\r\nContent-Length: 5",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4",
        b"HTTP/1.1 200 OK",
    ):
        with pytest.raises(Wrong):
            check_head(head, 5, "x")


class Told:
    """A client without a server."""

    def __init__(self, wrong: bool) -> None:
        self.wrong = wrong

    def prepare(self) -> None:
        """Nothing."""

    def work(self) -> dict[str, float]:
        """Go wrong, or find seven."""
        if self.wrong:
            raise Wrong("as told")
        return {"found": 7}


def test_one_client_that_goes_wrong_is_an_error() -> None:
    _, found = together([Told(False), Told(False)])
    assert found == [{"found": 7}, {"found": 7}]
    with pytest.raises(Wrong, match="as told"):
        together([Told(False), Told(True)])
