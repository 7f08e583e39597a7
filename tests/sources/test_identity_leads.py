"""Rows as users have them, against a small set of reference companies."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from sources.contract import Subject
from sources.identity import Entry, NameIndex, Verdict, is_junk_name, judge


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def ends(shared: Path) -> dict[str, Counter[str]]:
    """How the rows of each case end: confirmed, review, none or junk, and "wrong" for another company."""
    index = NameIndex(
        Entry(
            row["domain"],
            row["name"],
            row["domain"],
            row["hq_city"],
            row["hq_country"],
            tuple(name for name in (row["legal_name"], *row["aliases"].split("|")) if name),
        )
        for row in read(shared / "data/reference/companies_demo.csv")
    )
    ends: dict[str, Counter[str]] = defaultdict(Counter)
    for name in ("demo", "hard"):
        rows = {row["account_id"]: row for row in read(shared / f"data/leads/{name}_accounts.csv")}
        for expected in read(shared / f"data/leads/{name}_accounts_expected.csv"):
            row = rows[expected["account_id"]]
            ends[expected["case"]][_end(index, row, expected["true_domain"])] += 1
    return ends


def _end(index: NameIndex, row: dict[str, str], truth: str) -> str:
    if is_junk_name(row["account_name"]):
        return "junk"
    judgement = judge(index.search(Subject(name=row["account_name"], domain=row["domain"])))
    is_wrong = judgement.candidate is not None and judgement.candidate.id != truth
    is_confirmed = judgement.verdict is Verdict.CONFIRMED
    return "wrong" if is_wrong and is_confirmed else judgement.verdict.value


@pytest.mark.shared
def test_no_row_is_confirmed_as_another_company(ends: dict[str, Counter[str]]) -> None:
    assert {case: counts["wrong"] for case, counts in ends.items() if counts["wrong"]} == {}
    assert {case: counts["confirmed"] for case, counts in ends.items() if "absent" in case} == {
        "absent": 0,
        "near_absent": 0,
    }


@pytest.mark.shared
@pytest.mark.parametrize(
    ("case", "end", "share"),
    [
        ("match", "confirmed", 0.97),
        ("duplicate", "confirmed", 1.0),
        ("junk", "junk", 1.0),
        ("absent", "none", 1.0),
        ("near_absent", "none", 0.75),
        ("conflict", "review", 1.0),
        ("other_tld", "confirmed", 1.0),
        ("real_variant", "confirmed", 0.25),
        ("double_dirty", "confirmed", 0.3),
    ],
)
def test_rows_end_as_expected(ends: dict[str, Counter[str]], case: str, end: str, share: float) -> None:
    assert ends[case][end] >= share * ends[case].total()


@pytest.mark.shared
@pytest.mark.parametrize("case", ["real_variant", "double_dirty"])
def test_changed_names_are_at_least_shown_to_a_person(ends: dict[str, Counter[str]], case: str) -> None:
    assert ends[case]["confirmed"] + ends[case]["review"] >= 0.88 * ends[case].total()
