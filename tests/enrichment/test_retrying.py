"""What failed is asked again, what was answered is not, and nothing is paid twice unasked."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from crm.models import Account
from enrichment import retrying, runs
from enrichment.models import Budget, EnrichmentRun, EnrichmentSource, Lookup, RunItem
from enrichment.retrying import Wish
from sources.attributes import Kind
from sources.errors import NotAllowed, SourceUnavailable
from tests import people
from tests.factories import make_account, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "NAP", 0)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors are retried at once."""
    monkeypatch.setattr("enrichment.limits.retry_at", lambda tries: timezone.now() - timedelta(seconds=1))


def finish(run: EnrichmentRun) -> None:
    while runs.work(run.pk, until=lambda: False):
        RunItem.objects.exclude(not_before=None).update(not_before=timezone.now() - timedelta(seconds=1))
        EnrichmentSource.objects.update(paused_until=None)
    EnrichmentSource.objects.update(paused_until=None)
    run.refresh_from_db()


def enrich(fakes, *, cost: int = 0, **sources) -> EnrichmentRun:
    """A finished run over one account for each domain that any source knows; sources answer as told."""
    for rank, (slug, answers) in enumerate(sources.items(), 1):
        fakes[slug] = FakeSource(slug, **answers)
        make_source(slug, rank=rank, cost=cost)
    for domain in sorted({domain for answers in sources.values() for domain in answers}):
        make_account(name=domain, domain=domain.replace("_", "."))
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.order_by("pk"))
    finish(run)
    return run


def forget(fakes) -> None:
    """Nobody was asked yet."""
    for source in fakes.values():
        source.asked.clear()


REFUSED = NotAllowed("not for this one")
FINE = {"headcount": 5}


def states(run: EnrichmentRun) -> list[str]:
    return list(run.items.order_by("position").values_list("state", flat=True))


def test_a_failed_item_comes_back_for_its_failed_source_only(fakes) -> None:
    run = enrich(fakes, first={"a_com": REFUSED}, second={"a_com": NotAllowed("no"), "b_com": FINE})
    assert states(run) == ["failed", "completed"]
    forget(fakes)
    fakes["first"].answers["a.com"] = FINE

    assert retrying.retry(run) == 1
    finish(run)

    assert (fakes["first"].asked, fakes["second"].asked) == (["a.com"], ["a.com"])
    assert states(run) == ["completed", "completed"]
    assert run.status == "COMPLETED"


def test_a_source_that_answered_or_was_never_part_of_it_is_left_alone(fakes) -> None:
    run = enrich(fakes, first={"a_com": FINE}, second={"a_com": REFUSED})
    forget(fakes)
    fakes["new"] = FakeSource("new", a_com=FINE)
    make_source("new", rank=9)
    fakes["second"].answers["a.com"] = {"industry": "Fintech"}

    assert retrying.retry(run, Wish(source="second")) == 1
    finish(run)

    assert (fakes["first"].asked, fakes["second"].asked, fakes["new"].asked) == ([], ["a.com"], [])
    assert run.claims.count() == 2


def test_only_the_items_of_the_source_come_back(fakes) -> None:
    run = enrich(fakes, first={"a_com": REFUSED, "b_com": FINE}, second={"a_com": FINE, "b_com": REFUSED})
    forget(fakes)

    assert retrying.retry(run, Wish(source="second")) == 1
    finish(run)

    assert (fakes["first"].asked, fakes["second"].asked) == ([], ["b.com"])


def test_one_item_is_tried_again(fakes) -> None:
    run = enrich(fakes, first={"a_com": REFUSED, "b_com": REFUSED})
    forget(fakes)

    assert retrying.retry(run, Wish(position=2)) == 1
    finish(run)

    assert fakes["first"].asked == ["b.com"]


def test_each_new_try_asks_anew(fakes) -> None:
    """What was refused for good stays refused after a crash, but not when somebody wants to try again."""

    class Refusing(FakeSource):
        def parse(self, payload, wanted):
            raise REFUSED

    fakes["fake"] = Refusing("fake", a_com=FINE)
    make_source("fake")
    make_account(name="A", domain="a.com")
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    finish(run)
    for tries in (2, 3, 4):
        retrying.retry(run)
        finish(run)
        assert len(fakes["fake"].asked) == tries
    assert states(run) == ["failed"]


def test_a_source_that_fails_again_for_a_while_comes_back_without_the_others(fakes) -> None:
    """An item that is put off in between still comes back for nothing else."""
    run = enrich(fakes, first={"a_com": SourceUnavailable("down")}, second={"a_com": REFUSED})
    forget(fakes)

    retrying.retry(run, Wish(source="first"))
    finish(run)

    assert fakes["first"].asked == ["a.com"] * 3
    assert fakes["second"].asked == []
    assert states(run) == ["failed"]
    assert run.items.get().outcomes["first"]["outcome"] == "failed"


def test_what_is_in_doubt_is_asked_again_only_when_a_person_says_so(fakes) -> None:
    run = enrich(fakes, cost=3, first={"a_com": SourceUnavailable("reset")})
    forget(fakes)
    seen = retrying.preview(run, Wish())
    assert (seen.items, seen.items_in_doubt, seen.doubts) == (0, 1, 1)
    assert seen.sources[0].credits_in_doubt == 3

    with pytest.raises(runs.RunRefused, match="Nothing can be tried again"):
        retrying.retry(run)
    finish(run)
    assert fakes["first"].asked == []

    fakes["first"].answers["a.com"] = FINE
    assert retrying.retry(run, with_doubts=True) == 1
    finish(run)
    assert fakes["first"].asked == ["a.com"]
    assert states(run) == ["completed"]
    assert Budget.objects.get(scope__startswith="source:").spent == 6, "both may have been charged"
    assert set(Lookup.objects.values_list("state", flat=True)) == {"failed", "applied"}


def test_a_preview_counts_and_changes_nothing(fakes) -> None:
    run = enrich(fakes, cost=2, first={"a_com": REFUSED, "b_com": REFUSED, "c_com": FINE})

    seen = retrying.preview(run, Wish())

    assert (seen.items, seen.sources[0].items, seen.sources[0].credits, seen.doubts) == (2, 2, 4, 0)
    assert states(run) == ["failed", "failed", "completed"]


def test_skipped_items_come_back_when_they_are_meant(fakes) -> None:
    fakes["first"] = FakeSource("first", a_com=FINE)
    make_source("first", cost=5, monthly_limit=2)
    make_account(name="A", domain="a.com")
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    finish(run)
    assert states(run) == ["skipped"]
    EnrichmentSource.objects.update(monthly_limit=None)

    with pytest.raises(runs.RunRefused):
        retrying.retry(run)
    assert retrying.retry(run, Wish(state="skipped")) == 1
    finish(run)
    assert states(run) == ["completed"]


def test_an_item_that_was_given_up_comes_back_as_a_whole(fakes) -> None:
    run = enrich(fakes, first={"a_com": FINE})
    make_account(name="B", domain="b.com")
    gone = RunItem.objects.create(run=run, position=2, state="failed", account=Account.objects.last())

    assert retrying.retry(run) == 1
    finish(run)

    gone.refresh_from_db()
    assert (gone.state, fakes["first"].asked) == ("completed", ["a.com", "b.com"])


def test_a_source_that_is_off_is_not_asked_and_says_why(fakes) -> None:
    run = enrich(fakes, first={"a_com": REFUSED}, second={"a_com": REFUSED})
    EnrichmentSource.objects.filter(slug="first").update(is_enabled=False)
    assert "First" in retrying.preview(run, Wish()).left_out
    with pytest.raises(runs.RunRefused, match="First is off"):
        retrying.retry(run, Wish(source="first"))


def test_a_paused_run_stays_paused_and_an_undone_one_refuses(fakes) -> None:
    run = enrich(fakes, first={"a_com": REFUSED})
    EnrichmentRun.objects.update(status="PAUSED")
    retrying.retry(run)
    run.refresh_from_db()
    assert (run.status, states(run)) == ("PAUSED", ["queued"])
    run.undone_at = timezone.now()
    with pytest.raises(runs.RunRefused, match="undone"):
        retrying.retry(run)


def typed(*arguments: str) -> str:
    out = StringIO()
    call_command("retry", *arguments, stdout=out)
    return out.getvalue()


def test_the_terminal_says_what_it_may_cost_and_works_to_the_end(fakes) -> None:
    run = enrich(fakes, cost=2, first={"a_com": REFUSED, "b_com": SourceUnavailable("reset")})
    fakes["first"].answers = {"a.com": FINE, "b.com": FINE}

    with pytest.raises(CommandError, match="add --yes"):
        typed(str(run.pk))
    told = typed(str(run.pk), "--yes")
    assert "First: 1 items, 2 credits at most" in told
    assert "1 questions in doubt, perhaps charged before, are left out" in told
    assert states(run) == ["completed", "failed"]

    told = typed(str(run.pk), "--in-doubt", "--yes")
    assert "may be paid twice: 2 credits at most" in told
    assert states(run) == ["completed", "completed"]
    with pytest.raises(CommandError, match="Nothing can be tried again"):
        typed(str(run.pk), "--yes")
    with pytest.raises(CommandError, match="There is no run"):
        typed("999999")


def test_the_pages_offer_and_do_it(fakes, client) -> None:
    run = enrich(fakes, cost=2, first={"a_com": REFUSED, "b_com": SourceUnavailable("reset"), "c_com": FINE})
    client.force_login(people.make_olive())
    retry = reverse("admin:enrichment_enrichmentrun_retry", args=[run.pk])
    page = client.get(reverse("admin:enrichment_enrichmentrun_change", args=[run.pk])).content.decode()
    assert "Retry 2 failed" in page and f'{retry}?source=first">retry 2' in page
    item = client.get(
        reverse("admin:enrichment_runitem_change", args=[run.items.get(position=1).pk])
    ).content.decode()
    assert f"{retry}?item=1" in item

    asked = client.get(retry).content.decode()
    assert "may cost 2 credits a second time" in asked and 'name="in_doubt"' in asked
    assert states(run) == ["failed", "failed", "completed"]

    assert "1 item is tried again" in client.post(retry, {"source": "first"}, follow=True).content.decode()
    assert states(run) == ["queued", "failed", "completed"]
    client.post(retry, {"item": "2", "in_doubt": "1"})
    assert states(run) == ["queued", "queued", "completed"]
    assert "Nothing can be tried again" in client.post(retry, {"item": "3"}, follow=True).content.decode()


def test_a_viewer_may_not_retry(fakes, client) -> None:
    run = enrich(fakes, first={"a_com": REFUSED})
    client.force_login(people.make_victor())
    retry = reverse("admin:enrichment_enrichmentrun_retry", args=[run.pk])
    assert client.get(retry).status_code == client.post(retry).status_code == 403
    assert (
        "Retry"
        not in client.get(
            reverse("admin:enrichment_runitem_change", args=[run.items.get().pk])
        ).content.decode()
    )
