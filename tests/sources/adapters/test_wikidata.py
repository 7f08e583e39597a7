"""Companies as Wikidata tells of them: rows of the query service, and entities of its other interface."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from sources.adapters.wikidata import Wikidata
from sources.contract import Subject
from sources.errors import PayloadChanged, RateLimited, SourceUnavailable
from sources.http import Client
from tests.sources.adapters.public_apis import (
    Network,
    answer,
    ask,
    claims,
    damage,
    misbehaviour,
    recorded,
)
from tests.sources.servers import reply, serving

ITEM = "http://www.wikidata.org/entity/"
RANK = "http://wikiba.se/ontology#"


def row(domain: str, item: str, name: str, value: str, **more: str) -> dict[str, object]:
    """A row as the query service writes it; values of items and units are written as addresses."""
    cells = {
        "domain": domain,
        "item": ITEM + item,
        "itemLabel": f"Label of {item}",
        "property": ITEM + name,
        "value": value,
        "rank": RANK + "NormalRank",
    } | more
    return {
        key: {"type": "uri" if cell.startswith("http://www.wikidata") else "literal", "value": cell}
        for key, cell in cells.items()
    }


def rows(*found: dict[str, object]) -> dict[str, Any]:
    return {"head": {"vars": []}, "results": {"bindings": list(found)}}


ACME = rows(
    row(
        "acme.com", "Q1", "P856", "https://www.acme.com/", itemLabel="Acme", itemDescription="maker of traps"
    ),
    row("acme.com", "Q1", "P452", f"{ITEM}Q900", valueLabel="pest control", itemLabel="Acme"),
    row("acme.com", "Q1", "P452", f"{ITEM}Q80", valueLabel="manufacturing", itemLabel="Acme"),
    row("acme.com", "Q1", "P1128", "100", at="2015-01-01T00:00:00Z"),
    row("acme.com", "Q1", "P1128", "250", at="2024-01-01T00:00:00Z"),
    row("acme.com", "Q1", "P1128", "90", at="2010-01-01T00:00:00Z"),
    row("acme.com", "Q1", "P2139", "12000000", unit=f"{ITEM}Q4917", at="2023-01-01T00:00:00Z"),
    row("acme.com", "Q1", "P2139", "99000000", unit=f"{ITEM}Q4916", at="2024-01-01T00:00:00Z"),
    row("acme.com", "Q1", "P571", "1949-01-01T00:00:00Z", precision="9"),
    row("acme.com", "Q1", "P159", f"{ITEM}Q64", valueLabel="Berlin", landLabel="Germany"),
    row(
        "acme.com",
        "Q1",
        "P169",
        f"{ITEM}Q7",
        valueLabel="Old Boss",
        since="2001-01-01T00:00:00Z",
        end="2010-01-01T00:00:00Z",
    ),
    row("acme.com", "Q1", "P169", f"{ITEM}Q8", valueLabel="Ann Boss", profile="annboss"),
    row("acme.com", "Q1", "P4264", "acme"),
    row("acme.com", "Q1", "P2002", "acme"),
    row("acme.com", "Q1", "P414", f"{ITEM}Q82059", ticker="ACME"),
    row("acme.com", "Q1", "P1278", "21380068P1DRHMJ8KU70"),
    row("acme.com", "Q1", "P5531", "0000789019"),
)


def test_what_rows_say():
    (finding,) = Wikidata().parse(answer(ACME), {})
    assert finding.subject == Subject(
        name="Acme",
        domain="acme.com",
        linkedin_url="https://www.linkedin.com/company/acme",
        city="Berlin",
        country="Germany",
    )
    assert {claim.attribute: (claim.value, *claim.references) for claim in finding.claims} == {
        "name": ("Acme", "https://www.wikidata.org/wiki/Q1"),
        "company_description": ("maker of traps", "https://www.wikidata.org/wiki/Q1"),
        "industry": ("manufacturing", "https://www.wikidata.org/wiki/Q1#P452"),
        "headcount": (250, "https://www.wikidata.org/wiki/Q1#P1128"),
        "revenue_range": (12_000_000, "https://www.wikidata.org/wiki/Q1#P2139"),
        "founded_year": (1949, "https://www.wikidata.org/wiki/Q1#P571"),
        "headquarters": ("Berlin, Germany", "https://www.wikidata.org/wiki/Q1#P159"),
        "city": ("Berlin", "https://www.wikidata.org/wiki/Q1#P159"),
        "country": ("Germany", "https://www.wikidata.org/wiki/Q1#P159"),
        "ceo_name": ("Ann Boss", "https://www.wikidata.org/wiki/Q1#P169"),
        "ceo_linkedin_url": (
            "https://www.linkedin.com/in/annboss",
            "https://www.wikidata.org/wiki/Q1#P169",
        ),
        "company_linkedin_url": (
            "https://www.linkedin.com/company/acme",
            "https://www.wikidata.org/wiki/Q1#P4264",
        ),
        "twitter_url": ("https://twitter.com/acme", "https://www.wikidata.org/wiki/Q1#P2002"),
        "ticker": ("ACME", "https://www.wikidata.org/wiki/Q1#P414"),
        "lei": ("21380068P1DRHMJ8KU70", "https://www.wikidata.org/wiki/Q1#P1278"),
        "cik": ("0000789019", "https://www.wikidata.org/wiki/Q1#P5531"),
    }


def found(*more: dict[str, object]) -> dict[str, object]:
    named = row("acme.com", "Q1", "P856", "https://acme.com", itemLabel="Acme")
    return claims(Wikidata(), answer(rows(named, *more)))


@pytest.mark.parametrize(
    "said",
    [
        row("acme.com", "Q1", "P571", "1949-01-01T00:00:00Z", precision="8"),
        row("acme.com", "Q1", "P169", f"{ITEM}Q8", valueLabel="Q8"),
        row("acme.com", "Q1", "P169", "http://www.wikidata.org/.well-known/genid/1", valueLabel="t1"),
        row("acme.com", "Q1", "P1128", "0"),
        row("acme.com", "Q1", "P1128", "many"),
        row("acme.com", "Q1", "P2139", "5000000", unit=f"{ITEM}Q4916"),
        row("acme.com", "Q1", "P4264", "in/../../x"),
    ],
)
def test_what_is_not_known_is_not_claimed(said):
    assert found(said) == {"name": "Acme"}


def test_several_values_without_a_main_one_are_not_claimed():
    handles = [row("acme.com", "Q1", "P2002", handle) for handle in ("acme", "acme_help")]
    years = [row("acme.com", "Q1", "P571", f"{year}-01-01T00:00:00Z") for year in (1949, 1955)]
    chiefs = [row("acme.com", "Q1", "P169", f"{ITEM}Q{n}", valueLabel=f"Boss {n}") for n in (8, 9)]
    assert found(*handles, *years, *chiefs) == {"name": "Acme"}
    preferred = row("acme.com", "Q1", "P2002", "acme_main", rank=RANK + "PreferredRank")
    assert found(*handles, preferred)["twitter_url"] == "https://twitter.com/acme_main"


def test_the_site_it_was_found_by_names_the_company():
    sites = [
        row("acme.de", "Q1", "P856", f"https://{name}", itemLabel="Acme") for name in ("acme.com", "acme.de")
    ]
    (finding,) = Wikidata().parse(answer(rows(*sites)), {})
    assert finding.subject.domain == "acme.de"
    (finding,) = Wikidata().parse(answer(rows(sites[0])), {})
    assert finding.subject.domain == "acme.com"


def column(name: str, value: str) -> dict[str, str]:
    return {"type": "uri" if value.startswith("http") else "literal", "value": value}


def test_rows_with_a_column_for_each_fact_are_read():
    said = {
        "company": f"{ITEM}Q1", "companyLabel": "Acme", "website": "https://www.acme.com/", "inception": "1999",
        "employees": "120", "ceoLabel": "Jane Roe", "hq": f"{ITEM}Q60", "hqLabel": "Boston",
        "countryLabel": "United States", "industryLabel": "robotics", "unheard": "x",
    }  # fmt: skip
    first: dict[str, object] = {name: column(name, value) for name, value in said.items()}
    second: dict[str, object] = {
        "company": first["company"],
        "companyLabel": first["companyLabel"],
        "ticker": column("t", "ACME"),
    }
    (finding,) = Wikidata().parse(answer(rows(first, second)), {})
    assert finding.subject.domain == "acme.com"
    assert {claim.attribute: claim.value for claim in finding.claims} == {
        "name": "Acme",
        "industry": "robotics",
        "headcount": 120,
        "founded_year": 1999,
        "ticker": "ACME",
        "headquarters": "Boston, United States",
        "city": "Boston",
        "country": "United States",
        "ceo_name": "Jane Roe",
    }
    with pytest.raises(PayloadChanged):
        Wikidata().parse(answer(rows({"unheard": column("x", "y")})), {})


def test_an_item_of_the_rest_api():
    def statement(content: object, **more: object) -> dict[str, object]:
        return {"rank": "normal", "qualifiers": [], "value": {"type": "value", "content": content}, **more}

    dated = [{"property": {"id": "P585"}, "value": {"content": {"time": "+2024-01-01T00:00:00Z"}}}]
    over = [{"property": {"id": "P582"}, "value": {"type": "somevalue"}}]
    body = {
        "id": "Q1", "type": "item", "labels": {"en": "Acme"}, "aliases": {"en": ["Acme Inc"]},
        "statements": {
            "P856": [statement("https://acme.com")],
            "P17": [statement("Q30")],
            "P571": [statement({"time": "+1999-01-01T00:00:00Z", "precision": 9})],
            "P1128": [statement({"amount": "+90", "unit": "1"}), statement({"amount": "+120", "unit": "1"}, qualifiers=dated)],
            "P2139": [statement({"amount": "+5000000", "unit": "http://www.wikidata.org/entity/Q4917"})],
            "P249": [statement("OLD", qualifiers=over), statement("ACME", rank="preferred")],
        },
    }  # fmt: skip
    assert claims(Wikidata(), answer(body)) == {
        "name": "Acme",
        "headcount": 120,
        "revenue_range": 5_000_000,
        "founded_year": 1999,
        "ticker": "ACME",
        "country": "United States",
    }
    assert damage(Wikidata(), answer(body)) == []


def test_a_person_is_no_company():
    instance = {"rank": "normal", "mainsnak": {"datavalue": {"value": {"id": "Q5"}}}}
    entity = {"id": "Q7", "labels": {"en": {"value": "Jane Roe"}}, "claims": {"P31": [instance]}}
    assert list(Wikidata().parse(answer({"entities": {"Q7": entity}}), {})) == []


def test_entities():
    assert claims(Wikidata(), recorded("wikidata/wbgetentities_Q773832_warsaw_commuter_railway.json")) == {
        "name": "Warsaw Commuter Railway",
        "company_description": "commuter rail line in Poland's capital city of Warsaw",
        "headcount": 252,
        "founded_year": 2000,
        "country": "Poland",
    }
    germany = recorded("wikidata/wbgetentities_Q881333_alcatel_lucent_germany.json")
    (finding,) = Wikidata().parse(germany, {})
    assert (finding.subject.name, finding.subject.domain) == ("Alcatel-Lucent Germany", "alcatel-lucent.com")
    assert finding.subject.aliases == ("Alcatel-Lucent (Germany)",)


@pytest.mark.parametrize(
    ("file", "domain", "expected"),
    [
        (
            "Q2283_microsoft",
            "microsoft.com",
            {
                "headcount": 144_000,
                "revenue_range": 125_843_000_000,
                "ticker": "MSFT",
                "cik": "0000789019",
                "lei": "INR2EJN1ERAN0W5ZP974",
                "founded_year": 1976,
            },
        ),
        ("Q204711_fda_government_agency", "fda.gov", {"headcount": 17468, "founded_year": 1906}),
        ("Q217595_oxford_university_press", "oup.com", {"founded_year": 1586}),
        ("Q59551_warsaw_stock_exchange", "gpw.pl", {"ticker": "GPW"}),
    ],
)
def test_every_recorded_entity(shared, file, domain, expected):
    body = (shared / f"payloads/wikidata/wbgetentities_{file}.json").read_bytes()
    (finding,) = Wikidata().parse(answer(body), {})
    said = {claim.attribute: claim.value for claim in finding.claims}
    assert finding.subject.domain == domain
    assert said.items() >= expected.items()
    assert "ceo_name" not in said  # that answer names items by their ids only


def test_nobody_found(shared):
    assert Wikidata().parse(answer(rows()), {}) == []
    for file in ("wbgetentities_1234567890_missing", "wbgetentities_bogus"):
        assert Wikidata().parse(recorded(f"wikidata/{file}.json"), {}) == []
    labels = (shared / "payloads/wikidata/wbgetentities_labels.json").read_bytes()
    assert Wikidata().parse(answer(labels), {}) == []


def test_errors(shared):
    with pytest.raises(RateLimited) as limited:
        Wikidata().parse(answer(b"Too many", status=429, headers={"retry-after": "61"}), {})
    assert limited.value.retry_after == 61
    with pytest.raises(SourceUnavailable):
        Wikidata().parse(answer(b"java.util.concurrent.TimeoutException", status=500), {})
    with pytest.raises(SourceUnavailable, match="maxlag"):
        Wikidata().parse(answer({"error": {"code": "maxlag"}}), {})
    for other in ({"error": {"code": "badvalue"}}, rows({"x": {"value": "1"}}), {"boolean": True}):
        with pytest.raises(PayloadChanged):
            Wikidata().parse(answer(other), {})
    with pytest.raises(PayloadChanged):
        Wikidata().parse(answer((shared / "payloads/wikidata/wbsearchentities_abc.json").read_bytes()), {})


def test_one_question_about_many_domains_is_cut_by_domain():
    both = rows(*ACME["results"]["bindings"], row("b.com", "Q2", "P856", "https://b.com", itemLabel="Bee"))
    with serving(reply(json.dumps(both).encode())) as server:
        client = Client(user_agent="test", base_url=server.url, allow=frozenset({server.netloc}))
        subjects = [Subject(domain=name) for name in ("b.com", "nobody.com", "acme.com")]
        payloads = Wikidata().fetch(ask(*subjects), client)
        client.close()
    assert len(server.heads) == 1
    assert server.heads[0].startswith(b"GET /sparql?query=SELECT")
    assert b"%22b.com%22+%22nobody.com%22+%22acme.com%22" in server.heads[0]
    assert [[found.subject.name for found in Wikidata().parse(payload, {})] for payload in payloads] == [
        *(["Bee"], [], ["Acme"]),
    ]


def test_fifty_domains_fit_into_an_address():
    network = Network()
    Wikidata().fetch(ask(*(Subject(domain=f"a-rather-long-name-{n}.com") for n in range(50))), network)
    assert len(urlencode(network.params[0])) < 5_000


def test_an_error_is_every_questions_answer():
    network = Network(sparql=answer(b"slow down", status=429))
    payloads = Wikidata().fetch(ask(Subject(domain="a.com"), Subject(domain="b.com")), network)
    assert [payload.status for payload in payloads] == [429, 429]
    network = Network(sparql=answer(b"<html>"))
    payloads = Wikidata().fetch(ask(Subject(domain="a.com"), Subject(domain="b.com")), network)
    assert [payload.body for payload in payloads] == [b"<html>"] * 2


def test_hostile_answers_claim_nothing(shared):
    assert misbehaviour(Wikidata(), shared) == []


def test_damaged_answers_raise_nothing_strange():
    assert damage(Wikidata(), answer(ACME)) == []
    germany = json.loads(recorded("wikidata/wbgetentities_Q881333_alcatel_lucent_germany.json").body)
    (entity,) = germany["entities"].values()
    kept = {name: entity["claims"][name] for name in ("P856", "P571", "P159")}
    assert damage(Wikidata(), answer({"entities": {"Q881333": entity | {"claims": kept}}})) == []
