"""Who registered a domain."""

from __future__ import annotations

import pytest

from sources.adapters.domain_registration import SERVERS, DomainRegistration
from sources.contract import Payload, Subject
from sources.errors import NotAllowed, PayloadChanged, RateLimited, SourceUnavailable
from tests.sources.adapters.public_apis import (
    Network,
    answer,
    ask,
    claims,
    damage,
    misbehaviour,
    recorded,
)

LIST = {
    "services": [
        [["com", "net"], ["http://rdap.verisign.example/com/v1/", "https://rdap.verisign.example/com/v1/"]],
        [["fr"], ["https://rdap.nic.example/"]],
    ]
}


def card(*properties: object) -> dict[str, object]:
    return {"roles": ["registrant"], "vcardArray": ["vcard", [["version", {}, "text", "4.0"], *properties]]}


def domain(*entities: object, **more: object) -> dict[str, object]:
    return {"objectClassName": "domain", "ldhName": "ACME.FR", "entities": list(entities), **more}


ADDRESS = ["adr", {"cc": "FR"}, "text", ["", "", ["1 rue X"], "Paris", "", "75001", ""]]
ACME = domain(card(["fn", {}, "text", "A. Person"], ["org", {"type": "work"}, "text", "Acme SAS"], ADDRESS))


def test_an_error_under_a_status_of_success_and_results_of_a_search():
    missing = {"errorCode": 404, "title": "Not Found", "description": ["No such domain"]}
    assert DomainRegistration().parse(answer(missing), {}) == ()
    events = [{"eventAction": "Registration", "eventDate": "2001-02-03T00:00:00Z"}]
    domain = {"objectClassName": "domain", "ldhName": "ACME.EXAMPLE.", "events": events}
    (finding,) = DomainRegistration().parse(answer({"domainSearchResults": [domain]}), {})
    assert finding.subject.domain == "acme.example"
    assert finding.claims[0].value == "2001-02-03"


def test_a_public_registrant():
    payload = answer(ACME, url="https://rdap.nic.example/domain/acme.fr")
    (finding,) = DomainRegistration().parse(payload, {})
    assert finding.subject == Subject(name="Acme SAS", domain="acme.fr", city="Paris", country="France")
    assert {claim.attribute: claim.value for claim in finding.claims} == {
        "legal_name": "Acme SAS",
        "headquarters": "Paris, France",
        "city": "Paris",
        "country": "France",
    }
    assert finding.claims[0].references == ("https://rdap.nic.example/domain/acme.fr",)


def test_an_organisation_may_stand_in_the_formatted_name():
    body = domain(card(["fn", {}, "text", "Norid AS"], ["kind", {}, "text", "org"]))
    assert claims(DomainRegistration(), answer(body)) == {"legal_name": "Norid AS"}


@pytest.mark.parametrize(
    "properties",
    [
        [["fn", {}, "text", "A. Person"]],
        [["fn", {}, "text", "A. Person"], ["kind", {}, "text", "individual"]],
        [["org", {}, "text", "REDACTED FOR PRIVACY"], ADDRESS],
        [["org", {}, "text", "Domains By Proxy, LLC"], ADDRESS],
        [["org", {}, "text", "Privacy service provided by Withheld for Privacy ehf"]],
        [["org", {}, "text", ""], ADDRESS],
        [["org", {}, "text", None]],
        [],
    ],
)
def test_persons_and_hidden_registrants_are_not_claimed(properties):
    assert DomainRegistration().parse(answer(domain(card(*properties))), {}) == ()


@pytest.mark.parametrize(
    ("file", "name", "day"),
    [
        ("domain1.json", "google.com", "1997-09-15"),
        ("domain2.json", "norway.no", "2017-01-24"),
        ("domain_example_cz.json", "example.cz", "2004-08-30"),
    ],
)
def test_recordings_without_a_public_registrant_tell_the_day(file, name, day):
    (finding,) = DomainRegistration().parse(recorded(f"rdap/{file}"), {})
    assert finding.subject == Subject(domain=name)
    assert [(claim.attribute, claim.value) for claim in finding.claims] == [("domain_registered_on", day)]


@pytest.mark.parametrize(
    "events",
    [
        None,
        [],
        "x",
        [{"eventAction": "registration"}],
        [{"eventAction": "registration", "eventDate": "soon"}],
        [5],
    ],
)
def test_a_day_that_is_not_told_is_not_claimed(events):
    assert DomainRegistration().parse(answer(domain(events=events)), {}) == ()


def test_nobody_found():
    assert DomainRegistration().parse(recorded("rdap/error_404.html", status=404), {}) == ()
    assert DomainRegistration().parse(answer({"errorCode": 404}, status=404), {}) == ()
    assert DomainRegistration().parse(Payload(status=404, body=b""), {}) == ()


@pytest.mark.parametrize("file", ["ip_v4.json", "entity.json", "bootstrap_dns.json"])
def test_other_objects_are_no_domains(shared, file):
    with pytest.raises(PayloadChanged):
        DomainRegistration().parse(answer((shared / "payloads/rdap" / file).read_bytes()), {})


def test_errors():
    with pytest.raises(RateLimited):
        DomainRegistration().parse(answer({}, status=429), {})
    with pytest.raises(SourceUnavailable):
        DomainRegistration().parse(answer({}, status=500), {})
    # One registry's refusal says nothing about the others.
    with pytest.raises(NotAllowed):
        DomainRegistration().parse(answer({}, status=403), {})


def test_it_asks_the_registry_of_the_ending():
    network = Network(dns=answer(LIST), nic=answer(ACME))
    adapter = DomainRegistration()
    for _ in range(2):
        (payload,) = adapter.fetch(ask(Subject(domain="acme.fr")), network)
    assert network.asked == [SERVERS, *["https://rdap.nic.example/domain/acme.fr"] * 2]
    assert network.headers[1]["Accept"].startswith("application/rdap+json")
    assert claims(adapter, payload)["legal_name"] == "Acme SAS"


REGISTRAR = {
    "links": [{"rel": "related", "href": "https://rdap.registrar.example/d", "type": "application/rdap+json"}]
}


def test_it_asks_the_registrar_where_the_registry_knows_no_registrant():
    network = Network(dns=answer(LIST), verisign=answer(domain(**REGISTRAR)), registrar=answer(ACME))
    (payload,) = DomainRegistration().fetch(ask(Subject(domain="acme.com")), network)
    assert network.asked[1:] == [
        "https://rdap.verisign.example/com/v1/domain/acme.com",
        "https://rdap.registrar.example/d",
    ]
    assert payload.url == "https://rdap.registrar.example/d"


def test_what_the_registrar_does_not_know_stays_the_registrys_answer():
    network = Network(dns=answer(LIST), verisign=answer(domain(**REGISTRAR)))
    (payload,) = DomainRegistration().fetch(ask(Subject(domain="acme.com")), network)
    assert payload.status == 200
    network = Network(
        dns=answer(LIST), verisign=answer(domain(**REGISTRAR)), registrar=answer({}, status=503)
    )
    (payload,) = DomainRegistration().fetch(ask(Subject(domain="acme.com")), network)
    assert payload.status == 503


def test_an_ending_without_rdap_is_not_found():
    network = Network(dns=answer(LIST))
    (payload,) = DomainRegistration().fetch(ask(Subject(domain="acme.zz")), network)
    assert network.asked == [SERVERS]
    assert DomainRegistration().parse(payload, {}) == ()


def test_the_real_list_of_servers(shared):
    servers = answer((shared / "payloads/rdap/bootstrap_dns.json").read_bytes())
    network = Network(dns=servers)
    DomainRegistration().fetch(ask(Subject(domain="acme.com")), network)
    assert network.asked[1] == "https://rdap.verisign.com/com/v1/domain/acme.com"
    with pytest.raises(PayloadChanged):
        DomainRegistration().fetch(ask(Subject(domain="acme.com")), Network(dns=answer({"services": 1})))


def test_hostile_answers_claim_nothing(shared):
    assert misbehaviour(DomainRegistration(), shared) == []


def test_damaged_answers_raise_nothing_strange():
    assert damage(DomainRegistration(), answer(ACME)) == []
    assert damage(DomainRegistration(), recorded("rdap/domain1.json")) == []
