"""The table of what was asked for lately."""

from pullthrough.web.recent import Recent


def test_what_is_asked_for_stays() -> None:
    """However much else comes meanwhile."""
    table: Recent[str, int] = Recent(8)
    table.put("wanted", 1)
    for number in range(100):
        table.put(f"other {number}", number)
        if number % 3 == 0:
            assert table.get("wanted") == 1
    assert table.get("other 99") == 99
    assert table.get("other 0") is None


def test_it_has_a_limit() -> None:
    """What is not asked for goes, the oldest first."""
    table: Recent[int, int] = Recent(8)
    most = 0
    for number in range(100):
        table.put(number, number)
        most = max(most, len(table))
    assert most == 8
    assert [table.get(number) for number in range(96, 100)] == [96, 97, 98, 99]
    assert table.get(91) is None


def test_put_anew() -> None:
    """The last value counts, and what is put again makes nothing else go."""
    table: Recent[str, int] = Recent(4)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("b", 4), ("a", 5)):
        table.put(key, value)
    assert (table.get("a"), table.get("b")) == (5, 4)
    for key in ("c", "a"):
        table.put(key, 6)
    assert (table.get("a"), table.get("b"), table.get("c")) == (6, 4, 6)


def test_drop_and_clear() -> None:
    """Young or old."""
    table: Recent[str, int] = Recent(4)
    for key in "abc":
        table.put(key, 1)
    table.drop("a")
    table.drop("c")
    table.drop("never there")
    assert [table.get(key) for key in "abc"] == [None, 1, None]
    table.clear()
    assert table.get("b") is None
    assert len(table) == 0
