"""The first page: how much is here, how well it is covered, and what to do next."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse

from crm.models import Account, Contact
from enrichment.admin.paging import count_of
from enrichment.admin.sources import key_state
from enrichment.models import EnrichmentRun, EnrichmentSource, RunItem
from enrichment.queries import coverage, sample_of
from sources.attributes import BY_SLUG

MAIN = (
    "industry", "headcount", "revenue_range", "funding_stage", "headquarters", "tech_stack", "founded_year", "ceo_name",
)  # fmt: skip
_RUNS = 6


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the counts this user may see to the first page's context."""
    user = request.user
    if user.has_perm("crm.view_account"):
        accounts, sample = Account.objects.all(), sample_of(Account)
        covered = coverage(accounts.filter(pk__in=sample.ids) if sample else accounts, MAIN)
        context["accounts"] = count_of(accounts)
        context["is_sample"] = sample is not None
        context["coverage"] = [
            {
                "label": BY_SLUG[slug].label,
                "filled": filled,
                "percent": round(100 * filled / total) if total else 0,
                "href": f"{reverse('admin:crm_account_changelist')}?attribute={slug}&op=empty&text=",
            }
            for slug, (filled, total) in covered.items()
        ]
    if user.has_perm("crm.view_contact"):
        context["contacts"] = count_of(Contact.objects.all())
    if user.has_perm("enrichment.view_enrichmentrun"):
        context["runs"] = _latest_runs()
        context["open_runs"] = EnrichmentRun.objects.filter(status__in=EnrichmentRun.OPEN).count()
    if user.has_perm("enrichment.view_enrichmentsource"):
        sources = list(EnrichmentSource.objects.exclude(adapter=""))
        context["sources_on"] = sum(source.is_enabled for source in sources)
        keys = [(source, *key_state(source)) for source in sources]
        context["keys_missing"] = [
            (source, variable) for source, state, variable in keys if state == "missing" and source.is_enabled
        ]
    return context


def _latest_runs() -> list[EnrichmentRun]:
    """The newest runs, each with how many of its items wait for a person (two queries)."""
    runs = list(EnrichmentRun.objects.all()[:_RUNS])
    items = RunItem.objects.filter(run__in=runs, state=RunItem.State.REVIEW, run__undone_at=None).order_by()
    counts = dict(items.values_list("run").annotate(Count("pk")))
    for run in runs:
        run.in_doubt = counts.get(run.pk, 0)  # type: ignore[attr-defined]
    return runs
