"""Which columns are recognised in the exports of five CRMs and in lists made by hand, and which never are."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.headers import FIELDS, HeaderError, recognise
from sources.attributes import ACCOUNT as ACCOUNTS
from sources.attributes import BY_SLUG, Attribute, Kind, Type
from sources.tables import read
from tests.crm.crm_exports import EXPORTS

ACCOUNT, CONTACT = Kind.ACCOUNT, Kind.CONTACT


def split(text: str) -> list[str]:
    """A header written as one line."""
    return [name.strip() for name in text.split(",")]


def fields(header: list[str], **options) -> dict[str, str]:
    """What is recognised: column → field, an account's field in a file of contacts as "account.field"."""
    found = recognise(header, **options)
    return {
        column.header: column.field if column.kind is found.kind else f"{column.kind}.{column.field}"
        for column in found.columns
        if column.field
    }


@pytest.mark.parametrize("export", EXPORTS)
def test_columns_of_an_export(export):
    header, dialect, kind, expected = EXPORTS[export]
    found = recognise(split(header))
    assert fields(split(header)) == expected
    assert (found.dialect, found.kind) == (dialect, kind)
    assert [column.index for column in found.columns] == list(range(len(split(header))))


@pytest.mark.parametrize(
    "trap",
    split(
        "Account Owner, Owner, Owner Name, Owner Email, OWNERID, Created by, Contact owner, CREATEDBYID, Parent Account, "
        "Parent company, Parent Company Domain, PARENTID, MASTERRECORDID, Last modified by, Modified By, Account Number, SITE, "
        "TYPE, Account Site, Lead source, Industry group, Email domain, E-mail opt out, Name of referrer, Referrer, "
        "Referred by, Partner, Partner name, Partner Account, Competitor, Competitor domain, Previous company, "
        "Previous Name, Former domain, Domain created, Domain expiry date, Last Activity Date, Create Date, "
        "Company name (previous), Annual Revenue (EUR), Account Name (Parent), Assistant Name, Reports To, Vendor Name, "
        "Email Status, Company Type, User name, Campaign name, Deal name, Product name, File name, Nickname, Stage, Size, "
        "Web, Größe, Üid"
    ),
)
@pytest.mark.parametrize("rest", ["Account Name,Website,Phone", "First Name,Last Name,Company,Domain,Title"])
def test_a_column_that_speaks_of_something_else_is_left_alone(trap, rest):
    assert trap not in fields([trap, *split(rest)])


@pytest.mark.parametrize(
    ("header", "winner"),
    [
        ("Account Name,Shipping City,Billing City", "Billing City"),
        ("Account Name,Billing City,City", "City"),
        ("First Name,Home Email,Personal Email,Work Email", "Work Email"),
        ("Company name,Website URL,Company Domain Name", "Company Domain Name"),
        ("Company name,Website,Domain", "Domain"),
        ("Account Name,Mobile,Phone", "Phone"),
    ],
)
def test_the_better_of_two_columns_wins(header, winner):
    claimed = fields(split(header))
    assert winner in claimed
    assert set(split(header)[1:]) & set(claimed) == {winner}


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("name,domain", ACCOUNT),
        ("name,company_domain", ACCOUNT),
        ("company_name,company_domain,email", ACCOUNT),
        ("name,company,linkedin_url", CONTACT),
        ("name,job title,email", CONTACT),
        ("email,title", CONTACT),
        ("contact_id,email", CONTACT),
        ("First Name,Email", CONTACT),
        ("Company,Contact Name,Website", CONTACT),
        ("Account ID,Tier", ACCOUNT),
    ],
)
def test_what_one_row_is(header, kind):
    assert recognise(split(header)).kind is kind


def test_the_user_may_say_what_one_row_is():
    header = split("Company Name,Contact Name,Email,Industry")
    assert fields(header, kind=ACCOUNT) == {"Company Name": "name", "Email": "email", "Industry": "industry"}


def test_names_of_deals_are_not_names_of_accounts():
    header = split("ID,ACCOUNTID,NAME,STAGENAME,AMOUNT,CLOSEDATE,DESCRIPTION,STATUS")
    assert fields(header) == {"ACCOUNTID": "external_id"}


# --- cells decide


@pytest.mark.parametrize(
    ("header", "cells", "expected"),
    [
        ("Company", ["acme.com", "www.beta.io", "https://c.de/x"], "domain"),
        ("Company", ["Acme", "Booking.com", "Beta"], "name"),
        ("Company", ["17", "18", "19"], None),
        ("Company", ['{"name": "Acme"}', "[1]"], None),
        ("Website", ["yes", "no", ""], None),
        ("Website", ["acme.com", "n/a", ""], "domain"),
        ("Site", ["acme.com", "beta.io"], "domain"),
        ("Site", ["Rome", "Berlin"], None),
        ("ID", ["1", "2", "3"], "external_id"),
        ("ID", ["1", "1", "1"], None),
        ("Stage", ["Series A", "Seed"], "funding_stage"),
        ("Stage", ["Qualified", "Won"], None),
        ("Size", ["11-50", "1,000+", "10 to 20"], "headcount"),
        ("Size", ["large", "small"], None),
        ("Email", ["yes", "no"], None),
        ("Phone", ["mobile", "none"], None),
        ("LinkedIn", ["linkedin.com/in/ann", "linkedin.com/in/bob"], None),
        ("LinkedIn", ["linkedin.com/company/acme"], "company_linkedin_url"),
    ],
)
def test_cells_decide_doubtful_columns(header, cells, expected):
    key = "Account ID" if header in ("Company", "ID") else "Account Name"
    key = "Domain" if header == "ID" else key
    rows = [(f"x{number}.com", cell) for number, cell in enumerate(cells)]
    assert fields([key, header], rows=rows).get(header) == expected


def test_without_cells_an_id_is_believed_and_a_size_is_not():
    assert fields(["id", "name", "size"]) == {"id": "external_id", "name": "name"}


def test_the_site_of_an_account_in_salesforce_is_an_office_even_when_it_looks_like_a_domain():
    rows = [("Acme", "hq.example", "1"), ("Beta", "main.example", "2")]
    assert "SITE" not in fields(["NAME", "SITE", "Score__c"], rows=rows)
    assert fields(["NAME", "SITE", "Score"], rows=rows)["SITE"] == "domain"


def test_linkedin_pages_of_companies_belong_to_the_account():
    header = split("First Name,Company,LinkedIn")
    rows = [("Ann", "Acme", "https://www.linkedin.com/company/acme"), ("Bob", "Beta", "")]
    assert fields(header, rows=rows)["LinkedIn"] == "account.company_linkedin_url"
    assert fields(header)["LinkedIn"] == "linkedin_url"


def test_a_column_of_company_names_stays_one_beside_domains():
    rows = [("booking.com", "booking.com"), ("monday.com", "monday.com"), ("cars.com", "cars.com")]
    assert fields(["Company", "Domain"], rows=rows) == {"Company": "name", "Domain": "domain"}


# --- the user decides


def test_a_mapping_wins_over_everything():
    header = split("Account Name,Website,Main Site,Tier")
    found = fields(header, mapping={"Main Site": "domain", "Tier": "priority", "account_name": "legal_name"})
    assert found == {"Account Name": "legal_name", "Main Site": "domain", "Tier": "priority"}


def test_an_empty_mapping_leaves_a_column_out():
    assert fields(split("Account Name,Website,Domain"), mapping={"Domain": ""}) == {
        "Account Name": "name",
        "Website": "domain",
    }


def test_a_mapping_says_whose_field_it_is():
    header = split("First Name,A,B,C")
    found = fields(header, mapping={"A": "account.city", "B": "city", "C": "domain"})
    assert found == {"First Name": "first_name", "A": "account.city", "B": "city", "C": "account.domain"}


def test_a_mapping_to_a_person_makes_the_rows_contacts():
    assert recognise(["A", "B"], mapping={"A": "first_name", "B": "linkedin_url"}).kind is CONTACT


def test_a_mapped_linkedin_url_of_an_account_is_its_page():
    assert fields(["Name", "A"], mapping={"A": "linkedin_url"}) == {
        "Name": "name",
        "A": "company_linkedin_url",
    }


@pytest.mark.parametrize(
    ("mapping", "options", "words"),
    [
        ({"Nme": "name"}, {}, 'no column "Nme"'),
        ({"Name": "nme"}, {}, 'no field "nme"'),
        ({"Name": "person.name"}, {}, 'no field "person.name"'),
        ({"A": "domain", "B": "domain"}, {}, 'Columns "A" and "B" both fill domain'),
        ({"A": "first_name"}, {"kind": ACCOUNT}, "the rows are accounts"),
        ({"Name": ""}, {}, "No column says which account"),
    ],
)
def test_an_impossible_mapping_is_refused(mapping, options, words):
    with pytest.raises(HeaderError, match=words):
        recognise(["Name", "A", "B"], mapping=mapping, **options)


def test_a_file_about_nothing_is_refused():
    with pytest.raises(HeaderError, match="map a column to a name, domain or id"):
        recognise(["column1", "column2"])
    with pytest.raises(HeaderError, match="which contact"):
        recognise(["Company", "Industry"], kind=CONTACT)


def test_custom_attributes_are_recognised_by_slug_label_and_alias():
    fit = Attribute("icp_fit", "ICP Fit", Type.TEXT, ACCOUNTS, aliases=("fit_score",))
    for name in ("icp_fit", "ICP fit", "Fit Score", "Account ICP Fit"):
        assert fields(["Account Name", name], custom=[fit]) == {"Account Name": "name", name: "icp_fit"}
    assert "ICP fit" not in fields(["Account Name", "ICP fit"])


def test_a_custom_attribute_takes_an_alias_of_the_catalogue_but_never_a_slug():
    sector = Attribute("sector", "Sector", Type.TEXT, ACCOUNTS, aliases=("domain", "name"))
    header = split("name,domain,sector,industry")
    assert fields(header, custom=[sector]) == {name: name for name in header}


# --- everything else


def test_every_slug_is_recognised_under_its_own_name():
    for slug, attribute in BY_SLUG.items():
        if ACCOUNT in attribute.kinds:
            found = fields(["account_id", slug])
            assert found[slug] == ("company_linkedin_url" if slug == "linkedin_url" else slug)
        else:
            assert fields(["contact_id", "first_name", slug])[slug] == slug


def test_columns_of_the_crm_exports(shared):
    recognised = {}
    for path in sorted((shared / "data" / "crm-exports").glob("*.csv")):
        table = read(path)
        if table.header[0] != "column1":
            recognised[path.stem] = fields(list(table.header), rows=table.rows)
    assert recognised["hubspot-contacts-labels"] == {
        "First Name": "first_name", "Last Name": "last_name", "Email": "email", "Company name": "account.name",
        "Company domain name": "account.domain", "Job Title": "job_title", "Phone Number": "phone",
        "Industry": "account.industry", "Country/Region": "country",
    }  # fmt: skip
    assert recognised["atomic-contacts-export"] == {
        "first_name": "first_name", "last_name": "last_name", "title": "job_title", "status": "status",
        "linkedin_url": "linkedin_url", "company": "account.name", "email_work": "email", "phone_work": "phone",
    }  # fmt: skip
    assert recognised["hubspot-style-contacts-synthetic"]["company_id"] == "account.external_id"
    assert recognised["salesforce-dataloader-success-report"] == {"ACCOUNTID": "external_id"}
    assert list(recognised["salesforce-dataloader-update-owner-lookup"]) == [
        "NAME",
        "WEBSITE",
        "ANNUALREVENUE",
        "PHONE",
    ]
    assert len(recognised["generic-accounts-messy"]) == 6
    assert len(recognised["salesforce-dataloader-accounts-extract"]) == 11


def test_columns_of_the_lead_lists(shared):
    for name in ("demo_accounts", "hard_accounts"):
        table = read(shared / "data" / "leads" / f"{name}.csv")
        assert list(fields(list(table.header), rows=table.rows).values()) == [
            "external_id", "name", "domain", "priority", "segment",
        ]  # fmt: skip


PARTS = [
    "Account",
    "Company",
    "Contact",
    "Name",
    "Owner",
    "ID",
    "Email",
    "Parent Record",
    " > ",
    " - ",
    "__c",
    "(USD)",
    "é",
]


def test_a_hostile_column_name_takes_no_time():
    start = time.process_time()
    hostile = ["a" + " " * 30_000 + "b", "(" * 30_000, "x" + "()" * 15_000, "_" * 30_000 + "c", "aA" * 15_000]
    assert fields(["name", *hostile]) == {"name": "name"}
    assert time.process_time() - start < 2


@given(
    header=st.lists(
        st.text(max_size=8) | st.lists(st.sampled_from(PARTS), max_size=4).map(" ".join), max_size=6
    ),
    cell=st.text(max_size=20),
    kind=st.sampled_from([None, *Kind]),
)
def test_any_header_is_understood_or_refused(header, cell, kind):
    try:
        found = recognise(header, rows=[[cell] * len(header)], kind=kind)
    except HeaderError:
        return
    claimed = [(column.kind, column.field) for column in found.columns if column.field]
    assert len(claimed) == len(set(claimed))
    assert all(field in BY_SLUG or field in FIELDS for _, field in claimed)
    assert len(found.columns) == len(header)
