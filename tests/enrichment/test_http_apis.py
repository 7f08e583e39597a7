"""APIs set up in the admin: filled in, tried without saving, saved, asked like any source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from enrichment import claims, http_apis, ledger, runs
from enrichment.models import AttributeValue, EnrichmentSource, Lookup
from sources.attributes import Kind
from sources.contract import Subject
from tests import factories as make
from tests import people
from tests.enrichment.typed import counts, rows_of, say
from tests.sources.servers import Server, reply, serving

pytestmark = pytest.mark.django_db
NEW = "admin:enrichment_enrichmentsource_http_api"
ANSWER = {
    "company": {"id": 7, "site": "acme.com", "size": "about fifty", "founded": 1999},
    "key": "sesame-123",
}


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """An API that knows Acme and says the key back."""
    monkeypatch.setenv("ACME_API_KEY", "sesame-123")
    monkeypatch.setattr(runs, "NAP", 0)

    def answer(connection: Any, head: bytes) -> None:
        is_known = b"domain=acme.com" in head and b"Bearer sesame-123" in head
        body = json.dumps(ANSWER if is_known else {}).encode()
        connection.sendall(reply(body, "200 OK" if is_known else "404 Not Found"))

    with serving(answer) as server:
        settings.EGRESS_ALLOW = [server.netloc]
        yield server


@pytest.fixture
def olive(client: Client) -> Client:
    client.force_login(people.make_olive())
    return client


def filled(server: Any = None, **changes: str) -> dict[str, str]:
    """The form as it is sent."""
    return {
        "label": "Acme data", "slug": "acme_api", "kind": "account", "rank": "40", "cost": "1", "cadence": "monthly",
        "url": f"{server.url if server else 'https://api.example.com'}/v1?domain={{domain}}",
        "headers": "Authorization: Bearer {secret}", "secret": "ACME_API_KEY",
        "attributes": "employees = company.size\nfounded_year = company.founded", "identity": "domain = company.site",
        "reference": "https://example.com/{company.id}", "miss_statuses": "404, 410", "miss": "", "record": "acme.com",
    } | changes  # fmt: skip


def post(olive: Client, what: str, data: dict[str, str], *args: Any) -> Any:
    name = f"{NEW}_change" if args else NEW
    return olive.post(reverse(name, args=args), data | {what: "1"})


def errors(page: Any) -> dict[str, list[str]]:
    return {name: list(map(str, told)) for name, told in page.context["form"].errors.items()}


def test_what_is_filled_in_becomes_a_source_that_is_off(olive: Client) -> None:
    page = post(olive, "save", filled())
    source = EnrichmentSource.objects.get(slug="acme_api")
    assert page.headers["location"] == reverse("admin:enrichment_enrichmentsource_change", args=[source.pk])
    assert (source.adapter, source.is_enabled, source.rank, source.cost) == ("http_api", False, 40, 1)
    assert source.settings["attributes"] == {"headcount": "company.size", "founded_year": "company.founded"}
    assert source.settings["miss_statuses"] == [404, 410]
    assert "sesame" not in json.dumps(source.settings)


def test_a_file_is_enriched_by_it(olive: Client, server: Server, tmp_path: Path) -> None:
    post(olive, "save", filled(server))
    path = tmp_path / "accounts.csv"
    path.write_text("Company,Website\nAcme,acme.com\nBeta,beta.com\n")
    say("enrich", "--input", path, "--sources", "acme_api")
    assert [row["founded_year"] for row in rows_of(tmp_path / "accounts_enriched.csv")] == ["1999", ""]
    told = AttributeValue.objects.get(attribute="founded_year")
    assert told.references == ["https://example.com/7"]
    kept = Lookup.objects.get(status=200)
    assert b"sesame" not in bytes(kept.body or b"") and "sesame" not in kept.url + json.dumps(kept.headers)
    assert Lookup.objects.get(status=404).state == "applied"


def test_a_test_shows_request_answer_and_claims_and_keeps_nothing(olive: Client, server: Server) -> None:
    before = counts()
    page = post(olive, "test", filled(server)).content.decode()
    assert f"GET {server.url}/v1?domain=acme.com" in page
    assert "Authorization: Bearer ***" in page
    assert "sesame" not in page
    assert "status 200" in page and "about fifty" in page
    assert "founded_year" in page and "https://example.com/7" in page
    assert "Not taken over: headcount" in page
    assert counts() == before
    assert len(server.heads) == 1


def test_a_test_asks_about_a_record_by_its_name(olive: Client, server: Server) -> None:
    account = make.make_account()
    run, source = make.make_run(), make.make_writer()
    answer = make.make_answer(account.pk, source.pk, name="Acme", domain="acme.com")
    claims.record(run=run.pk, kind=Kind.ACCOUNT, answers=[answer])
    for record in ("acme", str(account.pk), "https://www.acme.com/about"):
        assert "status 200" in post(olive, "test", filled(server, record=record)).content.decode()
    assert errors(post(olive, "test", filled(server, record="nobody at all"))) == {
        "record": ["No account is called nobody at all: write a domain or a name."]
    }
    assert "The API is asked with ceo_name" in str(
        errors(post(olive, "test", filled(server, url=f"{server.url}/{{ceo_name}}")))
    )


def test_a_test_says_what_went_wrong(olive: Client, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        "Failed: "
        in post(olive, "test", filled(server, miss_statuses="410", record="beta.com")).content.decode()
    )
    assert "not found" in post(olive, "test", filled(server, record="beta.com")).content.decode().lower()
    monkeypatch.delenv("ACME_API_KEY")
    assert "Failed: ACME_API_KEY is not set" in post(olive, "test", filled(server)).content.decode()


def test_an_inner_address_is_not_asked(olive: Client, server: Server, settings: Any) -> None:
    settings.EGRESS_ALLOW = []
    assert "Failed: " in post(olive, "test", filled(server)).content.decode()
    assert server.heads == []


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"url": "https://api.example.com/"}, "url", "The address names nobody"),
        ({"headers": "Authorization: Bearer abc"}, "headers", "Authorization holds a key"),
        ({"headers": "no header"}, "headers", "'no header' is not written as Name: value."),
        ({"secret": "sk_live_1"}, "secret", "Write the name of an environment variable"),
        ({"attributes": "headcount"}, "attributes", "'headcount' is not written as name = JMESPath."),
        ({"attributes": "headcount = a[}"}, "attributes", "headcount: a[} is no JMESPath"),
        ({"attributes": "headcont = a"}, "attributes", "There is no attribute headcont. Did you mean headcount?"),
        ({"attributes": "headcount = a\nemployees = b"}, "attributes", "headcount stands there twice"),
        ({"identity": "industry = a"}, "identity", "industry tells nobody from others"),
        ({"reference": "no address"}, "reference", "A reference is an address"),
        ({"miss_statuses": "4o4"}, "miss_statuses", "Write HTTP statuses"),
        ({"miss": "=="}, "miss", "== is no JMESPath"),
        ({"cadence": "now and then"}, "cadence", ""),
        ({"slug": "Acme API"}, "slug", "Write up to 59 lower case letters"),
        ({"slug": "hunter"}, "slug", "There is another source called hunter"),
        ({"rank": "0"}, "rank", ""),
    ],
)  # fmt: skip
def test_each_field_that_is_wrong_says_so_in_one_sentence(
    olive: Client, changes: dict[str, str], field: str, says: str
) -> None:
    told = errors(post(olive, "save", filled(**changes)))
    assert list(told) == [field] or field == "secret"
    assert len(told[field]) == 1 and told[field][0].startswith(says) and "\n" not in told[field][0]
    assert not EnrichmentSource.objects.filter(adapter="http_api").exists()


def test_an_api_is_changed_on_its_page(olive: Client, server: Server) -> None:
    post(olive, "save", filled(server))
    source = EnrichmentSource.objects.get(slug="acme_api")
    page = olive.get(reverse(f"{NEW}_change", args=[source.pk]))
    assert (
        page.context["form"]["attributes"].value()
        == "headcount = company.size\nfounded_year = company.founded"
    )
    post(
        olive,
        "save",
        filled(server, label="New name", slug="other", attributes="industry = company.field"),
        source.pk,
    )
    source.refresh_from_db()
    assert (source.slug, source.label) == ("acme_api", "New name")
    assert source.settings["attributes"] == {"industry": "company.field"}
    link = reverse(f"{NEW}_change", args=[source.pk])
    assert (
        link
        in olive.get(reverse("admin:enrichment_enrichmentsource_change", args=[source.pk])).content.decode()
    )


def test_who_may_not_change_sources_may_not_test_them(client: Client, server: Server) -> None:
    client.force_login(people.make_victor())
    assert client.get(reverse(NEW)).status_code == 403
    assert post(client, "test", filled(server)).status_code == 403
    assert server.heads == []


def test_the_list_of_sources_shows_what_an_api_needs_and_gives(olive: Client) -> None:
    post(olive, "save", filled())
    said = say("sources")
    about = said[said.index("acme_api: Acme data, off, rank 40") :]
    assert "needs       domain" in about and "headcount" in about and "ACME_API_KEY is missing" in about


def test_a_subject_needs_no_record_when_it_is_a_domain() -> None:
    assert http_apis.subject_called("Acme.com", Kind.ACCOUNT) == Subject(kind=Kind.ACCOUNT, domain="acme.com")


BODY = '{"site": "{domain}", "key": "{secret}"}'


def test_a_test_shows_what_is_posted_with_the_key_masked(olive: Client, server: Server) -> None:
    changes = {"method": "POST", "body": BODY, "url": f"{server.url}/v1?domain={{domain}}"}
    page = post(olive, "test", filled(**changes)).content.decode()
    assert f"POST {server.url}/v1?domain=acme.com" in page
    shown = page.partition("Request</h2>")[2]
    assert "&quot;site&quot;: &quot;acme.com&quot;" in shown and "&quot;key&quot;: &quot;***&quot;" in shown
    assert "sesame" not in page and "status 200" in page
    (head,) = server.heads
    assert json.loads(head.partition(b"\r\n\r\n")[2]) == {"site": "acme.com", "key": "sesame-123"}


def test_a_post_is_saved_and_shown_again(olive: Client) -> None:
    post(olive, "save", filled(method="POST", body=BODY, url="https://api.example.com/search"))
    source = EnrichmentSource.objects.get(slug="acme_api")
    assert (source.settings["method"], source.settings["body"]) == ("POST", BODY)
    page = olive.get(reverse(f"{NEW}_change", args=[source.pk]))
    assert page.context["form"]["body"].value() == BODY and page.context["form"]["method"].value() == "POST"
    wrong = post(olive, "save", filled(method="POST", body='{"site": {domain}}'))
    assert "Placeholders stand within quotes." in str(errors(wrong)["body"])


def test_a_source_that_gets_keeps_its_questions_when_it_is_saved_again(olive: Client) -> None:
    post(olive, "save", filled())
    source = EnrichmentSource.objects.get(slug="acme_api")
    assert not {"method", "body"} & source.settings.keys()
    before = ledger.key_of(source, {"domain": "acme.com"})
    post(olive, "save", filled(method="GET"), source.pk)
    source.refresh_from_db()
    assert ledger.key_of(source, {"domain": "acme.com"}) == before
