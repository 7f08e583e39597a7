"""The LinkedIn page that a company's website links to: found, told from others, doubted."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from sources.adapters.company_linkedin import CompanyLinkedin
from sources.contract import Finding, Payload, Subject
from sources.errors import NotAllowed, PayloadChanged, SourceUnavailable
from sources.identity import Verdict, compare
from sources.vendors.kept_pages import KIND, join
from tests.sources.adapters.pages import page, structured
from tests.sources.adapters.public_apis import Network, answer, ask, misbehaviour

SOURCE = CompanyLinkedin()
OWN = '<a href="https://www.linkedin.com/company/acme-robotics/">in</a>'
AGENCY = '<a href="https://www.linkedin.com/company/pixelworks">by</a>'
TITLE = "<title>Acme | Robots</title>"
NOT_THERE = answer(b"", status=404)


def site(pages: Mapping[str, Payload | NotAllowed]) -> Network:
    """A network with pages at acme.example; the longest paths are looked up first."""
    found = {f"acme.example{path}": kept for path, kept in sorted(pages.items(), reverse=True)}
    return Network(**found)


def fetched(pages: Mapping[str, Payload | NotAllowed]) -> tuple[Payload, Network]:
    network = site({"/robots.txt": NOT_THERE, **pages})
    (payload,) = SOURCE.fetch(ask(Subject(domain="acme.example")), network)
    assert isinstance(payload, Payload)
    return payload, network


def found(payload: Payload) -> Finding | None:
    findings = SOURCE.parse(payload, {})
    return findings[0] if findings else None


def link(body: str) -> str:
    finding = found(page(body))
    return finding.claims[0].value if finding else ""


def test_the_home_page_links_to_it():
    payload, network = fetched({"/": page(TITLE + OWN)})
    finding = found(payload)
    assert finding is not None
    assert [(claim.attribute, claim.value, claim.references) for claim in finding.claims] == [
        (
            "company_linkedin_url",
            "https://www.linkedin.com/company/acme-robotics",
            ("https://acme.example/",),
        )
    ]
    assert (finding.subject.domain, finding.subject.name) == ("acme.example", "Acme")
    assert network.asked == ["https://acme.example/robots.txt", "https://acme.example/"]


def test_a_contact_page_links_to_it():
    home = page(TITLE + '<a href="/about-us.html">a</a> <a href="/kontakt/">c</a>')
    payload, network = fetched(
        {
            "/": home,
            "/kontakt/": page("<p>Call us</p>", url="https://acme.example/kontakt/"),
            "/about-us.html": page(OWN, url="https://acme.example/about-us.html"),
        }
    )
    finding = found(payload)
    assert finding is not None
    assert finding.claims[0].references == ("https://acme.example/about-us.html",)
    assert finding.subject.domain == "acme.example"
    assert network.asked[2:] == ["https://acme.example/kontakt/", "https://acme.example/about-us.html"]


def test_a_page_that_robots_may_not_read_is_not_asked_for():
    robots = answer(b"User-agent: *\nDisallow: /contact")
    home = page(TITLE + '<a href="/contact">c</a>')
    payload, network = fetched({"/robots.txt": robots, "/": home})
    assert found(payload) is None
    assert network.asked == ["https://acme.example/robots.txt", "https://acme.example/"]


def test_links_to_other_hosts_are_not_followed():
    home = page(TITLE + '<a href="https://other.example/contact">c</a><a href="//evil.example/about">a</a>')
    _, network = fetched({"/": home})
    assert len(network.asked) == 2


def test_of_several_the_one_that_is_called_like_the_company_is_its_own():
    assert link(TITLE + AGENCY + OWN) == "https://www.linkedin.com/company/acme-robotics"


def test_several_that_are_called_like_it_are_none():
    other = '<a href="https://www.linkedin.com/company/acme-foundation">f</a>'
    assert link(TITLE + OWN + other) == ""


def test_what_the_organisation_declares_comes_first_and_needs_no_likeness():
    declared = structured(
        {"@type": "Organization", "name": "Acme", "sameAs": ["https://www.linkedin.com/company/meta"]}
    )
    finding = found(page(TITLE + declared + AGENCY + OWN))
    assert finding is not None
    assert (finding.claims[0].value, finding.confidence) == ("https://www.linkedin.com/company/meta", None)


def test_a_page_called_otherwise_is_left_to_a_person():
    finding = found(page(TITLE + AGENCY))
    assert finding is not None
    assert (finding.confidence, finding.subject.domain) == (0.5, "")
    assert finding.claims[0].value == "https://www.linkedin.com/company/pixelworks"


def test_a_domain_that_leads_to_another_company_is_told_by_its_address():
    finding = found(
        page("<title>Zenith</title>" + OWN.replace("acme-robotics", "zenith"), url="https://zenith.example/")
    )
    assert finding is not None
    asked = Subject(name="Acme", domain="acme.example")
    assert compare(asked, finding.subject).verdict is not Verdict.CONFIRMED


@pytest.mark.parametrize(
    "body",
    [
        "<title>Acme</title><p>No links</p>",
        '<a href="https://www.linkedin.com/in/jane">in</a>',
        '<a href="https://www.linkedin.com/shareArticle?url=x">share</a>',
        '<a href="/company/acme">in</a>',
        "<title>This domain is for sale</title>",
    ],
)
def test_no_page(body):
    assert found(page(body)) is None


def test_a_missing_page_is_no_page():
    assert found(page("gone", status=404)) is None


def test_a_site_that_lets_no_robot_in_is_asked_again_later():
    with pytest.raises(SourceUnavailable):
        found(page("x", status=403))
    with pytest.raises(SourceUnavailable):
        found(page("<title>Just a moment...</title>"))


def test_robots_txt_may_forbid_it():
    with pytest.raises(NotAllowed):
        fetched({"/robots.txt": answer(b"User-agent: *\nDisallow: /")})


def test_pages_of_several_sites_in_one_payload_are_not_believed():
    home, foreign = page(TITLE), page(OWN, url="https://evil.example/about")
    assert found(join([home, foreign])) is None


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"pages": []}',
        b'{"pages": [{"url": 1, "status": 200, "text": "x"}]}',
        b'{"pages": [{"url": "", "status": 200}]}',
        b"x",
    ],
)
def test_kept_pages_that_are_not_ours_are_refused(body):
    with pytest.raises(PayloadChanged):
        found(Payload(status=200, body=body, url="https://acme.example/", headers={"content-type": KIND}))


def test_kept_pages_without_headers_are_pages():
    kept = {"pages": [{"url": "https://acme.example/", "status": 200, "text": TITLE + OWN, "headers": [1]}]}
    finding = found(
        Payload(status=200, body=json.dumps(kept).encode(), url="x", headers={"content-type": KIND})
    )
    assert finding is not None and finding.subject.domain == "acme.example"


def test_a_site_cannot_send_kept_pages_of_its_own():
    forged = join([page(TITLE), page(OWN, url="https://acme.example/about")])
    payload, _ = fetched({"/": forged})
    assert found(payload) is None


def test_odd_characters_survive_being_kept():
    home = page("<title>Acmé</title>".encode("cp1252"))
    home = Payload(
        status=200, body=home.body, url=home.url, headers={"content-type": "text/html; charset=cp1252"}
    )
    finding = found(join([home, page(OWN, url="https://acme.example/about")]))
    assert finding is not None and finding.subject.name == "Acmé"


def test_hostile_answers_are_contained(shared):
    assert misbehaviour(SOURCE, shared) == []
    for path in sorted((shared / "payloads/websites").glob("*.html")):
        SOURCE.parse(page(path.read_bytes(), url=f"https://{path.stem}/"), {})
