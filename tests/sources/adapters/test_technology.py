"""Technologies by our own rules and by a user's: page, headers and DNS records in, names out."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sources
from sources.adapters.technology import TechnologySource
from sources.contract import Call, Payload, Question, Subject
from sources.errors import NotAllowed, PayloadChanged, SourceRefused, SourceUnavailable
from sources.identity import Verdict, compare
from sources.vendors.kept_pages import join
from tests.sources.adapters.pages import page
from tests.sources.adapters.public_apis import Network, answer, misbehaviour

SOURCE = TechnologySource()
ACME = Subject(name="Acme", domain="acme.example")
NOT_THERE = answer(b"", status=404)
RULES = list(
    csv.DictReader((Path(sources.__path__[0]) / "data/technologies.csv").open(encoding="utf-8", newline=""))
)


class Internet(Network):
    """A network from memory that also answers for DNS; of a kind that raises, no server tells."""

    def __init__(self, records: Mapping[tuple[str, str], Any], **pages: Payload) -> None:
        super().__init__(**pages)
        self.zone = records

    def records(self, name: str, kind: str) -> tuple[str, ...]:
        found = self.zone.get((name, kind), ())
        if isinstance(found, Exception):
            raise found
        return tuple(found)


def claimed(payload: Payload) -> dict[str, Any]:
    findings = SOURCE.parse(payload, {})
    return {claim.attribute: claim.value for finding in findings for claim in finding.claims}


def used(body: str, **headers: str) -> list[str]:
    """The technologies of a page, the names of headers written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    found: list[str] = claimed(sent(page(f"<title>Acme</title>{body}"), named)).get("tech_stack", [])
    return found


def sent(home: Payload, headers: Mapping[str, str]) -> Payload:
    """The page with further headers."""
    return replace(home, headers={**home.headers, **headers})


def fetched(network: Internet, **settings: Any) -> Payload:
    call = Call(questions=[Question(subject=ACME)], wanted={}, settings=settings)
    (payload,) = SOURCE.fetch(call, network)
    assert isinstance(payload, Payload)
    return payload


def internet(
    home: Payload, records: Mapping[tuple[str, str], Any] | None = None, robots: Payload = NOT_THERE
) -> Internet:
    return Internet(records or {}, **{"robots.txt": robots, "acme.example/": home})


def test_there_are_rules_for_more_than_two_hundred_technologies():
    assert len({rule["technology"] for rule in RULES}) > 300
    assert len({rule["category"] for rule in RULES}) > 20


def test_rules_are_well_formed():
    seen = set()
    for rule in RULES:
        assert rule["where"] in {"host", "path", "header", "generator", "mark", "ns", "cname"}
        assert rule["what"] and (rule["where"] == "mark" or rule["what"] == rule["what"].lower())
        assert tuple(rule.values()) not in seen
        seen.add(tuple(rule.values()))
    categories = {(rule["technology"], rule["category"]) for rule in RULES}
    assert len(categories) == len({technology for technology, _ in categories})


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ('<script src="https://www.google-analytics.com/analytics.js"></script>', "Google Analytics"),
        ('<script async src="//js.hs-scripts.com/1.js"></script>', "HubSpot"),
        ('<script>var u="https://static.hotjar.com/c/hotjar-1.js"</script>', "Hotjar"),
        (r'<script>{"u":"https:\/\/cdn.segment.com\/analytics.js"}</script>', "Segment"),
        ('<link rel="stylesheet" href="/wp-content/themes/acme/style.css">', "WordPress"),
        ('<meta name="Generator" content="Drupal 10 (https://www.drupal.org)">', "Drupal"),
        ('<img src="https://cdn.shopify.com/s/files/1.png">', "Shopify"),
        ('<form action="https://acme.us1.list-manage.com/subscribe">', "Mailchimp"),
        ('<iframe src="https://www.youtube.com/embed/x"></iframe>', "YouTube"),
        ('<script src="/_next/static/chunks/main.js"></script>', "Next.js"),
        ('<app-root ng-version="17.0.1"></app-root>', "Angular"),
    ],
)
def test_what_a_page_shows(body, name):
    assert name in used(body)


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"server": "nginx/1.25.3"}, "nginx"),
        ({"x_powered_by": "PHP/8.2"}, "PHP"),
        ({"cf_ray": "1-FRA"}, "Cloudflare"),
        ({"x_vercel_id": "x"}, "Vercel"),
    ],
)
def test_what_headers_show(headers, name):
    assert used("", **headers) == [name]


@pytest.mark.parametrize(
    "body",
    [
        '<a href="https://www.hotjar.com/">We like Hotjar</a>',
        '<script src="https://nothotjar.com/x.js"></script>',
        '<script src="https://hotjar.com.evil.example/x.js"></script>',
        '<script type="application/ld+json">{"sameAs": "https://www.hotjar.com/acme"}</script>',
        '<script src="https://www.youtube.com/iframe_api"></script>',
        "<!-- <script src='https://static.hotjar.com/x.js'></script> -->",
        "<p>Powered by WordPress and nginx</p>",
        '<script src="http://[bad"></script>',
    ],
)
def test_a_mention_is_no_use(body):
    assert used(body) == []


def test_cms_and_analytics_have_attributes_of_their_own():
    body = (
        '<title>Acme</title><meta name="generator" content="WordPress 6.5">'
        '<script src="https://plausible.io/js/script.js"></script>'
        '<script src="https://js.stripe.com/v3"></script>'
    )
    assert claimed(page(body)) == {
        "tech_stack": ["WordPress", "Plausible", "Stripe"],
        "cms": "WordPress",
        "analytics_tools": ["Plausible"],
    }


def test_dns_records_show_services_and_hosts():
    records = {
        ("acme.example", "NS"): ["amy.ns.cloudflare.com.", "bob.ns.cloudflare.com."],
        ("acme.example", "MX"): ["1 aspmx.l.google.com."],
        ("acme.example", "TXT"): ["v=spf1 include:sendgrid.net ~all", "stripe-verification=abc"],
        ("www.acme.example", "CNAME"): ["cname.vercel-dns.com."],
    }
    payload = fetched(internet(page("<title>Acme</title>"), records))
    (finding,) = SOURCE.parse(payload, {})
    (claim,) = finding.claims
    assert set(claim.value) == {"Cloudflare", "Vercel", "Google Workspace", "SendGrid", "Stripe"}
    assert claim.references == (
        "https://acme.example/",
        "dns:acme.example/NS",
        "dns:acme.example/CNAME",
        "dns:acme.example/MX",
        "dns:acme.example/TXT",
    )
    assert compare(ACME, finding.subject).verdict is Verdict.CONFIRMED


def test_silent_name_servers_leave_the_page():
    records = {("acme.example", "TXT"): SourceUnavailable("no name server told")}
    home = page('<title>Acme</title><script src="https://js.stripe.com/v3"></script>')
    assert claimed(fetched(internet(home, records))) == {"tech_stack": ["Stripe"]}


def test_a_page_without_traces_claims_nothing():
    assert list(SOURCE.parse(page("<title>Acme</title><p>Hello</p>"), {})) == []
    assert list(SOURCE.parse(page("gone", status=404), {})) == []


def test_a_site_that_lets_no_robot_in_is_asked_again_later():
    with pytest.raises(SourceUnavailable):
        SOURCE.parse(page("<title>Just a moment...</title>", server="cloudflare"), {})


def test_robots_txt_may_forbid_it():
    with pytest.raises(NotAllowed):
        fetched(internet(page(""), robots=answer(b"User-agent: *\nDisallow: /")))


def test_a_page_without_its_address_is_refused():
    with pytest.raises(PayloadChanged):
        SOURCE.parse(page('<title>A</title><script src="https://js.stripe.com/v3"></script>', url=""), {})


def test_a_domain_that_leads_elsewhere_is_told_by_its_address():
    body = '<title>Zenith</title><script src="https://js.stripe.com/v3"></script>'
    (finding,) = SOURCE.parse(page(body, url="https://zenith.example/"), {})
    assert compare(ACME, finding.subject).verdict is not Verdict.CONFIRMED


OWN_RULES = {
    "Acme CMS": {"cats": [1], "meta": {"generator": "^AcmeCMS ([\\d.]+)\\;version:\\1"}},
    "Beam": {"cats": [10], "scriptSrc": ["beam-[\\w]+\\.js\\;confidence:50", "("]},
    "Coyote": {"cats": [22], "headers": {"Server": "Coyote"}, "implies": "Java"},
    "Dome": {"dns": {"TXT": ["dome-verification="]}},
    "Ever": {"headers": {"X-Ever": ""}},
    "Never": {"cats": [1], "scriptSrc": "never\\.js", "html": "Acme"},
    "Endless": {"scriptSrc": f"(?:beam|{'x' * 300})"},
    "Broken": 3,
}


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_users_own_rules_are_used_as_well(tmp_path, wrapped):
    file = tmp_path / "technologies.json"
    file.write_text(json.dumps({"technologies": OWN_RULES} if wrapped else OWN_RULES))
    home = page(
        '<title>Acme</title><meta name="generator" content="AcmeCMS 3.1"><script src="/beam-x1.js"></script>',
    )
    home = sent(home, {"server": "Apache-Coyote/1.1", "x-ever": "1"})
    records = {("acme.example", "TXT"): ["dome-verification=1"]}
    values = claimed(fetched(internet(home, records), fingerprints=str(file)))
    assert set(values["tech_stack"]) == {"Apache HTTP Server", "Acme CMS", "Beam", "Coyote", "Dome", "Ever"}
    assert (values["cms"], values["analytics_tools"]) == ("Acme CMS", ["Beam"])


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"technologies": {"A": 1}}'])
def test_a_file_that_holds_no_rules_is_refused(tmp_path, content):
    file = tmp_path / "technologies.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SourceRefused, match="fingerprints"):
        fetched(internet(page("<title>Acme</title>")), fingerprints=str(file))


def test_recorded_pages(shared):
    found = {}
    for path in sorted((shared / "payloads/websites").glob("*.html")):
        found[path.stem] = claimed(page(path.read_bytes(), url=f"https://{path.stem}/"))
    assert sum(bool(values) for values in found.values()) >= 12
    assert found["excursionphuket.com"]["tech_stack"] == [
        "WordPress",
        "WooCommerce",
        "Google Analytics",
        "jQuery",
    ]
    assert found["www.dunkindonuts.com"]["cms"] == "Adobe Experience Manager"
    assert "Mouseflow" in found["compareit4me.com"]["analytics_tools"]


def test_hostile_answers_are_contained(shared):
    assert misbehaviour(SOURCE, shared) == []
    kept = [{"name": ""}, {"name": None}, "x", {"name": "Y", "category": "cms"}]
    home = page("<title>Acme</title>")
    assert claimed(join([home], dns=[1], found=kept)) == {"tech_stack": ["Y"], "cms": "Y"}
    assert claimed(join([home], dns={"TXT": 5, "MX": [None]}, found=None)) == {}


@pytest.mark.parametrize(
    "body",
    [
        "<script>" + "https://" * 150_000,
        "<script>" + "//a.b" + "/" * 1_000_000,
        "<script src=" * 100_000,
        "<script>" + r"https:\/\/a.example\/" * 60_000,
        "<script>//x</script>" * 50_000,
    ],
    ids=["schemes", "slashes", "open", "escaped", "many"],
)
def test_a_page_made_to_be_slow_is_read_in_bounded_time(body):
    started = time.perf_counter()
    SOURCE.parse(page(body[:1_500_000]), {})
    assert time.perf_counter() - started < 10
