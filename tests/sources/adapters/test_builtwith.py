"""BuiltWith: technologies of one domain and of several, live ones only, and its errors inside a 200."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sources.adapters.builtwith import BuiltWith
from sources.contract import Call, Payload, Question, Subject
from sources.errors import (
    NotAllowed,
    PayloadChanged,
    RateLimited,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from tests.sources.adapters.paid_apis import KEY, Vendor, cleaned, loopback, put, references
from tests.sources.adapters.public_apis import answer, ask, damage, misbehaviour
from tests.sources.servers import reply

BUILTWITH = BuiltWith()
DAY = 86_400_000
VISITED = 1_790_000_000_000
ACME = Subject(domain="acme.example")
ZENITH = Subject(domain="zenith.example")


def technology(name: str, tag: str, *, parent: str = "", days_ago: int = 3) -> dict[str, Any]:
    seen = VISITED - days_ago * DAY
    entry = {"Name": name, "Tag": tag, "FirstDetected": seen - DAY, "LastDetected": seen, "IsPremium": "no"}
    return entry | ({"Parent": parent} if parent else {})


def page(*technologies: dict[str, Any], subdomain: str = "") -> dict[str, Any]:
    return {
        "Domain": "acme.example",
        "SubDomain": subdomain,
        "Url": "",
        "LastIndexed": VISITED,
        "Technologies": technologies,
    }


def result(*paths: dict[str, Any], lookup: str = "acme.example", **meta: Any) -> dict[str, Any]:
    return {
        "Result": {"IsDB": "True", "Spend": 734, "Paths": paths},
        "Meta": {"CompanyName": None, "Vertical": "", "Country": None, **meta},
        "Attributes": {"Employees": 0, "Followers": 0},
        "Lookup": lookup,
    }


SITE = result(
    page(
        technology("jQuery", "javascript"),
        technology("jQuery 3.1.1", "javascript", parent="jQuery"),
        technology("SEO_TITLE", "seo_title"),
        technology("HTML5 DocType", "docinfo"),
        technology("Google Analytics", "analytics"),
        technology("WordPress", "cms"),
        technology("WordPress 6.4", "cms", parent="WordPress"),
        technology("Drupal", "cms", days_ago=400),
    ),
    CompanyName="Acme Inc",
    Vertical="Software",
    City="San Diego",
    State="CA",
    Country="US",
    Telephones=["+1-619-555-0100", "+1-619-555-0101"],
    Social=["//www.facebook.com/acme", "https://linkedin.com/company/acme", "twitter.com/acmehq"],
)


def recorded(shared, name: str, status: int = 200) -> Payload:
    return Payload(status=status, body=(shared / "payloads/builtwith" / name).read_bytes())


def parsed(*results: Any) -> list[dict[str, Any]]:
    return [cleaned(found) for found in BUILTWITH.parse(answer({"Results": results, "Errors": []}), {})]


def test_a_website_and_its_company():
    (finding,) = BUILTWITH.parse(answer({"Results": [SITE], "Errors": [], "Trust": None}), {})
    assert cleaned(finding) == {
        "tech_stack": ["jQuery", "Google Analytics", "WordPress"],
        "cms": "WordPress",
        "analytics_tools": ["Google Analytics"],
        "name": "Acme Inc",
        "industry": "Software",
        "headquarters": "San Diego, CA, United States",
        "city": "San Diego",
        "country": "United States",
        "phone": "+1 619-555-0100",
        "company_linkedin_url": "https://www.linkedin.com/company/acme",
        "twitter_url": "https://twitter.com/acmehq",
        "facebook_url": "https://www.facebook.com/acme",
    }
    assert references([finding]) == {"https://builtwith.com/acme.example"}
    assert (finding.subject.name, finding.subject.domain) == ("Acme Inc", "acme.example")
    assert finding.subject.linkedin_url == "https://www.linkedin.com/company/acme"


def test_the_recorded_site_that_no_longer_resolves_has_no_technologies(shared):
    (finding,) = BUILTWITH.parse(recorded(shared, "domain_v20_blacklanternsecurity.json"), {})
    assert cleaned(finding) == {"country": "United States"}
    assert finding.subject.domain == "blacklanternsecurity.com"


def test_a_technology_is_in_use_when_it_was_seen_shortly_before_the_last_visit():
    (values,) = parsed(
        result(page(technology("Old", "cms", days_ago=91), technology("Recent", "cms", days_ago=89)))
    )
    assert (values["tech_stack"], values["cms"]) == (["Recent"], "Recent")


def test_a_page_that_was_left_years_before_the_last_visit_says_nothing():
    left = VISITED - 400 * DAY
    old = page(technology("ASP.NET", "framework", days_ago=400), subdomain="old") | {"LastIndexed": left}
    (values,) = parsed(result(page(technology("nginx", "Web Server")), old))
    assert values["tech_stack"] == ["nginx"]


def test_old_versions_write_times_as_text():
    written = {"Name": "Drupal", "Tag": "cms", "LastDetected": f"/Date({VISITED - 200 * DAY})/"}
    (values,) = parsed(
        result(page(technology("nginx", "Web Server"), written) | {"LastIndexed": f"/Date({VISITED})/"})
    )
    assert values == {"tech_stack": ["nginx"]}


def test_a_technology_without_dates_counts_as_in_use():
    (values,) = parsed(result(page({"Name": "nginx", "Tag": "Web Server"})))
    assert values == {"tech_stack": ["nginx"]}


def test_a_version_stands_for_its_product():
    (values,) = parsed(
        result(
            page(
                technology("Nginx 1.14", "Web Server", parent="nginx"),
                technology("AdWords Conversion", "analytics", parent="AdWords"),
            )
        )
    )
    assert values["tech_stack"] == ["nginx", "AdWords Conversion"]


def test_the_home_page_comes_before_subdomains():
    (values,) = parsed(
        result(page(technology("Ghost", "cms"), subdomain="blog"), page(technology("WordPress", "cms")))
    )
    assert (values["cms"], values["tech_stack"]) == ("WordPress", ["WordPress", "Ghost"])


@pytest.mark.parametrize(
    "value",
    [
        {"Results": [], "Errors": []},
        {"Results": [], "Errors": None},
        {"Results": [result()], "Errors": []},
        {"Results": [result(page(technology("Domain Not Resolving", "hosting")))]},
        {"Results": [{"Result": None, "Meta": None, "Attributes": None, "Lookup": "acme.example"}]},
        {"Lookup": None, "Errors": [{"Code": -8, "Message": "Invalid domain"}]},
    ],
)
def test_nothing_is_known(value):
    assert list(BUILTWITH.parse(answer(value), {})) == []


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("error_key_wrong.json", 200, SourceRefused),
        ("error_out_of_credits.json", 200, SourceRefused),
        ("error_rate_limit.json", 429, RateLimited),
        ("error_rate_limit.json", 200, RateLimited),
        ("error_key_wrong.json", 401, SourceRefused),
        ("usage_v2.json", 200, PayloadChanged),
        ("whoami_v1.json", 200, PayloadChanged),
    ],
)
def test_recorded_errors_and_answers_to_other_questions(shared, name, status, error):
    with pytest.raises(SourceError) as caught:
        BUILTWITH.parse(recorded(shared, name, status), {})
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (-1, PayloadChanged),
        (-4, PayloadChanged),
        (-5, SourceRefused),
        (-7, RateLimited),
        (-99, SourceUnavailable),
        ("-3", SourceRefused),
        (None, PayloadChanged),
    ],
)
def test_an_error_inside_a_200_is_no_answer(code, error):
    with pytest.raises(SourceError) as caught:
        BUILTWITH.parse(answer({"Results": [], "Errors": [{"Code": code, "Message": "x"}]}), {})
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({}, {"retryAfterSeconds": 7}, 7.0),
        ({}, {"retryAfterSeconds": 0.2}, 1.0),
        ({"retry-after": "30"}, {"retryAfterSeconds": 7}, 30.0),
        ({}, {"retryAfterSeconds": "soon"}, None),
        ({}, b"<html>", None),
    ],
)
def test_the_pause_stands_in_the_header_or_in_the_body(headers, body, seconds):
    with pytest.raises(RateLimited) as caught:
        BUILTWITH.parse(answer(body, status=429, headers=headers), {})
    assert caught.value.retry_after == seconds


def test_one_domain_is_asked_for_over_the_wire():
    with loopback(reply(json.dumps({"Results": [SITE], "Errors": []}).encode())) as (http, server):
        (payload,) = put(BUILTWITH, ask(ACME, key=KEY), http)
    head = server.heads[0].decode()
    assert head.startswith("GET /v22/api.json?LOOKUP=acme.example&LIVEONLY=yes&HIDEDL=yes&NOPII=yes HTTP/1.1")
    assert f"Authorization: API {KEY}" in head
    assert KEY not in payload.url
    assert BUILTWITH.parse(payload, {})[0].subject.name == "Acme Inc"


def test_several_domains_go_in_one_request_and_are_told_apart_by_their_lookup():
    body = {
        "Results": [result(page(technology("Shopify", "shop")), lookup="zenith.example"), SITE],
        "Errors": [{"Code": -8, "Message": "Invalid domain"}],
    }
    vendor = Vendor(answer(body))
    call = ask(ACME, Subject(name="No domain"), ZENITH, Subject(domain="gone.example"), ACME, key=KEY)
    acme, unasked, zenith, gone, again = put(BUILTWITH, call, vendor)
    (request,) = vendor.requests
    assert request.params["LOOKUP"] == "acme.example,zenith.example,gone.example"
    assert request.headers == {"Authorization": f"API {KEY}"}
    assert cleaned(BUILTWITH.parse(zenith, {})[0]) == {"tech_stack": ["Shopify"]}
    assert [BUILTWITH.parse(each, {})[0].subject.name for each in (acme, again)] == ["Acme Inc", "Acme Inc"]
    assert list(BUILTWITH.parse(gone, {})) == []
    assert zenith.url.endswith("v22/api.json?LOOKUP=zenith.example")
    with pytest.raises(NotAllowed):
        BUILTWITH.parse(unasked, {})


def test_credit_that_ends_within_a_batch_is_not_taken_for_not_found():
    body = {"Results": [SITE], "Errors": [{"Code": -3, "Message": "You've run out of API Credits."}]}
    acme, zenith = put(BUILTWITH, ask(ACME, ZENITH), Vendor(answer(body)))
    assert BUILTWITH.parse(acme, {})[0].subject.domain == "acme.example"
    with pytest.raises(SourceRefused):
        BUILTWITH.parse(zenith, {})


def test_a_result_under_another_domain_is_left_to_say_so():
    moved = {**SITE, "Lookup": "acme-new.example"}
    body = {"Results": [moved, result(page(technology("Shopify", "shop")), lookup="zenith.example")]}
    acme, zenith = put(BUILTWITH, ask(ACME, ZENITH), Vendor(answer(body)))
    assert [found.subject.domain for found in BUILTWITH.parse(zenith, {})] == ["zenith.example"]
    assert [found.subject.domain for found in BUILTWITH.parse(acme, {})] == ["acme-new.example"]


@pytest.mark.parametrize(
    ("bulk", "error"),
    [
        (answer({}, status=401), SourceRefused),
        (answer({"retryAfterSeconds": 2}, status=429), RateLimited),
        (answer({"Lookup": None, "Errors": [{"Code": -2, "Message": "x"}]}), SourceRefused),
        (answer({"Results": ["x", "y"]}), PayloadChanged),
        (answer(b"<html>"), PayloadChanged),
    ],
)
def test_an_error_of_a_batch_is_every_questions_answer(bulk, error):
    payloads = put(BUILTWITH, ask(ACME, ZENITH), Vendor(bulk))
    assert len(payloads) == 2
    for payload in payloads:
        with pytest.raises(SourceError) as caught:
            BUILTWITH.parse(payload, {})
        assert type(caught.value) is error


@pytest.mark.parametrize(
    ("setting", "path"), [(26, "v26/api.json"), ("v23", "v23/api.json"), (None, "v22/api.json")]
)
def test_the_version_is_a_setting(setting, path):
    vendor = Vendor(answer({"Results": [SITE]}))
    put(BUILTWITH, Call(questions=[Question(subject=ACME)], wanted={}, settings={"version": setting}), vendor)
    assert vendor.requests[0].url == path


@pytest.mark.parametrize("setting", ["../free1", "latest", {"a": 1}, -1])
def test_a_setting_that_is_no_version_sends_nothing(setting):
    vendor = Vendor(answer({}))
    call = Call(questions=[Question(subject=ACME)], wanted={}, settings={"version": setting})
    with pytest.raises(SourceRefused, match="version"):
        put(BUILTWITH, call, vendor)
    assert vendor.requests == []


def test_hostile_and_damaged_answers_are_contained(shared):
    assert misbehaviour(BUILTWITH, shared) == []
    assert damage(BUILTWITH, answer({"Results": [SITE], "Errors": []})) == []
    assert damage(BUILTWITH, recorded(shared, "domain_v20_blacklanternsecurity.json")) == []
