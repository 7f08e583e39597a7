"""Countries, stages, lists, telephone numbers, yes and no."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.attributes import Type
from sources.cleaning import Refused, country
from tests.sources.cleaning.examples import cleaned, reason

COUNTRIES = {
    "US": "United States",
    "usa": "United States",
    "U.S.": "United States",
    "United States of America": "United States",
    "UK": "United Kingdom",
    "England": "United Kingdom",
    "Deutschland": "Germany",
    "DEU": "Germany",
    "Côte d’Ivoire": "Côte d'Ivoire",
    "ivory coast": "Côte d'Ivoire",
    "Korea, Republic of": "South Korea",
    "Republic of Korea": "South Korea",
    "Democratic People's Republic of Korea": "North Korea",
    "Republic of the Congo": "Republic of the Congo",
    "DR Congo": "Democratic Republic of the Congo",
    "Trinidad & Tobago": "Trinidad and Tobago",
    "St. Lucia": "Saint Lucia",
    "The Netherlands": "Netherlands",
    "Kingdom of Norway": "Norway",
    "TURKEY": "Türkiye",
    "日本": "Japan",
    "NAM": "Namibia",
    "CA": "Canada",
}
STAGES = {
    "series-b": "Series B",
    "series_b": "Series B",
    "SERIES B": "Series B",
    "Series B1": "Series B",
    "Series J": "Series J",
    "Series C+": "Series C+",
    "series-c+": "Series C+",
    "seed round": "Seed",
    "pre_seed": "Pre-Seed",
    "angel": "Angel",
    "venture": "Venture",
    "private_equity": "Private Equity",
    "debt_financing": "Debt Financing",
    "Post-IPO": "Post-IPO",
    "post_ipo_equity": "Post-IPO Equity",
    "IPO": "IPO",
    "public": "Public",
    "Acquired": "Acquired",
    "bootstrapped": "Bootstrapped",
    "Unknown": None,
    "undisclosed": None,
    "early_stage_venture": "Early Stage Venture",
    "Venture (Round not Specified)": "Venture",
    "m_and_a": "Acquired",
    "Warm intro": "Warm intro",
    "Series Z": "Series Z",
    "x" * 200: "x" * 79 + "…",
}
LISTS: list[tuple[Any, Any]] = [
    ('["Index Ventures","GP Capital"]', ["Index Ventures", "GP Capital"]),
    ("a; b, c; A", ["a", "b, c"]),
    ("a|b|b", ["a", "b"]),
    ("a, b ,,B", ["a", "b"]),
    ("one\ntwo\r\nthree", ["one", "two", "three"]),
    (["x", None, " X ", 7, 2.0, "n/a"], ["x", "7", "2"]),
    ("[draft", ["[draft"]),
    ("[not json]", ["[not json]"]),
    ("Acme", ["Acme"]),
    ([], None),
    ("[]", None),
    ("n/a", None),
    (",,,", None),
]
PHONES = {
    "+1 (415) 555-0100": "+1 415-555-0100",
    "0044 20 7123 4567": "+44 20 7123 4567",
    "tel:+49 30 901820": "+49 30 901820",
    "659-980-2015": "659-980-2015",
    "(446) 758-2122": "(446) 758-2122",
    "459.288.6848x42525": "459.288.6848x42525",
    4155550100: "4155550100",
}


@pytest.mark.parametrize(("raw", "expected"), COUNTRIES.items())
def test_a_country_has_one_english_name(raw: str, expected: str) -> None:
    assert cleaned(Type.COUNTRY, raw) == expected
    assert country(expected) == expected


@pytest.mark.parametrize(
    "raw", ["Remote", "Europe", "California", "ZZ", "Democratic Republic of Korea", "x" * 5000]
)
def test_what_is_no_country_is_refused(raw: str) -> None:
    assert "not a country" in reason(cleaned, Type.COUNTRY, raw)


def test_every_country_of_the_reference_files_is_known(shared: Path) -> None:
    for code in ("AD", "ZW", "XK", "GBR"):
        assert country(code)
    codes = (shared / "data/codes/iso3166_countries.csv").read_text(encoding="utf-8").splitlines()[1:]
    for code in {line[:2] for line in codes} - {"CQ", "NA"}:
        assert country(code), code


@pytest.mark.parametrize(("raw", "expected"), STAGES.items())
def test_a_stage_has_one_name_and_an_unknown_one_stays(raw: str, expected: str | None) -> None:
    assert cleaned(Type.STAGE, raw) == expected


@pytest.mark.parametrize(("raw", "expected"), LISTS)
def test_a_list_holds_distinct_texts(raw: Any, expected: list[str] | None) -> None:
    assert cleaned(Type.LIST, raw) == expected


@pytest.mark.parametrize("raw", [{"a": 1}, [{"a": 1}], [["a"]], '[["a"]]', [float("nan")], "x" * 300_000])
def test_nested_and_endless_lists_are_refused(raw: Any) -> None:
    assert reason(cleaned, Type.LIST, raw)


def test_deep_brackets_are_text_and_long_lists_are_cut() -> None:
    assert cleaned(Type.LIST, "[" * 50_000 + "]" * 50_000)
    assert len(cleaned(Type.LIST, ";".join(map(str, range(2000))))) == 500
    assert len(cleaned(Type.LIST, ["x" * 5000])[0]) == 200


@given(st.lists(st.text()))
def test_a_list_read_twice_is_the_same(raw: list[str]) -> None:
    found = cleaned(Type.LIST, raw)
    assert found is None or cleaned(Type.LIST, found) == found


@pytest.mark.parametrize(("raw", "expected"), PHONES.items())
def test_a_telephone_number_is_international_when_its_country_is_known(raw: Any, expected: str) -> None:
    assert cleaned(Type.PHONE, raw) == expected


@pytest.mark.parametrize("raw", ["12345", "call me", "+1 23", "+999 123 456 789", "1" * 18, "+" * 40])
def test_what_is_no_telephone_number_is_refused(raw: str) -> None:
    assert reason(cleaned, Type.PHONE, raw)


@given(st.text(st.sampled_from("+0123456789 ()-./xext٣,;"), max_size=30))
def test_hostile_telephone_numbers_are_read_or_refused(raw: str) -> None:
    try:
        found = cleaned(Type.PHONE, raw)
    except Refused:
        return
    assert found is None or cleaned(Type.PHONE, found) == found


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("Yes", True), ("FALSE", False), ("1", True), (0, False), (1.0, True), (True, True), ("n", False)],
)
def test_yes_and_no_are_read(raw: Any, expected: bool) -> None:
    assert cleaned(Type.BOOLEAN, raw) is expected


@pytest.mark.parametrize("raw", ["maybe", 2, 0.5])
def test_what_is_neither_yes_nor_no_is_refused(raw: Any) -> None:
    assert "neither yes nor no" in reason(cleaned, Type.BOOLEAN, raw)
