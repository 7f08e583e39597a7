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


EXPORTS = {
    "hubspot companies": (
        "Record ID, Company name, Company owner, Create Date, Phone Number, Last Activity Date, City, Country/Region, "
        "Industry, Company Domain Name, Website URL, Number of Employees, Annual Revenue, LinkedIn Company Page, "
        "Description, Lifecycle Stage, Year Founded, Parent Company, Type, Total Money Raised, Associated Contact",
        "hubspot",
        ACCOUNT,
        {
            "Record ID": "external_id", "Company name": "name", "Phone Number": "phone", "City": "city",
            "Country/Region": "country", "Industry": "industry", "Company Domain Name": "domain",
            "Number of Employees": "headcount", "Annual Revenue": "revenue_range",
            "LinkedIn Company Page": "company_linkedin_url", "Description": "company_description",
            "Year Founded": "founded_year", "Total Money Raised": "total_funding",
        },
    ),
    "hubspot contacts": (
        "Record ID, First Name, Last Name, Email, Phone Number, Contact owner, Associated Company, "
        "Associated Company IDs, Last Activity Date, Lead Status, Marketing contact status, Create Date, Job Title, "
        "Website URL, City, Country/Region, Email Domain",
        "hubspot",
        CONTACT,
        {
            "Record ID": "external_id", "First Name": "first_name", "Last Name": "last_name", "Email": "email",
            "Phone Number": "phone", "Associated Company": "account.name", "Lead Status": "status",
            "Associated Company IDs": "account.external_id", "Job Title": "job_title", "City": "city",
            "Website URL": "account.domain", "Country/Region": "country",
        },
    ),
    "salesforce accounts, API names": (
        "ID, ISDELETED, MASTERRECORDID, NAME, TYPE, PARENTID, BILLINGCITY, BILLINGCOUNTRY, SHIPPINGCITY, PHONE, "
        "ACCOUNTNUMBER, WEBSITE, INDUSTRY, ANNUALREVENUE, NUMBEROFEMPLOYEES, TICKERSYMBOL, SITE, OWNERID, CREATEDDATE, "
        "CREATEDBYID, YEARSTARTED, Tech_Stack__c, Owner.Name, Parent.Name, Billing_City__c",
        "salesforce",
        ACCOUNT,
        {
            "ID": "external_id", "NAME": "name", "BILLINGCITY": "city", "BILLINGCOUNTRY": "country", "PHONE": "phone",
            "WEBSITE": "domain", "INDUSTRY": "industry", "ANNUALREVENUE": "revenue_range", "TICKERSYMBOL": "ticker",
            "NUMBEROFEMPLOYEES": "headcount", "YEARSTARTED": "founded_year", "Tech_Stack__c": "tech_stack",
        },
    ),
    "salesforce accounts, labels": (
        "Account ID, Account Name, Account Owner, Account Site, Account Number, Parent Account, Type, Billing Street, "
        "Billing City, Billing State/Province, Billing Country, Shipping City, Website, Employees, Annual Revenue, "
        "Industry, Created Date, Last Modified Date, Last Modified By, Account Description",
        "salesforce",
        ACCOUNT,
        {
            "Account ID": "external_id", "Account Name": "name", "Billing City": "city", "Billing Country": "country",
            "Website": "domain", "Employees": "headcount", "Annual Revenue": "revenue_range", "Industry": "industry",
            "Account Description": "company_description",
        },
    ),
    "salesforce contacts": (
        "Id, AccountId, LastName, FirstName, Name, MailingCity, MailingCountry, Phone, MobilePhone, ReportsToId, Email, "
        "Title, Department, AssistantName, LeadSource, OwnerId, CreatedDate, Account.Name, Account.Website, ReportsTo.Name",
        "salesforce",
        CONTACT,
        {
            "Id": "external_id", "AccountId": "account.external_id", "LastName": "last_name", "FirstName": "first_name",
            "Name": "name", "MailingCity": "city", "MailingCountry": "country", "Phone": "phone", "Email": "email",
            "Title": "job_title", "Account.Name": "account.name", "Account.Website": "account.domain",
        },
    ),
    "salesforce leads": (
        "Lead ID, First Name, Last Name, Title, Company / Account, Email, Lead Source, Lead Status, Lead Owner, "
        "Created Date, Country, Employees",
        "salesforce",
        CONTACT,
        {
            "Lead ID": "external_id", "First Name": "first_name", "Last Name": "last_name", "Title": "job_title",
            "Company / Account": "account.name", "Email": "email", "Lead Status": "status", "Country": "country",
            "Employees": "account.headcount",
        },
    ),
    "pipedrive organizations": (
        "Organization - Name, Organization - Owner, Organization - Address, "
        "Organization - City/town/village/locality of Address, Organization - Country of Address, Organization - ID, "
        "Organization - Industry, Organization - Number of employees, Organization - Website, Organization - LinkedIn profile, "
        "Organization - Open deals, Organization - Organization created",
        "pipedrive",
        ACCOUNT,
        {
            "Organization - Name": "name", "Organization - City/town/village/locality of Address": "city",
            "Organization - Country of Address": "country", "Organization - ID": "external_id",
            "Organization - Industry": "industry", "Organization - Number of employees": "headcount",
            "Organization - Website": "domain", "Organization - LinkedIn profile": "company_linkedin_url",
        },
    ),
    "pipedrive people": (
        "Person - ID, Person - Name, Person - Organization, Person - Email - Home, Person - Email - Work, "
        "Person - Phone - Work, Person - Owner, Person - Job title, Organization - ID, Person - Last activity date",
        "pipedrive",
        CONTACT,
        {
            "Person - ID": "external_id", "Person - Name": "name", "Person - Organization": "account.name",
            "Person - Email - Work": "email", "Person - Phone - Work": "phone", "Person - Job title": "job_title",
            "Organization - ID": "account.external_id",
        },
    ),
    "pipedrive deals": (
        "Deal - Title, Deal - ID, Deal - Organization, Deal - Value, Deal - Status, Deal - Owner",
        "pipedrive",
        ACCOUNT,
        {"Deal - Organization": "name"},
    ),
    "attio companies": (
        "Record ID, Record, Domains, Name, Description, Categories, Primary location > City, Primary location > Country, "
        "LinkedIn, Twitter, Estimated ARR, Funding raised (USD), Employee range, Foundation date, Created by, Team > Name",
        "attio",
        ACCOUNT,
        {
            "Record ID": "external_id", "Domains": "domain", "Description": "company_description", "Name": "name",
            "Primary location > City": "city", "Primary location > Country": "country", "Employee range": "headcount",
            "LinkedIn": "company_linkedin_url", "Twitter": "twitter_url", "Estimated ARR": "revenue_range",
            "Foundation date": "founded_year",
        },
    ),
    "attio people": (
        "Record ID, Name > First Name, Name > Last Name, Email addresses, Job title, Company > Name, Company > Domains, "
        "Company > Record ID, LinkedIn, Phone numbers, Created at",
        "attio",
        CONTACT,
        {
            "Record ID": "external_id", "Email addresses": "email", "Job title": "job_title",
            "Name > First Name": "first_name", "Name > Last Name": "last_name", "Company > Name": "account.name",
            "Company > Domains": "account.domain", "Company > Record ID": "account.external_id",
            "LinkedIn": "linkedin_url", "Phone numbers": "phone",
        },
    ),
    "attio list": (
        "Entry ID, Parent Record > Id, Parent Record > Name, Stage, Owner, Created at",
        "attio",
        ACCOUNT,
        {"Parent Record > Id": "external_id", "Parent Record > Name": "name"},
    ),
    "zoho accounts": (
        "Record Id, Account Name, Account Owner, Account Owner.id, Parent Account, Parent Account.id, Phone, Website, "
        "Account Number, Account Type, No. of Employees, Industry, Annual Revenue, Billing City, Shipping City, "
        "Billing Country, Ticker Symbol, Rating, Created Time, Modified By, Tag, Account Site",
        "zoho",
        ACCOUNT,
        {
            "Record Id": "external_id", "Account Name": "name", "Phone": "phone", "Website": "domain",
            "No. of Employees": "headcount", "Industry": "industry", "Annual Revenue": "revenue_range",
            "Billing City": "city", "Billing Country": "country", "Ticker Symbol": "ticker",
        },
    ),
    "zoho contacts": (
        "Record Id, Contact Owner, Contact Owner.id, First Name, Last Name, Full Name, Account Name, Account Name.id, "
        "Email, Secondary Email, Title, Email Opt Out, Lead Source, Mailing City, Mailing Country, Reporting To, "
        "Created Time, Modified Time",
        "zoho",
        CONTACT,
        {
            "Record Id": "external_id", "First Name": "first_name", "Last Name": "last_name", "Full Name": "name",
            "Account Name": "account.name", "Account Name.id": "account.external_id", "Email": "email",
            "Title": "job_title", "Mailing City": "city", "Mailing Country": "country",
        },
    ),
    "apollo people": (
        "First Name, Last Name, Title, Company, Company Name for Emails, Email, Email Status, Work Direct Phone, "
        "Mobile Phone, # Employees, Industry, Person Linkedin Url, Website, Company Linkedin Url, Twitter Url, City, "
        "Country, Company City, Company Country, Company Phone, Technologies, Annual Revenue, Latest Funding Amount",
        "",
        CONTACT,
        {
            "First Name": "first_name", "Last Name": "last_name", "Title": "job_title", "Company": "account.name",
            "Email": "email", "Work Direct Phone": "phone", "# Employees": "account.headcount",
            "Industry": "account.industry", "Person Linkedin Url": "linkedin_url", "Website": "account.domain",
            "Company Linkedin Url": "account.company_linkedin_url", "City": "city", "Country": "country",
            "Company City": "account.city", "Company Country": "account.country", "Company Phone": "account.phone",
            "Technologies": "account.tech_stack", "Annual Revenue": "account.revenue_range",
            "Latest Funding Amount": "account.last_funding_amount",
        },
    ),
    "made by hand": (
        "account_id, account_name, domain, priority, segment, Notes",
        "",
        ACCOUNT,
        {
            "account_id": "external_id", "account_name": "name", "domain": "domain", "priority": "priority",
            "segment": "segment", "Notes": "comments",
        },
    ),
}  # fmt: skip


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
