"""What `enrich` does after the run over a file's rows: one over the companies of people, or the people of companies."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from crm.models import Account, Contact
from enrichment import bulk, runs
from enrichment.management.wishes import Wishes, sources_of, wanted_of
from enrichment.models import EnrichmentRun, RunItem
from enrichment.people import introduce
from sources.attributes import Kind


def to_remember(wishes: Wishes) -> dict[str, Any]:
    """What a run keeps of the wishes for later: columns as pairs, since a database may reorder a mapping."""
    people = wishes.people
    asked = (
        {"sources": list(people.sources), "wanted": list(people.wanted), "columns": list(people.columns)}
        if people
        else {}
    )
    return {
        "columns": list(wishes.columns.items()),
        "named": list(wishes.named.items()),
        "people_asked": asked,
    }


def columns_kept(run: EnrichmentRun, which: str) -> dict[str, str]:
    """Columns of a run's output with their attributes: "columns" were asked for, "named" are the sources' own."""
    return dict(run.summary.get(which, ()))


def columns_of_people(run: EnrichmentRun) -> list[str]:
    """The columns of the output that rows of companies take from their chief executives."""
    return list(run.summary.get("people_asked", {}).get("columns", ()))


def follow_up(run: EnrichmentRun) -> EnrichmentRun | None:
    """The run that follows that over a file's rows, begun when there is none yet; None: nobody is asked."""
    return company_run(run) if run.kind == Kind.CONTACT else people_run(run)


def company_run(run: EnrichmentRun) -> EnrichmentRun | None:
    """The run over the companies of a run's people, begun when there is none yet; None: nobody is asked."""
    begun = EnrichmentRun.objects.filter(pk=run.summary.get("companies")).first()
    wanted = wanted_of(Kind.ACCOUNT, Kind.CONTACT, columns_kept(run, "columns").values())
    who = sources_of(Kind.ACCOUNT, Kind.CONTACT, run.sources)
    companies = Account.objects.filter(pk__in=run.items.values("contact__account"))
    if begun or wanted is None or who is None or not companies.exists():
        return begun
    if not runs.plan_for(Kind.ACCOUNT, wanted=wanted, sources=who).steps:
        return None
    begun = runs.start(
        kind=Kind.ACCOUNT, records=companies, wanted=wanted, sources=who, parallel=run.parallel,
        name=f"Companies of {run.file_name}"[:200],
    )  # fmt: skip
    run.summary |= {"companies": begun.pk}
    run.save(update_fields=["summary"])
    return begun


def people_run(run: EnrichmentRun) -> EnrichmentRun | None:
    """The run over the chief executives of a run's companies, who become contacts; None: nobody is asked."""
    begun = EnrichmentRun.objects.filter(pk=run.summary.get("people")).first()
    asked = run.summary.get("people_asked")
    if begun or not asked or run.undone_at:
        return begun
    wanted, who = asked["wanted"], asked["sources"]
    if not runs.plan_for(Kind.CONTACT, wanted=wanted, sources=who).steps:
        return None
    everybody, made = introduce(run.pk, Account.objects.filter(pk__in=run.items.values("account")))
    if not everybody:
        return None
    with transaction.atomic():
        begun = runs.start(
            kind=Kind.CONTACT, records=Contact.objects.filter(pk__in=bulk.among(everybody)), wanted=wanted, sources=who,
            parallel=run.parallel, name=f"Chief executives of {run.file_name}"[:200],
        )  # fmt: skip
        RunItem.objects.filter(run=begun, contact__in=bulk.among(made)).update(has_created_record=True)
        run.summary |= {"people": begun.pk}
        run.save(update_fields=["summary"])
    return begun
