"""What `enrich` is asked for, and whom a run of it asks: about the rows, and about the companies of people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crm.headers import recognise
from crm.models import Account
from enrichment import runs
from enrichment.models import EnrichmentRun
from enrichment.names import attribute_called, columns_of, custom_attributes, sources_called
from enrichment.plan import Plan
from enrichment.queries import attributes_of
from sources import registry
from sources.attributes import Kind
from sources.tables import read


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a row of the file is, output column → attribute (none: all there is), sources, and the plans.

    `named` are columns that the sources give by their own account, with their attributes. `plans` holds the kinds of
    records that somebody is asked about: of a file of people also their companies.
    """

    kind: Kind
    columns: Mapping[str, str]
    named: Mapping[str, str]
    sources: Sequence[str]
    plans: Mapping[Kind, Plan]

    def wanted(self, kind: Kind) -> list[str]:
        """The attributes wanted of a kind of records; empty means all."""
        return wanted_of(kind, self.kind, self.columns.values()) or []

    def notes(self) -> Iterator[str]:
        """What cannot come true of these wishes, in sentences."""
        given = {slug for plan in self.plans.values() for step in plan.steps for slug in step.gives}
        for name, slug in self.columns.items():
            if slug not in given:
                yield f"no source that is asked gives {name}."
        asked = {step.source.slug for plan in self.plans.values() for step in plan.steps}
        told = set(asked)
        for left in (left for plan in self.plans.values() for left in plan.left_out):
            if left.source.slug in self.sources and left.source.slug not in told:
                told.add(left.source.slug)
                yield f"{left.source.slug} is left out: {left.reason}."


def read_wishes(path: Path, *, attributes: Iterable[str], sources: Sequence[str]) -> Wishes:
    """What the words that were typed mean for a file. Raises ValueError with one sentence."""
    asked = sources_called(sources)
    table = read(path)
    kind = recognise(table.header, rows=table.rows[:200], custom=custom_attributes()).kind
    kinds = (kind, Kind.CONTACT if kind is Kind.ACCOUNT else Kind.ACCOUNT)
    columns = {name: attribute_called(name, *kinds).slug for name in attributes}
    named = {name: attribute_called(name, *kinds).slug for name in columns_of(sources)}
    plans: dict[Kind, Plan] = {}
    for each in kinds if kind is Kind.CONTACT else kinds[:1]:
        wanted = wanted_of(each, kind, columns.values())
        who = sources_of(each, kind, asked)
        if wanted is not None and who is not None:
            plans[each] = runs.plan_for(each, wanted=wanted, sources=who)
    if not any(plan.steps for plan in plans.values()):
        raise runs.RunRefused(_nobody(kind, plans))
    return Wishes(kind, columns, named, asked, {each: plan for each, plan in plans.items() if plan.steps})


def sources_of(kind: Kind, rows: Kind, sources: Sequence[str]) -> list[str] | None:
    """Of the sources chosen for a file's rows those to ask about a kind of records; None: none of them.

    A module that takes the rows of people itself is not run again for their companies.
    """
    if kind is rows or not sources:
        return list(sources)
    adapters = registry.adapters()
    takes_rows = {
        slug
        for slug in sources
        if slug in adapters and adapters[slug].columns and rows in adapters[slug].kinds
    }
    return [slug for slug in sources if slug not in takes_rows] or None


def wanted_of(kind: Kind, rows: Kind, slugs: Iterable[str]) -> list[str] | None:
    """Of the attributes wanted of a file's rows those of a kind of records; None: nothing is wanted of it.

    What a company and a person may both have is wanted of what a row is.
    """
    wanted = list(dict.fromkeys(slugs))
    if not wanted or rows is Kind.ACCOUNT:
        return wanted
    own = attributes_of(Kind.CONTACT)
    mine = [slug for slug in wanted if (slug in own) is (kind is Kind.CONTACT)]
    return mine or None


def columns_to_keep(wishes: Wishes) -> dict[str, list[tuple[str, str]]]:
    """What a run remembers of the output's columns: as pairs, since a database may reorder a mapping."""
    return {"columns": list(wishes.columns.items()), "named": list(wishes.named.items())}


def columns_kept(run: EnrichmentRun, which: str) -> dict[str, str]:
    """Columns of a run's output with their attributes: "columns" were asked for, "named" are the sources' own."""
    return dict(run.summary.get(which, ()))


def company_run(run: EnrichmentRun) -> EnrichmentRun | None:
    """The run over the companies of a run's people, begun when there is none yet; None: nobody is asked."""
    if run.kind != Kind.CONTACT:
        return None
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


def _nobody(kind: Kind, plans: Mapping[Kind, Plan]) -> str:
    """Why nobody would be asked; sources that are merely off are counted, not listed."""
    left = {
        each.source.slug: each.reason for plan in reversed(list(plans.values())) for each in plan.left_out
    }
    reasons = [f"{slug} {reason}" for slug, reason in left.items() if reason != "is off"]
    if off := [slug for slug, reason in left.items() if reason == "is off"]:
        reasons.append(f"{', '.join(off)} {'is' if len(off) == 1 else 'are'} off")
    return (
        f"No source can be asked about these {kind.value}s: {'; '.join(reasons) or 'none is set up'}. "
        "Turn one on in the admin or name it with --sources; `manage.py sources` lists them."
    )
