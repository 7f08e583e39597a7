"""Known companies found by name, domain and place; verdicts; answers compared."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.attributes import Kind
from sources.contract import Subject
from sources.identity import (
    Candidate,
    Entry,
    Judgement,
    NameIndex,
    Verdict,
    are_spellings,
    compare,
    judge,
    spellings_of,
)
from sources.identity.evidence import Facts

KNOWN = (
    Entry(1, "Acme Corporation", "acme.com", "Paris", "France"),
    Entry(2, "Globex Systems", "globex.com", "London", "United Kingdom", ("Initech Ltd",)),
    Entry(3, "Catamaran", "catamaranrx.com", "Schaumburg", "United States"),
    Entry(4, "Catamaran", "", "San Jose", "United States"),
    Entry(5, "Box", "box.com", "Redwood City", "United States"),
    Entry(6, "International Widget Machines", "iwm.com", "Armonk", "United States"),
    Entry(7, "Palantir Technologies", "palantir.com", "Denver", "United States"),
    Entry(8, "Ministry of Silly Walks", "", "London", "United Kingdom"),
    Entry(9, "Kovex", "kovex.de", "Berlin", "Germany"),
)


@pytest.fixture(scope="module")
def index() -> NameIndex:
    return NameIndex(iter(KNOWN))


def ask(index: NameIndex, name: str = "", **facts: Any) -> Judgement:
    return judge(index.search(Subject(name=name, **facts)))


@pytest.mark.parametrize(
    ("facts", "found", "strategy"),
    [
        ({"name": "ACME corp."}, 1, "name"),
        ({"name": "acme", "city": "paris"}, 1, "name+location"),
        ({"name": "Acme", "domain": "https://www.acme.com/about"}, 1, "domain"),
        ({"domain": "acme.com"}, 1, "domain"),
        ({"name": "Initech"}, 2, "name"),
        ({"name": "box"}, 5, "name"),
        ({"name": "Globex Sytems", "city": "London"}, 2, "fuzzy"),
        ({"name": "Globbex Systems"}, 2, "fuzzy"),
        ({"name": "Catamaran", "city": "San Jose"}, 4, "name+location"),
    ],
)
def test_one_company_is_confirmed(index: NameIndex, facts: dict[str, str], found: int, strategy: str) -> None:
    judgement = ask(index, **facts)
    assert judgement.verdict is Verdict.CONFIRMED
    assert judgement.candidate and (judgement.candidate.id, judgement.candidate.strategy) == (found, strategy)


def test_two_companies_of_one_name_go_to_a_person(index: NameIndex) -> None:
    judgement = ask(index, "Catamaran Inc")
    assert judgement.verdict is Verdict.REVIEW
    assert {c.id for c in judgement.candidates[:2]} == {3, 4}
    assert judgement.reasons[0] == "several companies are as near"


def test_the_name_of_one_and_the_domain_of_another_go_to_a_person(index: NameIndex) -> None:
    judgement = ask(index, "Acme", domain="globex.com")
    assert judgement.verdict is Verdict.REVIEW
    assert judgement.reasons[0].startswith("the domain is one company's, the name another's")


@pytest.mark.parametrize("name", ["Globex Trading", "GS", "Initech Worldwide", "Globexx"])
def test_a_domain_counts_though_the_name_differs(index: NameIndex, name: str) -> None:
    judgement = ask(index, name, domain="globex.com")
    assert judgement.verdict is Verdict.CONFIRMED
    assert judgement.reasons[0] == "same domain globex.com"


def test_a_name_that_has_nothing_to_do_with_the_domain_goes_to_a_person(index: NameIndex) -> None:
    judgement = ask(index, "Zanzibar Spices", domain="globex.com")
    assert judgement.verdict is Verdict.REVIEW
    assert judgement.reasons == (
        "the domain is the same, the names have nothing in common",
        "same domain globex.com",
        "name differs: Zanzibar Spices / Globex Systems",
    )


def test_names_with_a_word_of_their_own_each_go_to_a_person_though_the_place_is_the_same() -> None:
    index = NameIndex([Entry(1, "Warner Bros. Discovery", city="New York"), Entry(2, "Micron", city="Boise")])
    assert ask(index, "Warner Music Corp.", city="New York").verdict is not Verdict.CONFIRMED
    assert ask(index, "Micron Technology", city="Boise").verdict is Verdict.CONFIRMED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Infobblox", "Infoblox"),
        ("Brasil Brokers Patricipacoes", "Brasil Brokers Participacoes S.A."),
        ("Warner Music Group", "Warner Music Corp."),
        ("The Home Depot", "HOME DEPOT, INC."),
    ],
)
def test_spellings_of_one_name(one: str, other: str) -> None:
    assert are_spellings(one, other)
    assert spellings_of(one) & spellings_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Glimpse", "Glimpse Group, Inc."),
        ("Lebanese University", "Lebanese International University"),
        ("Convore", "Convoy"),
        ("Intact", "Intacct"),
        ("Blackrock Fund 1", "Blackrock Fund 11"),
        ("Palantir Technologies", "Palatin Technologies"),
        ("", ""),
    ],
)
def test_names_that_may_be_two_are_no_spellings(one: str, other: str) -> None:
    assert not are_spellings(one, other)


def test_a_free_mail_domain_says_nothing(index: NameIndex) -> None:
    assert ask(index, "Zanzibar Spices", domain="gmail.com").verdict is Verdict.NONE
    assert ask(index, "Acme", domain="gmail.com").verdict is Verdict.CONFIRMED


def test_another_ending_of_the_domain_only_supports_the_name(index: NameIndex) -> None:
    assert ask(index, "Acme", domain="acme.io").verdict is Verdict.CONFIRMED
    assert ask(index, "Zanzibar Spices", domain="globex.io").verdict is not Verdict.CONFIRMED


def test_the_same_name_with_another_domain_goes_to_a_person(index: NameIndex) -> None:
    judgement = ask(index, "Acme", domain="acme-paints.com")
    assert judgement.verdict is Verdict.REVIEW
    assert judgement.reasons[0] == "the domain is another one"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Silly Walks, Ministry of", 8),
        ("IWM", 6),
        ("globexsystems", 2),
        ("Glboex Systems", 2),
        ("The Globex System 2", 2),
        ("Palantir Tech", 7),
    ],
)
def test_other_ways_to_write_a_name_are_found(index: NameIndex, name: str, found: int) -> None:
    assert index.search(Subject(name=name))[0].id == found


@pytest.mark.parametrize("name", ["Palatin Technologies", "Bux", "Kover", "Koves"])
def test_a_similar_name_alone_is_never_confirmed(index: NameIndex, name: str) -> None:
    assert ask(index, name).verdict is not Verdict.CONFIRMED


@pytest.mark.parametrize("name", ["Zanzibar Spices", "", "   ", "???"])
def test_unknown_names_find_nobody(index: NameIndex, name: str) -> None:
    assert ask(index, name).verdict is Verdict.NONE


def test_a_company_is_no_rival_of_itself() -> None:
    entry = Entry(1, "Eaton Corporation", aliases=("Eaton Corp plc", "Eaton Group", "Eatons"))
    assert ask(NameIndex([entry]), "Eaton").verdict is Verdict.CONFIRMED


def test_a_short_name_one_letter_off_is_compared_though_it_shares_no_two_pieces() -> None:
    index = NameIndex([Entry(1, "Enel"), Entry(2, "Globex"), Entry(3, "Hooli")])
    assert [index.id_of(row) for row in index.pool(Facts("exel"))] == [1]


def test_reasons_are_sentences_for_people(index: NameIndex) -> None:
    (best, *_) = index.search(Subject(name="Acme Corp.", city="London"))
    assert best.reasons == ("same name: Acme Corporation", "other city: Paris, not London")


def test_the_index_knows_its_size_and_no_more_than_asked_comes_back(index: NameIndex) -> None:
    assert len(index) == len(KNOWN)
    assert len(index.search(Subject(name="Catamaran"), limit=1)) == 1
    assert NameIndex([]).search(Subject(name="Acme", domain="acme.com", city="Paris")) == []


def _misspelt(entry: Entry, slip: int) -> Subject:
    """Whom a row means that was typed in a hurry."""
    place = slip % max(1, len(entry.name))
    names = (
        entry.name[:place] + entry.name[place + 1 :],
        entry.name[: len(entry.name) // 2],
        "".join(word[0] for word in entry.name.split()),
        " ".join(reversed(entry.name.split())),
        f"{entry.name} {slip}",
    )
    domain = (entry.domain, "", f"x{entry.domain}", entry.domain.replace(".com", ".io"))[slip % 4]
    return Subject(name=names[slip % len(names)], domain=domain, city=(entry.city, "")[slip % 2])


def test_an_index_for_questions_known_before_answers_them_as_a_whole_one() -> None:
    path = Path(__file__).parents[2] / "data" / "reference" / "sp500_constituents.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    listed = [Entry(row["cik"], row["name"], f"{row['ticker'].lower()}.com", row["city"]) for row in rows]
    known = [*listed, *KNOWN]
    questions = [_misspelt(entry, slip) for slip, entry in enumerate(known * 4)]
    whole, lean = NameIndex(known), NameIndex(known, asked=questions)
    found = [lean.search(subject) for subject in questions]
    assert found == [whole.search(subject) for subject in questions]
    assert sum(map(bool, found)) > len(known)


def test_no_candidates_is_no_match() -> None:
    assert judge([]).verdict is Verdict.NONE


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from(["domain", "name", "fuzzy"])), max_size=5))
def test_only_a_domain_or_an_automatic_score_is_confirmed(found: list[tuple[float, str]]) -> None:
    judgement = judge([Candidate(i, score, strategy, ("x",)) for i, (score, strategy) in enumerate(found)])
    if judgement.verdict is Verdict.CONFIRMED:
        assert judgement.candidate
        assert judgement.candidate.strategy == "domain" or judgement.candidate.score >= 0.88


@given(st.text(max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_no_text_breaks_a_search(name: str, city: str, domain: str) -> None:
    index = NameIndex([Entry(1, name, "", city), *KNOWN[:3]])
    for candidate in index.search(Subject(name=name, city=city, domain=domain)):
        assert 0 <= candidate.score <= 1


def account(name: str = "", **facts: Any) -> Subject:
    return Subject(name=name, **facts)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (account("Acme"), account("ACME Inc.")),
        (account("Acme", domain="acme.com"), account("Acme Holdings", domain="acme.com")),
        (account("Acme", domain="acme.com"), account("Zanzibar", domain="acme.com")),
        (account("Acme", domain="acme.com"), account("Acme", domain="acme.io")),
        (account(domain="acme.com"), account("Acme Inc")),
        (account("A", linkedin_url="https://www.linkedin.com/company/acme"),
         account("B", linkedin_url="https://www.linkedin.com/company/acme")),
        (Subject(name="Meta Platforms", aliases=("Facebook, Inc.",)), account("Facebook")),
    ],
)  # fmt: skip
def test_an_answer_about_the_company_asked_for_is_confirmed(asked: Subject, found: Subject) -> None:
    assert compare(asked, found).verdict is Verdict.CONFIRMED


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (account("Acme", domain="acme.com"), account("Acme", domain="acme-paints.com")),
        (account("Acme", linkedin_url="https://www.linkedin.com/company/acme"),
         account("Acme", linkedin_url="https://www.linkedin.com/company/acme-paints")),
        (account("Palatin Technologies"), account("Palantir Technologies")),
        (account("Acme", city="Paris"), account("Acme", city="London")),
        (account("Vanta", domain="chs.net"), account("Community Health Systems", domain="chs.net")),
        (account("Acme"), account()),
    ],
)  # fmt: skip
def test_a_doubtful_answer_goes_to_a_person(asked: Subject, found: Subject) -> None:
    assert compare(asked, found).verdict is Verdict.REVIEW


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (account("Acme"), account("Globex")),
        (account("Acme", domain="acme.com"), account("Globex", domain="globex.com")),
    ],
)
def test_an_answer_about_another_company_is_none(asked: Subject, found: Subject) -> None:
    assert compare(asked, found).verdict is Verdict.NONE


def person(name: str, **facts: Any) -> Subject:
    return Subject(kind=Kind.CONTACT, name=name, **facts)


@pytest.mark.parametrize(
    ("asked", "found", "verdict"),
    [
        (person("Jane Roe"), person("ROE, Jane"), Verdict.CONFIRMED),
        (person("Jane Roe"), person("Dr. Jané Roe"), Verdict.CONFIRMED),
        (
            person("Jane Roe", email="jane@acme.com"),
            person("J. Doe-Roe", email="jane@acme.com"),
            Verdict.CONFIRMED,
        ),
        (person("Jane Roe"), person("J. Roe"), Verdict.REVIEW),
        (person("Jane Roe"), person("Jane Anna Roe"), Verdict.REVIEW),
        (person("Jane Roe", domain="acme.com"), person("Jane Roe", domain="globex.com"), Verdict.REVIEW),
        (person("Jane Roe", domain="acme.com"), person("John Doe", domain="acme.com"), Verdict.NONE),
        (person("Jane Roe"), person("Jane Doe"), Verdict.NONE),
        (person("Jane"), person("Jane"), Verdict.REVIEW),
    ],
)
def test_people_are_compared_by_their_names_and_own_keys(
    asked: Subject, found: Subject, verdict: Verdict
) -> None:
    assert compare(asked, found).verdict is verdict


def test_the_most_alike_of_few_is_not_shown_to_a_person_when_it_is_unlike():
    few = [Entry(id=1, name="Applied Materials")] + [
        Entry(id=2 + number, name=name)
        for number, name in enumerate(["Zoetis", "Figma", "Ball", "Merck", "Uber"])
    ]
    judgement = judge(NameIndex(few).search(Subject(name="Apple Inc.", domain="apple.com")))
    assert judgement.verdict is Verdict.NONE


@pytest.mark.parametrize(
    ("name", "domain"), [("Company 500", "company-500.com"), ("Company 500", ""), ("Studio 9 Ltd", "")]
)
def test_numbers_tell_companies_apart(name, domain):
    known = [Entry(id=n, name=f"Company {n}", domain=f"company-{n}.com") for n in range(1, 60)]
    known.append(Entry(id=99, name="Studio 54", domain="studio54.com"))
    assert judge(NameIndex(known).search(Subject(name=name, domain=domain))).verdict is Verdict.NONE


def test_a_domain_makes_one_company_of_other_numbers():
    known = NameIndex([Entry(id=1, name="Web 20 Ventures", domain="web2.com")])
    judgement = judge(known.search(Subject(name="Web 2.0 Ventures", domain="web2.com")))
    assert judgement.candidate and judgement.candidate.id == 1
