from __future__ import annotations

from pathlib import Path

import pytest
from email_validator import validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.cleaning import Refused, domain_of_email, email
from sources.cleaning.keys import _SIMPLE_EMAIL, _check_email
from sources.cleaning.text import plain
from tests.sources.cleaning.examples import reason, rows

READ = {
    "Jane@Acme.COM": "jane@acme.com",
    "\u00a0jane@acme.com\n": "jane@acme.com",
    "Jane Roe <jane@acme.com>": "jane@acme.com",
    "mailto:jane@acme.com?subject=x": "jane@acme.com",
    "o'brien@acme.com": "o'brien@acme.com",
    "j.a.n.e@gmail.com": "j.a.n.e@gmail.com",
    "jane@münchen.example": "jane@xn--mnchen-3ya.example",
    "jané@acme.com": "jané@acme.com",
    "n/a": "",
}
REFUSED = (
    *(
        "jane@acme",
        "jane@acme..com",
        "jane.@acme.com",
        "jane at acme dot com",
        "jane@127.0.0.1",
        "jane@[127.0.0.1]",
    ),
    *(
        '"jane roe"@acme.com',
        "<script>@acme.com",
        "jane@acme.com, joe@acme.com",
        "jane@host.local",
        "jane@host.lan",
    ),
    *(
        "jane@\u0430cme.com",
        "a" * 65 + "@acme.com",
        "\u226ejane@acme.com",
        "@",
        "jane@acme.com\nBcc: x@y.com",
    ),
)


@pytest.mark.parametrize(("cell", "expected"), READ.items())
def test_an_address_is_read_in_one_form(cell: str, expected: str) -> None:
    assert email(cell) == expected


@pytest.mark.parametrize("cell", REFUSED)
def test_what_is_no_address_is_refused(cell: str) -> None:
    assert reason(email, cell)


def outcome(cell: str) -> str:
    try:
        return email(cell)
    except Refused as refused:
        return f"refused: {refused}"


def test_every_cell_of_the_corpus_ends_as_it_should(shared: Path) -> None:
    for row in rows(shared / "corpora/email/cells.jsonl"):
        found, expected = outcome(row["cell"]), row["expect"]
        if expected == "refused":
            assert found.startswith("refused"), row
        elif expected.startswith("kept") and "or refused" not in expected:
            assert "@" in found and not found.startswith("refused"), row
        elif "@" in expected:
            assert found == expected, row


def test_published_addresses_are_read_or_refused_as_their_authors_say(shared: Path) -> None:
    for row in rows(shared / "corpora/email/email-validator.jsonl"):
        found, case = outcome(row["address"]), row["test"]
        is_read = not found.startswith("refused")
        # A cell is trimmed and a display name is read, which the authors' strict settings refuse.
        if case in ("test_email_valid", "test_email_valid_intl_local_part"):
            assert is_read or '"' in row["address"], row
        elif "<" not in row["address"].replace("<\u0338", "") and row["address"] == plain(row["address"]):
            assert not is_read, row
        if is_read:
            validate_email(found, check_deliverability=False) if found else None
    for row in rows(shared / "corpora/email/is-email.jsonl"):
        found, address = outcome(row["address"]), row["address"]
        if row["category"] == "ISEMAIL_VALID_CATEGORY":
            assert found == address.lower(), row
        elif row["category"] in ("ISEMAIL_ERR", "ISEMAIL_RFC5322") and address == plain(address):
            assert found.startswith("refused") or not address, row


@settings(max_examples=60)
@given(st.from_regex(_SIMPLE_EMAIL, fullmatch=True))
def test_the_short_way_for_simple_addresses_gives_what_the_long_way_gives(cell: str) -> None:
    found = outcome(cell)
    if not found.startswith("refused"):
        assert _check_email(cell) == found


@given(st.text(max_size=60))
def test_an_address_read_twice_is_the_same(cell: str) -> None:
    found = outcome(cell + "@acme.com")
    assert found.startswith("refused") or email(found) == found


def test_the_domain_of_an_address_is_the_companys_unless_anyone_may_have_it() -> None:
    assert domain_of_email("jane@mail.acme.co.uk") == "acme.co.uk"
    assert (
        domain_of_email("jane@gmail.com")
        == domain_of_email("jane@mailinator.com")
        == domain_of_email("")
        == ""
    )
    assert "suffix" in reason(domain_of_email, "jane@co.uk")
