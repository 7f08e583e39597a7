"""What is read on a company's home page."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.adapters.company_website import CompanyWebsite
from sources.contract import Payload, Subject
from sources.errors import RateLimited, SourceError, SourceUnavailable
from tests.sources.adapters.pages import claims, page, parse, structured

PAYLOADS = Path(__file__).resolve().parent.parent / "payloads" / "company_website"


def test_a_page_with_everything():
    payload = page((PAYLOADS / "everything.html").read_bytes(), url="https://www.acme.example/")
    finding = parse(payload)
    assert finding
    assert finding.subject == Subject(
        name="Acme",
        domain="acme.example",
        linkedin_url="https://www.linkedin.com/company/acme-widgets",
        city="Springfield",
        country="US",
    )
    assert all(claim.references == ("https://www.acme.example/",) for claim in finding.claims)
    assert claims(payload) == {
        "name": "Acme",
        "legal_name": "Acme Widgets, Inc.",
        "company_description": "Acme makes widgets — since 1987.",
        "founded_year": 1987,
        "headcount": 250,
        "headquarters": "Springfield, IL, US",
        "city": "Springfield",
        "country": "US",
        "phone": "+1 217 555 0100",
        "email": "hello@acme.example",
        "company_linkedin_url": "https://www.linkedin.com/company/acme-widgets",
        "twitter_url": "https://twitter.com/acmewidgets",
        "facebook_url": "https://www.facebook.com/acmewidgets",
    }


def test_a_page_without_structured_data():
    body = (PAYLOADS / "plain.html").read_bytes()
    payload = Payload(
        status=200, body=body, url="https://acme.example/", headers={"content-type": "text/html"}
    )
    assert claims(payload) == {
        "name": "Café Acme",
        "company_description": "Kaffee & Kuchen",
        "company_linkedin_url": "https://www.linkedin.com/company/acme",
    }


def test_a_page_that_was_redirected_speaks_for_its_final_domain():
    finding = parse(
        page(structured({"@type": "Organization", "name": "Other"}), url="https://other.example/")
    )
    assert finding
    assert finding.subject.domain == "other.example"


@pytest.mark.parametrize(
    ("documents", "name"),
    [
        (
            [
                {"@type": "Organization", "name": "A", "url": "https://acme.example/"},
                {"@type": "Organization", "name": "B"},
            ],
            "A",
        ),
        ([{"@type": "Organization", "name": "A"}, {"@type": "Organization", "name": "B"}], None),
        (
            [
                {"@type": "Organization", "name": "A"},
                {"@type": "Corporation", "name": "a", "legalName": "A Inc"},
            ],
            "A",
        ),
        ([{"@type": "Organization", "name": "A", "url": "https://other.example/"}], None),
        ([{"@type": "Organization", "name": "A", "url": "https://acme.com/"}], "A"),
        ([{"@type": "Hotel", "name": name, "url": "https://acme.example/"} for name in "AB"], None),
        ([{"@type": "Person", "name": "A"}], None),
        ([{"@type": "WebSite", "publisher": {"@type": "Organization", "name": "A"}}], "A"),
        (
            [
                {
                    "@type": "Organization",
                    "name": "A",
                    "parentOrganization": {"@type": "Corporation", "name": "P"},
                }
            ],
            "A",
        ),
        ([[{"@graph": [[{"@type": "http://schema.org/Hotel", "name": "A"}]]}]], "A"),
        ([{"@type": ["Thing", 5, None], "name": "A"}, 7, None, "x", [[]]], None),
    ],
)
def test_the_organisation_a_page_is_about(documents, name):
    assert claims(page(structured(*documents))).get("name") == name


@pytest.mark.parametrize(
    "script",
    [
        '{"@type": "Organization", "name": "Acme",}',
        '<!-- {"@type": "Organization", "name": "Acme"} -->',
        '//<![CDATA[\n{"@type": "Organization", "name": "Acme"}\n//]]>',
        '{"@type": "Organization", "name": "Acme"};',
        '{"@type": "Organization", "name": "Ac\tme\n"}',
        '{"@type": "Organization", "name": "Acme", "numberOfEmployees": NaN}',
        '{"@type": "Organization", "name": "Acme", "numberOfEmployees": 1' + "0" * 5_000 + "}",
        '{"@type": "Organization", "name": "Acme"}{"@type": "Organization", "name": "Acme"}',
        '{"@type": "Organization", "name": "Acme"} and then some',
    ],
)
def test_structured_data_with_mistakes(script):
    found = claims(page(f"<script type='application/LD+json; charset=utf-8'>{script}</script>"))
    assert found in ({"name": "Acme"}, {"name": "Ac me"})


@pytest.mark.parametrize("script", ["[" * 100_000, "{", "", "null", '{"a":' * 50_000, '"', "]" * 9, "<!--"])
def test_structured_data_that_cannot_be_read(script):
    assert claims(page(f"<script type=application/ld+json>{script}</script>")) == {}


@pytest.mark.parametrize(
    ("value", "headcount"),
    [
        (250, 250),
        ("250", "250"),
        ({"value": 250}, 250),
        ({"minValue": 10, "maxValue": 50}, None),
        (True, None),
        (0, None),
        ([], None),
    ],
)
def test_headcount(value, headcount):
    document = {"@type": "Organization", "name": "Acme", "numberOfEmployees": value}
    assert claims(page(structured(document))).get("headcount") == headcount


@pytest.mark.parametrize(
    ("links", "found"),
    [
        (["https://www.linkedin.com/company/acme/", "http://linkedin.com/company/Acme/about"], "acme"),
        (["https://linkedin.com/company/acme", "https://linkedin.com/company/partner"], None),
        (["https://linkedin.com/in/jane", "https://linkedin.com/shareArticle?u=x", "/company/acme"], None),
        (["//de.linkedin.com/company/acme"], "acme"),
        (
            ["javascript:alert(1)//linkedin.com/company/x", "https://linkedin.com.evil.example/company/y"],
            None,
        ),
    ],
)
def test_linkedin_links(links, found):
    body = "".join(f'<a href="{link}">x</a>' for link in links)
    assert claims(page(body)) == (
        {"company_linkedin_url": f"https://www.linkedin.com/company/{found}"} if found else {}
    )


@pytest.mark.parametrize(
    "link",
    [
        *(
            "https://twitter.com/intent/tweet?x",
            "https://twitter.com/share",
            "https://twitter.com/",
            "https://x.com/i/web",
        ),
        *(
            "https://www.facebook.com/sharer/sharer.php?u=x",
            "https://www.facebook.com/sharer.php",
            "https://facebook.com/",
        ),
        "https://twitter.com/acme/status/1",
    ],
)
def test_links_that_share_something_are_no_pages_of_the_company(link):
    assert claims(page(f'<a href="{link}">x</a>')) == {}


def test_what_the_structured_data_links_to_goes_before_other_links():
    document = {
        "@type": "Organization",
        "name": "Acme",
        "sameAs": ["https://x.com/acme", "https://fb.com/acme"],
    }
    found = claims(page(structured(document) + '<a href="https://twitter.com/agency">made by</a>'))
    assert found["twitter_url"] == "https://twitter.com/acme"
    assert found["facebook_url"] == "https://www.facebook.com/acme"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Acme | Home", "Acme"),
        ("Home | Acme Widgets Ltd", "Acme Widgets Ltd"),
        ("Best widgets – Acme – Springfield", "Acme"),
        ("Widgets: fast and cheap", "Widgets"),
        ("Welcome", ""),
        ("x" * 300, ""),
    ],
)
def test_the_subject_is_named_by_the_title_when_nothing_better_is_there(title, name):
    finding = parse(page(f"<title>{title}</title><meta name=description content=Things>"))
    assert finding
    assert finding.subject.name == name
    assert "name" not in {claim.attribute for claim in finding.claims}


# ------------------------------------------------------------------ pages that say nothing


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/pdf"},
        {"content-type": "image/png"},
        {"content-type": "application/octet-stream"},
    ],
)
def test_other_types_are_not_read(headers):
    body = structured({"@type": "Organization", "name": "Acme"}).encode()
    assert parse(Payload(status=200, body=body, url="https://acme.example/", headers=headers)) is None


def test_a_body_without_type_is_read_when_it_looks_like_a_page():
    body = structured({"@type": "Organization", "name": "Acme"}).encode()
    assert parse(Payload(status=200, body=body, url="https://acme.example/"))
    assert parse(Payload(status=200, body=b"%PDF-1.7 \x00" + body, url="https://acme.example/")) is None
    assert parse(Payload(status=200, body=b"plain text", url="https://acme.example/")) is None


@pytest.mark.parametrize("status", [204, 304, 400, 404, 410])
def test_a_missing_page_is_not_found(status):
    assert parse(page("<title>Acme</title>", status=status)) is None


@pytest.mark.parametrize("status", [401, 403, 451, 500, 503, 599])
def test_a_closed_door_is_unavailable(status):
    with pytest.raises(SourceUnavailable, match=str(status)):
        parse(page("", status=status))


def test_a_pause_that_is_asked_for():
    with pytest.raises(RateLimited) as caught:
        parse(page("", status=429, **{"retry-after": "30"}))
    assert caught.value.retry_after == 30


@pytest.mark.parametrize(
    "body",
    [
        "<title>Just a moment...</title>",
        "<title>Attention Required! | Cloudflare</title>",
        "<title>Access denied</title><p>You do not have access</p>",
        "<title>acme.example</title><script src='https://geo.captcha-delivery.com/c.js'></script>",
    ],
)
def test_a_bot_wall_is_unavailable(body):
    with pytest.raises(SourceUnavailable, match="check"):
        parse(page(body))


@pytest.mark.parametrize(
    "body",
    [
        "<title>acme.example is for sale</title><meta name=description content='Buy it'>",
        "<title>acme.example</title><meta name=description content=x><h1>This domain is for sale</h1>",
        "<title>x</title><meta name=description content=x><script src='//img.sedoparking.com/x.js'></script>",
        "<title>Before you continue</title><meta name=description content='Cookies'>",
        "<title>Welcome to nginx!</title><meta name=description content='x'>",
    ],
)
def test_parked_domains_and_consent_walls_say_nothing(body):
    assert parse(page(body)) is None


def test_an_estate_agent_is_not_a_parked_domain():
    text = "This house is for sale. " * 200
    assert claims(page(f"<title>Acme Homes</title><meta name=description content='Houses'><p>{text}")) == {
        "company_description": "Houses"
    }


def test_a_page_on_the_site_of_another_company_says_nothing():
    assert (
        parse(page(structured({"@type": "Organization", "name": "A"}), url="https://www.facebook.com/acme"))
        is None
    )


@given(
    st.lists(
        st.sampled_from(
            [
                "<",
                ">",
                "<a ",
                "<meta ",
                "<title>",
                "</title>",
                "<script",
                "<!--",
                "-->",
                "=",
                "'",
                '"',
                "/",
                "x",
                " ",
                "&amp",
                "{",
                "\x00",
                "<svg>",
                "href",
                "content",
                "é",
            ]
        ),
        max_size=60,
    )
)
def test_any_markup_is_read(pieces):
    with suppress(SourceError):
        assert claims(page("".join(pieces))).keys() <= set(CompanyWebsite.provides)
