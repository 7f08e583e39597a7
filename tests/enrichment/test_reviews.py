"""What a person decides about doubtful rows and answers, and rows that wait for a source to know them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.utils import timezone

from crm.models import Account, Sheet
from crm.spreadsheets import import_file
from enrichment import claims, reviews, runs
from enrichment.claims import CleanClaim
from enrichment.models import AttributeValue, EnrichmentRun, EnrichmentSource, RunItem
from enrichment.reviews import ReviewRefused
from enrichment.rows import kept
from sources.attributes import Kind
from sources.contract import Finding, Payload, Subject, Wanted
from tests.factories import make_account, make_answer, make_run, make_source, make_writer
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


class Vague(FakeSource):
    """Answers with a company whose name is only like the one that was asked for, and no domain."""

    needs = (("name",),)

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        (finding,) = super().parse(payload, wanted)
        vague = Subject(name="Acme Industrial Holdings")
        return [Finding(subject=vague, claims=finding.claims, confidence=0.5)]


@pytest.fixture
def run(fakes) -> EnrichmentRun:
    make_writer()
    fakes["fake"] = FakeSource(acme_com={"headcount": 40})
    make_source("fake", rank=10, cadence="monthly")
    return make_run(sheet=Sheet.objects.create(name="leads.csv", kind="account"))


def row(run: EnrichmentRun, domain: str = "acme.com", name: str = "Acme", **fields) -> RunItem:
    """An item of a row that has no record yet."""
    told = [CleanClaim("name", name, ("csv_import",)), CleanClaim("domain", domain, ("csv_import",))]
    defaults = {"state": "queued", "subject": kept(told, {"segment": "Enterprise"})}
    return RunItem.objects.create(run=run, position=RunItem.objects.count() + 1, **(defaults | fields))


def work(run: EnrichmentRun) -> None:
    runs.work(run.pk, until=lambda: False)


def values_of(account: Account) -> dict[str, object]:
    account.refresh_from_db()
    return {slug: entry["value"] for slug, entry in account.current_values.items()}


def test_a_row_becomes_a_record_when_a_source_knows_it(run):
    item = row(run)
    work(run)
    item.refresh_from_db()
    assert item.state == "completed"
    assert item.has_created_record
    assert item.account is not None
    assert item.account.segment == "Enterprise"
    assert values_of(item.account) == {"name": "Acme", "domain": "acme.com", "headcount": 40}
    assert AttributeValue.objects.get(attribute="name").references == ["csv_import"]
    assert [entry.account for entry in run.sheet.entries.all()] == [item.account]


def test_a_row_that_no_source_knows_is_discarded_without_a_record(run):
    item = row(run, domain="unknown.example", name="Nobody")
    work(run)
    item.refresh_from_db()
    assert (item.state, item.reason) == ("discarded", "matches no record, and no source knows it")
    assert not Account.objects.exists()


def test_a_row_that_nobody_could_be_asked_about_is_skipped(run):
    item = row(run, subject=kept([CleanClaim("name", "Acme", ("csv_import",))], {}))
    work(run)
    item.refresh_from_db()
    assert item.state == "skipped"
    assert "needs domain" in item.reason


def test_two_rows_with_one_new_external_id_are_one_record(run):
    fields = {"external_id": "7", "external_source": "csv"}
    items = [
        row(run, subject=kept([CleanClaim("domain", "acme.com", ("csv_import",))], fields)) for _ in "ab"
    ]
    work(run)
    assert Account.objects.count() == 1
    assert {RunItem.objects.get(pk=item.pk).account_id for item in items} == {Account.objects.get().pk}


def doubtful_row(run: EnrichmentRun) -> tuple[RunItem, Account]:
    known = make_account(name="Acme Ltd")
    candidate = {"id": known.pk, "name": known.name, "domain": "", "score": 0.6, "reasons": []}
    return row(run, state="review", evidence=[candidate]), known


def test_a_decided_row_tells_its_cells_and_goes_on_to_the_sources(run):
    item, known = doubtful_row(run)
    EnrichmentRun.objects.update(status="COMPLETED")
    reviews.decide(item, known.pk, user="olive")
    assert RunItem.objects.get(pk=item.pk).state == "queued"
    work(run)
    item.refresh_from_db()
    assert (item.state, item.account_id, item.has_created_record) == ("completed", known.pk, False)
    assert values_of(known)["domain"] == "acme.com"
    assert values_of(known)["headcount"] == 40


def test_none_of_the_candidates_makes_a_record_of_the_row(run):
    item, known = doubtful_row(run)
    reviews.decide(item, None, user="olive")
    assert item.account_id not in (None, known.pk)
    assert item.has_created_record


def test_a_row_of_an_import_alone_asks_no_source(run, fakes):
    run.asks = False
    run.save()
    item, known = doubtful_row(run)
    reviews.decide(item, known.pk, user="olive")
    assert item.state == "completed"
    assert not fakes["fake"].asked


def test_what_was_decided_or_undone_is_not_decided_again(run):
    item, known = doubtful_row(run)
    reviews.decide(item, known.pk, user="olive")
    with pytest.raises(ReviewRefused, match="decided already"):
        reviews.decide(item, known.pk, user="olive")
    other, known = doubtful_row(run)
    EnrichmentRun.objects.update(undone_at=timezone.now())
    with pytest.raises(ReviewRefused, match="undone"):
        reviews.decide(RunItem.objects.get(pk=other.pk), known.pk, user="olive")


def test_a_second_row_of_a_record_adds_what_the_first_left_out(run):
    """The first of two values counts, as in an import; undoing the run takes both rows back."""
    item, known = doubtful_row(run)
    second = row(run, name="Acme, Inc.", state="review", evidence=item.evidence)
    told = [
        CleanClaim("domain", "acme.net", ("csv_import",)),
        CleanClaim("industry", "Toys", ("csv_import",)),
    ]
    second.subject = kept(told, {})
    second.save()
    reviews.decide(item, known.pk, user="olive")
    reviews.decide(second, known.pk, user="olive")
    values = values_of(known)
    assert (values["industry"], values["domain"], values["name"]) == ("Toys", "acme.com", "Acme")
    rebuilt = claims.rebuild()
    assert (rebuilt.claims, rebuilt.current) == (0, 0)
    claims.undo(run.pk)
    assert "industry" not in values_of(known)


def test_what_a_second_row_confirms_outlives_the_run_that_wrote_it(run):
    item, known = doubtful_row(run)
    before = make_run(name="earlier")
    source = EnrichmentSource.objects.get(slug="spreadsheet").pk
    answer = make_answer(known.pk, source, industry="Toys")
    claims.record(run=before.pk, kind=Kind.ACCOUNT, answers=[answer])
    second = row(run, state="review", evidence=item.evidence)
    second.subject = kept([CleanClaim("industry", "Toys", ("csv_import",))], {})
    second.save()
    for each in (item, second):
        reviews.decide(each, known.pk, user="olive")
    claims.undo(before.pk)
    assert values_of(known)["industry"] == "Toys"


@pytest.fixture
def doubtful_answer(run, fakes) -> RunItem:
    """An item whose only answer may be about somebody else."""
    fakes["fake"] = Vague(acme_com={"headcount": 40})
    account = make_account(name="Acme Industries", domain="acme.com")
    item = RunItem.objects.create(run=run, position=1, account=account)
    work(run)
    item.refresh_from_db()
    assert item.state == "review"
    return item


def test_an_answer_is_believed_when_a_person_says_so(doubtful_answer):
    (candidate,) = doubtful_answer.evidence
    assert candidate["name"] == "Acme Industrial Holdings"
    assert not AttributeValue.objects.filter(attribute="headcount").exists()
    reviews.decide(doubtful_answer, candidate["id"], user="olive")
    assert doubtful_answer.state == "completed"
    assert values_of(doubtful_answer.account)["headcount"] == 40


def test_an_answer_is_rejected_when_a_person_says_so(doubtful_answer):
    reviews.decide(doubtful_answer, None, user="olive")
    assert doubtful_answer.outcomes["fake"]["outcome"] == "rejected"
    assert "headcount" not in values_of(doubtful_answer.account)


def test_an_imported_row_is_discarded_unless_a_source_knows_it(run, tmp_path):
    file = tmp_path / "leads.csv"
    file.write_text("Company,Domain\nAcme,acme.com\nNobody,nobody.example\n")
    imported = import_file(file, name="leads.csv", unmatched="discard", enrich=True)
    assert not Account.objects.exists()
    work(imported)
    states = dict(imported.items.values_list("position", "state"))
    assert states == {2: "completed", 3: "discarded"}
    imported.refresh_from_db()
    assert imported.summary["created"] == 1
    assert values_of(Account.objects.get())["headcount"] == 40
