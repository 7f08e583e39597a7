"""The pages beside the home page: which are asked for, and what they add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sources.adapters.company_website import CompanyWebsite
from sources.contract import Call, Payload, Question, Subject
from sources.errors import SourceRefused, SourceUnavailable
from sources.vendors.kept_pages import join
from tests.sources.adapters.pages import page, structured
from tests.sources.adapters.public_apis import Network, answer

SOURCE = CompanyWebsite()
LINKS = (
    '<a href="/about-us">a</a><a href="/en/contact.html">c</a><a href="/careers/">j</a><a href="/blog">b</a>'
)
HOME = page(f"<title>Acme</title><meta name='description' content='We build robots.'>{LINKS}")
ABOUT = page(
    "<meta name='description' content='About us'>"
    + structured({"@type": "Organization", "name": "Acme", "legalName": "Acme Inc.", "foundingDate": "2015"}),
    url="https://acme.example/about-us",
)
CONTACT = page(
    '<a href="tel:+1%20617%20555%200100">call</a><a href="mailto:jane@acme.example">Jane</a>'
    '<a href="mailto:Info@acme.example?subject=Hi">write</a>',
    url="https://acme.example/en/contact.html",
)


def posting(title: str, link: str = "", **more: Any) -> dict[str, Any]:
    return {"@type": "JobPosting", "title": title, "url": link, **more}


CAREERS = page(
    structured(
        {
            "@graph": [
                posting("Backend Engineer", "/careers/1"),
                posting(
                    "DevOps Engineer",
                    "https://acme.example/careers/2",
                    hiringOrganization={"name": "Acme", "sameAs": "https://www.acme.example/"},
                ),
                posting("", "/careers/3"),
                posting("Accountant"),
                posting("Pilot", hiringOrganization={"name": "Zenith", "sameAs": "https://zenith.example"}),
            ]
        }
    ),
    url="https://acme.example/careers/",
)


def fetched(site: Mapping[str, Payload], **settings: Any) -> tuple[Payload, list[str]]:
    found = {f"acme.example{path}": kept for path, kept in sorted(site.items(), reverse=True)}
    network = Network(**{"robots.txt": answer(b"", status=404), **found})
    call = Call(questions=[Question(subject=Subject(domain="acme.example"))], wanted={}, settings=settings)
    (payload,) = SOURCE.fetch(call, network)
    return payload, [url.removeprefix("https://acme.example") for url in network.asked[1:]]


def said(*pages: Payload) -> dict[str, tuple[Any, tuple[str, ...]]]:
    findings = SOURCE.parse(join(pages), {})
    return {claim.attribute: (claim.value, claim.references) for found in findings for claim in found.claims}


def test_about_contact_and_careers_pages_are_asked_for():
    pages = {"/": HOME, "/about-us": ABOUT, "/en/contact.html": CONTACT, "/careers/": CAREERS}
    payload, asked = fetched(pages)
    assert asked == ["/", "/about-us", "/en/contact.html", "/careers/"]
    (finding,) = SOURCE.parse(payload, {})
    assert {claim.attribute: claim.value for claim in finding.claims} == {
        "company_description": "We build robots.",
        "name": "Acme",
        "legal_name": "Acme Inc.",
        "founded_year": 2015,
        "phone": "+1 617 555 0100",
        "email": "info@acme.example",
        "recent_job_postings": 2,
        "open_job_titles": ["Backend Engineer", "DevOps Engineer", "Accountant"],
    }


def test_each_claim_refers_to_the_page_that_says_it():
    claims = said(HOME, ABOUT, CONTACT, CAREERS)
    assert claims["company_description"][1] == ("https://acme.example/",)
    assert claims["legal_name"][1] == ("https://acme.example/about-us",)
    assert claims["phone"][1] == ("https://acme.example/en/contact.html",)
    assert claims["recent_job_postings"][1] == (
        "https://acme.example/careers/",
        "https://acme.example/careers/1",
        "https://acme.example/careers/2",
    )


def test_the_home_page_is_believed_first():
    home = page(structured({"@type": "Organization", "name": "Acme", "legalName": "Acme Ltd"}))
    assert said(home, ABOUT)["legal_name"][0] == "Acme Ltd"


def test_a_description_of_the_about_page_itself_is_none_of_the_company():
    assert "company_description" not in said(page("<title>Acme</title>"), ABOUT)


def test_roles_in_a_list_are_found_once():
    role = posting("Backend Engineer", "/careers/1")
    listed = {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": role}, role]}
    careers = page(structured(listed), url="https://acme.example/careers/")
    assert said(HOME, careers)["open_job_titles"][0] == ["Backend Engineer"]


def test_a_page_that_cannot_be_read_is_left_out():
    payload, asked = fetched({"/": HOME, "/about-us": page("no", status=403), "/careers/": CAREERS})
    assert len(asked) == 4
    assert "open_job_titles" in {claim.attribute for claim in SOURCE.parse(payload, {})[0].claims}
    wall = page("<title>Just a moment...</title>", url="https://acme.example/about-us")
    assert set(said(HOME, wall)) == {"company_description"}


def test_what_is_no_page_is_not_kept():
    drawing = Payload(status=200, body=b"%PDF-1.7", headers={"content-type": "application/pdf"})
    payload, asked = fetched({"/": HOME, "/about-us": drawing})
    assert "/about-us" in asked
    assert b"PDF" not in payload.body


def test_pages_of_another_site_say_nothing():
    foreign = page(
        structured({"@type": "Organization", "name": "Z", "legalName": "Zenith"}),
        url="https://zenith.example/",
    )
    assert set(said(HOME, foreign)) == {"company_description"}


def test_a_home_page_that_lets_no_robot_in_ends_it():
    with pytest.raises(SourceUnavailable):
        said(page("no", status=403), ABOUT)


def test_robots_txt_of_the_host_that_answers_counts():
    moved = page(f"<title>Acme</title>{LINKS}", url="https://www.acme.example/")
    robots = answer(b"User-agent: *\nDisallow: /careers")
    network = Network(
        **{
            "//acme.example/robots.txt": answer(b"", status=404),
            "www.acme.example/robots.txt": robots,
            "//acme.example/": moved,
        }
    )
    call = Call(questions=[Question(subject=Subject(domain="acme.example"))], wanted={})
    SOURCE.fetch(call, network)
    assert network.asked[2:] == [
        "https://www.acme.example/robots.txt",
        "https://www.acme.example/about-us",
        "https://www.acme.example/en/contact.html",
    ]


@pytest.mark.parametrize(("pages", "asked"), [([], ["/"]), (["careers"], ["/", "/careers/"])])
def test_the_pages_are_a_setting(pages, asked):
    assert fetched({"/": HOME}, pages=pages)[1] == asked


@pytest.mark.parametrize("pages", ["about", ["blog"], 3, [["about"]]])
def test_a_setting_that_names_no_pages_sends_nothing(pages):
    with pytest.raises(SourceRefused, match="pages"):
        fetched({"/": HOME}, pages=pages)


@pytest.mark.parametrize(
    "links",
    [
        '<a href="tel:+16175550100">1</a><a href="tel:+16175550199">2</a>',
        '<a href="tel:call-me">x</a>',
        '<a href="sms:+16175550100">x</a>',
        '<a href="mailto:jane.roe@acme.example">x</a>',
        '<a href="mailto:info@zenith.example">x</a>',
        '<a href="mailto:">x</a><a href="tel:">x</a>',
        '<a href="javascript:tel:+16175550100">x</a>',
    ],
)
def test_links_that_are_not_the_companys_general_ones(links):
    assert said(page(f"<title>Acme</title>{links}")) == {}


def test_the_recorded_careers_page(shared):
    body = (shared / "payloads/jobboards/careers_jsonld_jobposting.html").read_bytes()
    home, careers = (
        page("<title>Example</title>", url="https://example.com/"),
        page(body, url="https://example.com/jobs"),
    )
    claims = said(home, careers)
    assert claims["open_job_titles"][0] == ["AI Engineer, University Graduate 2026"]
    assert claims["open_job_titles"][1] == ("https://example.com/jobs", "https://example.com/jobs/req-9001")
