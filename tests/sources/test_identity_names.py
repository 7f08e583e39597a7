"""Name keys and names that name nobody."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.identity import is_junk_name, name_key
from sources.identity.names import fold, strip_tags


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme Inc.", "ACME, Incorporated"),
        ("Nestlé S.A.", "nestle s a "),
        ("J.P. Morgan Chase & Co.", "JP Morgan Chase and Company"),
        ("Siemens Aktiengesellschaft", "siemens ag"),
        ("Kühne + Nagel", "kuhne and nagel"),
        ("Moody's", "moodys"),
        ("The Home Depot", "home depot"),
        ("A.P. Møller - Mærsk A/S", "AP Moller Maersk"),
        ("Grupo Herdez, S.A.B. de C.V.", "Grupo Herdez"),
        ("ŁÓDŹ Sp. z o.o.", "lodz"),
        ("GmbH & Co. KG Müller", "gmbh & co kg muller"),
        ("Müller GmbH & Co. KG", "müller"),
        ("PT Bank Central Asia Tbk", "Bank Central Asia"),
        ("삼성전자주식회사", "삼성전자"),
        ("(주)카카오", "카카오"),
        ("トヨタ自動車株式会社", "トヨタ自動車"),
        ("türkiye i̇ş bankası", "Turkiye Is Bankasi"),
    ],
)
def test_spellings_of_one_name_share_a_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Eaton - HQ", "eaton"),
        ("Cummins | Main", "cummins"),
        ("BorgWarner (US)", "borgwarner"),
        ("Ledger  Investing [Prospect]", "ledger investing"),
        ("Community Health - NEW", "community health"),
        ("Bertrandt AG (BDT.VI)", "bertrandt"),
        ("QUALCOMM INC/DE", "qualcomm"),
        ("CHURCH & DWIGHT CO INC /DE/", "church and dwight"),
        ("Rejlers AB (publ)", "rejlers"),
        ("Griin ()", "griin"),
        ("AC/DC", "ac dc"),
        ("Info Edge (India) Limited", "info edge india"),
        ("Coca-Cola - Bottling", "coca cola bottling"),
    ],
)
def test_tags_are_taken_off_and_parts_of_the_name_stay(name: str, key: str) -> None:
    assert name_key(name) == key


@pytest.mark.parametrize(
    "name",
    [
        "SA",
        "Limited Brands",
        "The Company",
        "The The",
        "Company Limited",
        "AB",
        "The Limited",
        "Co.",
        "AG Inc",
    ],
)
def test_a_name_made_of_legal_forms_stays_a_name(name: str) -> None:
    assert name_key(name)
    assert name_key("Limited Brands") == "limited brands"


@pytest.mark.parametrize(
    "name",
    ["n/a", "N.A.", "test", "Test Account", "test 2", "asdf", "Self Employed", "self-employed", "unknown", "-", "", "123",
     "Total", "TBD - ask sales", "ABC Company", "Unknown Company LLC", "xxx", "?", "none", "Freelance", "aaaa"],
)  # fmt: skip
def test_names_that_name_nobody(name: str) -> None:
    assert is_junk_name(name)


@pytest.mark.parametrize(
    "name",
    ["Total S.A.", "3M", "EE", "AAA", "Box", "Unknown Worlds", "Test Rite International", "Testo SE", "Freelancer Limited",
     "abc Co., Ltd.", "The Company", "X Corp.", "NA-KD", "Self Storage", "삼성", "1-800-Flowers.com", "Nil Foundation", "LEAD"],
)  # fmt: skip
def test_odd_names_of_real_companies_are_no_junk(name: str) -> None:
    assert not is_junk_name(name)


@given(st.text(max_size=60))
def test_a_key_is_folded_once_and_for_all(name: str) -> None:
    key = name_key(name)
    assert fold(key) == key or not key.isascii()
    assert bool(key) == any(c.isalnum() for c in fold(strip_tags(name)))


def test_long_names_take_no_longer() -> None:
    assert len(name_key("a b " * 100_000)) <= 300


def test_listed_companies_are_no_junk_and_keep_a_key(shared: Path) -> None:
    with (shared / "data/reference/listed_companies.csv").open(encoding="utf-8", newline="") as file:
        names = [row["name"] for row in csv.DictReader(file)]
    assert [name for name in names if is_junk_name(name) or not name_key(name)] == []
