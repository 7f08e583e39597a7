"""Mail providers and services from DNS records."""

from __future__ import annotations

import json

import pytest

from sources import dns
from sources.adapters.email_provider import EmailProvider
from sources.contract import Call, Payload, Question, Subject
from sources.errors import PayloadChanged, SourceUnavailable
from tests.sources.servers import resolving


def payload(*, mail=(), text=()) -> Payload:
    body = json.dumps({"domain": "acme.com", "MX": mail, "TXT": text}).encode()
    return Payload(status=200, body=body, url="dns:acme.com")


def claims(**records) -> dict[str, object]:
    """The claims about acme.com by attribute."""
    findings = EmailProvider().parse(payload(**records), {})
    return {claim.attribute: claim.value for finding in findings for claim in finding.claims}


@pytest.mark.parametrize(
    ("record", "provider"),
    [
        ("1 ASPMX.L.GOOGLE.COM.", "Google Workspace"),
        ("1 smtp.google.com", "Google Workspace"),
        ("0 acme-com.mail.protection.outlook.com.", "Microsoft 365"),
        ("10 mx01.mail.icloud.com.", "iCloud Mail"),
        ("10 mxa-0012.gslb.pphosted.com.", "Proofpoint"),
        ("10 us-smtp-inbound-1.mimecast.com.", "Mimecast"),
        ("10 in1-smtp.messagingengine.com.", "Fastmail"),
        ("10 inbound-smtp.eu-west-1.amazonaws.com.", "Amazon WorkMail"),
        ("0 smtp.secureserver.net.", "GoDaddy"),
        ("10 mx00.ionos.de.", "IONOS"),
        ("1 mx1.mail.ovh.net.", "OVHcloud"),
        ("10 mail.protonmail.ch.", "Proton Mail"),
        ("10 mx.yandex.net.", "Yandex 360"),
        ("10 mx.zoho.eu.", "Zoho Mail"),
    ],
)
def test_mail_hosts_tell_the_provider(record, provider):
    assert claims(mail=[record]) == {"email_provider": provider}


def over_https(status: int = 0, **records: list[str]) -> Payload:
    types = {"MX": 15, "TXT": 16, "AAAA": 28}
    answers = [
        {"name": "acme.com.", "type": types[kind], "TTL": 60, "data": data}
        for kind in records
        for data in records[kind]
    ]
    body = {"Status": status, "Question": [{"name": "acme.com.", "type": 15}]} | (
        {"Answer": answers} if answers else {}
    )
    return Payload(status=200, body=json.dumps(body).encode())


def test_answers_of_dns_over_https_are_read():
    (finding,) = EmailProvider().parse(over_https(MX=["1 aspmx.l.google.com."]), {})
    assert finding.subject.domain == "acme.com"
    assert [(claim.value, claim.references) for claim in finding.claims] == [
        ("Google Workspace", ("dns:acme.com/MX",))
    ]
    split = '"v=spf1 include:_spf.sales" "force.com ~all"'
    (finding,) = EmailProvider().parse(over_https(TXT=[split]), {})
    assert finding.claims[0].attribute == "tech_stack"
    for nothing in (over_https(), over_https(3), over_https(AAAA=["2001:db8::1"])):
        assert list(EmailProvider().parse(nothing, {})) == []
    with pytest.raises(SourceUnavailable):
        EmailProvider().parse(over_https(2), {})


@pytest.mark.parametrize(
    "record", ["0 .", "10 mail.acme.com.", "10 notgoogle.com.", "ten mx.zoho.eu", "", "10"]
)
def test_own_missing_and_malformed_mail_hosts_tell_nothing(record):
    assert claims(mail=[record]) == {}


def test_the_host_asked_first_counts():
    assert claims(mail=["5 aspmx.l.google.com.", "10 mx.zoho.eu."]) == {"email_provider": "Google Workspace"}
    assert claims(mail=["20 aspmx.l.google.com.", "5 mx.zoho.eu."]) == {"email_provider": "Zoho Mail"}


def test_text_records_tell_the_services():
    text = [
        "v=spf1 include:_spf.google.com include:mail.zendesk.com ?include:spf.mandrillapp.com ~all",
        "atlassian-domain-verification=abc",
        "docusign=1b0a6754",
        "MS=ms12345678",
        "stripe-verification=0a1b",
        "v=DMARC1; p=none",
        "anything else",
    ]
    assert claims(text=text) == {
        "tech_stack": [
            "Atlassian",
            "DocuSign",
            "Google Workspace",
            "Mailchimp",
            "Microsoft 365",
            "Stripe",
            "Zendesk",
        ]
    }


def test_each_claim_refers_to_its_records():
    (finding,) = EmailProvider().parse(payload(mail=["1 smtp.google.com."], text=["docusign=1"]), {})
    assert finding.subject == Subject(domain="acme.com")
    assert [claim.references for claim in finding.claims] == [("dns:acme.com/MX",), ("dns:acme.com/TXT",)]


def test_spf_records_with_mistakes_cost_only_themselves(shared):
    records = json.loads((shared / "payloads" / "dns" / "spf_records.json").read_text())
    assert claims(text=records) == {
        "tech_stack": ["Cisco Secure Email", "Proofpoint", "Salesforce", "SMTP2GO"]
    }


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"domain": "a"}', b'{"domain": "a", "MX": [1], "TXT": []}', b"[" * 9]
)
def test_another_body_is_payload_changed(body):
    with pytest.raises(PayloadChanged):
        EmailProvider().parse(Payload(status=200, body=body), {})


class Resolver:
    """The part of Http that asks name servers."""

    def __init__(self, server: str) -> None:
        self.server = server

    def records(self, name: str, kind: str) -> tuple[str, ...]:
        return dns.records(name, kind, servers=[self.server], deadline=1)


def ask(server: str, domain: str = "acme.com") -> list[Payload]:
    call = Call(questions=[Question(subject=Subject(domain=domain))], wanted={})
    return list(EmailProvider().fetch(call, Resolver(server)))  # type: ignore[arg-type]


def test_records_are_fetched_and_read():
    zone = {
        ("acme.com", "MX"): ["1 smtp.google.com."],
        ("acme.com", "TXT"): ['"v=spf1 include:hubspot" "email.net -all"'],
    }
    with resolving(zone) as server:
        (answer,) = ask(server)
        assert ask(server, "nobody.com")[0].body == b'{"domain": "nobody.com", "MX": [], "TXT": []}'
    assert answer.url == "dns:acme.com"
    (finding,) = EmailProvider().parse(answer, {})
    assert [claim.value for claim in finding.claims] == ["Google Workspace", ["HubSpot"]]


def test_a_failing_name_server_is_unavailable():
    with resolving({}, rcode=2) as server, pytest.raises(SourceUnavailable):
        ask(server)
