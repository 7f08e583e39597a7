"""The benchmarks run, fill their table, and say what is missing; how fast anything is they do not test."""

from __future__ import annotations

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import databases, matching
from benchmarks.table import Row, render


def table_of(capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    """The printed cells by path."""
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()[2:]]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    return {line[1]: line for line in cells if len(line) > 5}


def test_a_quick_run_measures_every_row_that_needs_a_database(capsys):
    benchmarks.main(["p1", "p2", "p3", "p4", "p5", "p7", "p8", "p9", "--quick", "--database", "sqlite"])
    rows = table_of(capsys)
    assert [row[0] for row in rows.values()] == [
        "P1",
        "P1",
        "P2",
        "P2",
        "P3",
        "P3",
        "P3",
        "P3",
        *["P4"] * 2,
        "P5",
        *["P7"] * 5,
        *["P8"] * 4,
        *["P9"] * 3,
    ]
    for _, path, database, ours, peer, limit, *_ in rows.values():
        assert database == "SQLite"
        figures = [float(cell.replace(",", "")) for cell in (ours, peer, limit) if cell != "–"]
        assert len(figures) >= 2 and min(figures) > 0, path


def test_without_the_labelled_rows_matching_is_left_out_with_a_sentence(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(matching, "SHARED", tmp_path)
    benchmarks.main(["p6", "--quick"])
    assert "P6 not measured: the labelled rows are in the folder ../shared" in capsys.readouterr().out


def test_a_measurement_that_fails_costs_its_row_only(capsys, monkeypatch):
    monkeypatch.setattr(benchmarks, "WITH_DATABASE", ("p0", "p1"))
    benchmarks.main(["p0", "p1", "--quick", "--database", "sqlite"])
    told = capsys.readouterr().out
    assert "P0 not measured: the measurement failed" in told and "write new values" in told


def test_measuring_leaves_the_databases_of_the_user_alone(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "sqlite:////mine.sqlite3")
    monkeypatch.setenv("REDIS_URL", "redis://mine")
    with databases.scratch("sqlite") as environment:
        assert "mine" not in environment["DATABASE_URL"] and "REDIS_URL" not in environment


def test_a_database_that_is_not_there_is_a_row_with_its_reason(capsys):
    benchmarks.main(["p1", "--quick", "--database", "postgres://postgres@127.0.0.1:9/none"])
    assert "P1 not measured: PostgreSQL is not reachable" in capsys.readouterr().out


def test_an_unknown_row_is_refused(capsys):
    with pytest.raises(SystemExit):
        benchmarks.main(["p99"])
    assert "there is no row p99" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("figures", "is_reached"),
    [
        ({"ours": 30.0, "peer": 10.0, "peer_target": 3.0}, True),
        ({"ours": 29.0, "peer": 10.0, "peer_target": 3.0}, False),
        ({"ours": 30.0, "peer": 10.0, "peer_target": 3.0, "limit": 400.0, "limit_target": 0.1}, False),
        ({"ours": 0.91, "at_least": 0.9}, True),
        ({"ours": 501.0, "at_most": 500.0}, False),
        ({"ours": 1.0}, None),
        ({"peer_target": 3.0}, None),
    ],
)
def test_a_target_is_reached_when_every_part_of_it_is(figures, is_reached):
    assert Row(number="P0", path="think", **figures).is_reached is is_reached


def test_the_table_shows_ratios_and_notes():
    text = render(
        [Row(number="P0", path="think", ours=30, peer=10, limit=120, unit="thoughts/s", note="peer: me")]
    )
    assert "3×" in text and "25 %" in text and text.endswith("P0 think: peer: me")
