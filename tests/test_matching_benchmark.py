"""The matching benchmark runs on any files of its shape, and counts as it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import matching
from sources.contract import Subject
from sources.identity import Entry, name_key

ACCOUNTS = """id,name,domain,city,country
a1,Acme Corporation,acme.com,Paris,France
a2,Globex Systems,globex.com,London,United Kingdom
a3,Catamaran Holdings,,San Jose,United States
a4,Hooli,hooli.com,Palo Alto,United States
"""
QUERIES = """kind,name,domain,city,truth_ids
noisy,ACME corp,,Paris,a1
noisy,Globex Sistems,globex.com,,a2
slug,catamaran,,San Jose,a3 a9
absent,Zanzibar Spices,,Rome,
"""


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    (tmp_path / "queries.csv").write_text(QUERIES, encoding="utf-8")
    return ["--accounts", str(tmp_path / "accounts.csv"), "--queries", str(tmp_path / "queries.csv")]


def test_matching_prints_one_json_line(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    matching.main([*files, "--distractors", "50"])
    (line,) = capsys.readouterr().out.splitlines()
    figures = json.loads(line)
    assert figures["accounts"] > len(ACCOUNTS.splitlines()) - 1
    assert (figures["queries"], figures["f1"], figures["false_accepts"]) == (4, 1.0, 0)
    assert figures["automatic_precision"] == 1.0 and figures["rows_per_second"] > 0


def test_matching_says_which_file_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        matching.main(["--accounts", "nowhere.csv"])
    assert "nowhere.csv is not there" in capsys.readouterr().err


def test_distractors_are_new_companies_and_the_same_each_time() -> None:
    accounts = [
        Entry(i, name, f"d{i}.com", f"city {i}")
        for i, name in enumerate(["Acme Paint Works", "Blue Sky Air", "Hooli", "Initech Labs"])
    ]
    made = list(matching.make_distractors(accounts, 20))
    keys = [name_key(entry.name) for entry in [*accounts, *made]]
    assert len(made) > 5 and len(set(keys)) == len(keys)
    assert made == list(matching.make_distractors(accounts, 20))


def test_only_proposals_count_as_wrong_or_right() -> None:
    accounts = [Entry("a", "Acme Corporation", "acme.com"), Entry("b", "Globex Systems", "globex.com")]
    queries = [
        matching.Query("noisy", Subject(name="Acme"), frozenset({"a"})),
        matching.Query("noisy", Subject(name="Globex"), frozenset({"z"})),
        matching.Query("absent", Subject(name="Globex Systems"), frozenset()),
        matching.Query("noisy", Subject(name="Zanzibar"), frozenset({"b"})),
    ]
    figures = matching.measure(accounts, queries)
    assert (figures["false_accepts"], figures["false_accepts_of"]) == (1, 1)
    assert figures["recall"] == round(1 / 3, 4)
    assert figures["precision"] in (0.5, round(1 / 3, 4))
