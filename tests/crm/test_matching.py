"""Rows to records: the keys first, then the names; two rows of one company are one record."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from django.conf import settings

from crm.duplicates import Row
from crm.matching import match_rows
from crm.models import Account
from crm.spreadsheets import import_file
from enrichment.models import EnrichmentRun
from sources.attributes import Kind
from sources.contract import Subject
from tests.factories import make_account

pytestmark = pytest.mark.django_db


def rows(*subjects: dict[str, str]) -> list[Row]:
    return [Row(number, Subject(**subject)) for number, subject in enumerate(subjects, 2)]  # type: ignore[arg-type]


def same_as(*subjects: dict[str, str]) -> list[int | None]:
    return [match.same_as for match in match_rows(Kind.ACCOUNT, rows(*subjects))]


def load(path: Path, text: str) -> EnrichmentRun:
    file = path / "accounts.csv"
    file.write_text(text)
    return import_file(file, name=file.name)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"name": "Becton, Dickinson and Co", "domain": "bd.com"}, {"name": "BD", "domain": "bd.com"}),
        ({"name": "Convore"}, {"name": "CONVORE"}),
        ({"name": "Murphy Oil"}, {"name": "  MURPHY  OIL Corporation", "domain": "murphyoilcorp.com"}),
        ({"name": "Atlassian Corporation Plc", "domain": "atlassian.com"}, {"name": "Atlassian"}),
        ({"name": "The MicroStrategy"}, {"name": "MICROSTRATEGY INCORPORATED", "city": "Tysons"}),
        ({"name": "IPG Photonics (IPGP)"}, {"name": "IPG Photonics - NEW"}),
        ({"name": "Infobblox"}, {"name": "Infoblox"}),
        (
            {"name": "Brasil Brokers Patricipacoes"},
            {"name": "Brasil Brokers Participacoes", "domain": "brasilbrokers.com.br"},
        ),
        ({"name": "Warner Music Corp."}, {"name": "Warner Music Group"}),
        ({"name": "Apex", "city": "New York"}, {"name": "Apex Inc", "city": "New York City"}),
    ],
)
def test_two_rows_of_one_company_are_one(first, second):
    assert same_as(first, second) == [None, 2]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"name": "Apex", "domain": "apex.com"}, {"name": "Apex", "domain": "apex.io"}),
        ({"name": "Apex", "city": "Oslo"}, {"name": "Apex", "city": "Rome"}),
        ({"name": "Apex", "country": "Norway"}, {"name": "Apex", "country": "Italy"}),
        ({"name": "Convore"}, {"name": "Convoy"}),
        ({"name": "Glimpse"}, {"name": "Glimpse Group, Inc."}),
        ({"name": "Blackrock Fund 1"}, {"name": "Blackrock Fund 11"}),
        ({"name": "Vanta", "domain": "chs.net"}, {"name": "Community Health Systems", "domain": "chs.net"}),
    ],
)
def test_two_companies_of_one_name_stay_two(first, second):
    assert same_as(first, second) == [None, None]


@pytest.mark.parametrize("known", [{"domain": "apex.com"}, {"city": "Oslo"}, {"country": "Norway"}])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_name_that_may_be_either_of_two_companies_is_neither(known, place):
    others = {"domain": "apex.io", "city": "Rome", "country": "Italy"}
    subjects = [{"name": "Apex"} | known, {"name": "Apex", **{field: others[field] for field in known}}]
    subjects.insert(place, {"name": "Apex"})
    assert same_as(*subjects) == [None, None, None]


def test_a_city_tells_which_of_two_companies_of_one_name_is_meant():
    found = same_as(
        {"name": "Apex", "domain": "apex.com", "city": "Oslo"},
        {"name": "Apex", "domain": "apex.io", "city": "Rome"},
        {"name": "APEX Ltd", "city": "Oslo"},
    )
    assert found == [None, None, 2]


def test_two_spellings_with_two_domains_are_two_companies_in_any_order():
    found = same_as(
        {"name": "Infobblox"},
        {"name": "Infoblox"},
        {"name": "Infobblox", "domain": "infobblox.com"},
        {"name": "Infoblox", "domain": "infoblox.com"},
    )
    assert found == [None, None, 2, 3]


def test_rows_join_by_any_name_of_their_company():
    found = same_as(
        {"name": "BD", "domain": "bd.com"},
        {"name": "Becton Dickinson", "domain": "bd.com"},
        {"name": "BECTON DICKINSON & CO"},
    )
    assert found == [None, 2, 2]


def test_hundreds_of_branches_of_one_name_stay_apart_and_cost_no_time():
    cities = [{"name": "Corner Cafe", "city": f"Town {number}"} for number in range(300)]
    assert same_as(*cities) == [None] * 300


def test_external_ids_that_differ_do_not_keep_a_company_apart():
    first, second = rows({"name": "Acme", "domain": "acme.com"}, {"name": "Acme", "domain": "acme.com"})
    first = Row(first.position, first.subject, "1", "csv")
    second = Row(second.position, second.subject, "2", "csv")
    third = Row(4, Subject(name="Other Name"), "2", "csv")
    found = match_rows(Kind.ACCOUNT, [first, second, third])
    assert [match.same_as for match in found] == [None, 2, 2]
    assert found[1].reasons[-1] == "its id 2 stays with the row, the record has 1"


def test_the_demo_list_has_each_company_once():
    folder = settings.BASE_DIR / "data" / "demo"
    expected = {row["account_id"]: row for row in csv.DictReader((folder / "accounts_expected.csv").open())}
    run = import_file(folder / "accounts.csv", name="accounts.csv")
    first: dict[int, str] = {}
    wrong, merged = [], 0
    for item in run.items.exclude(account=None):
        assert item.row
        assert item.account_id
        told = expected[item.row["account_id"]]
        domain = first.setdefault(item.account_id, told["true_domain"])
        merged += item.reason.startswith("same company")
        if domain != told["true_domain"]:
            wrong.append(item.row)
    discarded = {
        expected[item.row["account_id"]]["case"] for item in run.items.filter(state="discarded") if item.row
    }
    assert not wrong
    assert merged == 16
    assert discarded == {"junk"}
    assert run.items.filter(state="discarded").count() == 6


def test_the_same_file_again_makes_nothing_new(tmp_path):
    text = "Company,City\nConvore,\nApex,Oslo\n"
    load(tmp_path, text)
    again = load(tmp_path, text)
    assert Account.objects.count() == 2
    assert again.summary["matched"] == 2
    assert set(again.items.values_list("strategy", flat=True)) <= {"same file", "name", "name+location"}


def test_a_known_record_is_found_by_its_domain(tmp_path):
    known = make_account(name="Acme", domain="acme.com")
    run = load(tmp_path, "Company,Website\nAcme Incorporated,https://www.acme.com/about\n")
    assert run.items.get().account == known
    assert (run.summary["matched"], run.summary["created"]) == (1, 0)


def test_whom_rows_in_doubt_may_name_is_read_at_once(django_assert_num_queries):
    names = [f"{word} Partners" for word in ("Ash", "Oak", "Elm", "Fir")]
    for name in names:
        make_account(name=name, domain=f"{name.split()[0].lower()}.com", city="Oslo")
    doubtful = rows(*({"name": name, "domain": "other.com", "city": "Oslo"} for name in names))
    with django_assert_num_queries(2):  # the names, and those of them that are shown
        matches = match_rows(Kind.ACCOUNT, doubtful)
    assert [match.verdict for match in matches] == ["review"] * 4
    shown = [match.candidates[0] for match in matches]
    assert [(each["name"], each["domain"]) for each in shown] == [
        (name, f"{name.split()[0].lower()}.com") for name in names
    ]
