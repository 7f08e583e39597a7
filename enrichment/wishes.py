"""What is asked for, and about whom: records, the companies of people, the chief executives of companies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from enrichment import runs
from enrichment.names import attribute_called, columns_of, sources_called
from enrichment.people import NAMED_BY
from enrichment.plan import Plan
from enrichment.queries import attributes_of
from sources import registry
from sources.attributes import Kind


class Planner(Protocol):
    """Makes the plan for a kind of records: as things are (`runs.plan_for`), or as they might be."""

    def __call__(self, kind: Kind, *, wanted: Sequence[str] = (), sources: Sequence[str] = ()) -> Plan: ...


@dataclass(frozen=True, slots=True)
class People:
    """What is asked about the people whom companies name: sources (none: all that are on), attributes (none: all).

    `columns` are those of the output that a company's row takes from its chief executive.
    """

    sources: Sequence[str]
    wanted: Sequence[str]
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a row of the file is, output column → attribute (none: all there is), sources of the rows, and the plans.

    `named` are columns that the sources give by their own account, with their attributes. `plans` holds the kinds of
    records that somebody is asked about: of a file of people also their companies, of companies also `people`.
    """

    kind: Kind
    columns: Mapping[str, str]
    named: Mapping[str, str]
    sources: Sequence[str]
    plans: Mapping[Kind, Plan]
    people: People | None = None

    def wanted(self, kind: Kind) -> list[str]:
        """The attributes wanted of rows, or of the companies of people; empty means all."""
        wanted = wanted_of(kind, self.kind, self.columns.values()) or []
        if self.people is None or not wanted:
            return wanted
        return [*(slug for slug in wanted if slug in attributes_of(Kind.ACCOUNT)), *NAMED_BY]

    @property
    def next(self) -> dict[str, list[str]]:
        """What a follow-up asks, as a run keeps it: of the chief executives of companies, of the companies of people."""
        if self.people:
            return {"wanted": list(self.people.wanted), "sources": list(self.people.sources)}
        if self.kind is Kind.ACCOUNT or Kind.ACCOUNT not in self.plans:
            return {}
        sources = sources_of(Kind.ACCOUNT, self.kind, self.sources) or []
        return {"wanted": self.wanted(Kind.ACCOUNT), "sources": sources}

    def notes(self) -> Iterator[str]:
        """What cannot come true of these wishes, in sentences."""
        given = {slug for plan in self.plans.values() for step in plan.steps for slug in step.gives}
        for name, slug in self.columns.items():
            if slug not in given:
                yield f"no source that is asked gives {name}."
        asked = {step.source.slug for plan in self.plans.values() for step in plan.steps}
        chosen = {*self.sources, *(self.people.sources if self.people else ())}
        told = set(asked)
        for left in (left for plan in self.plans.values() for left in plan.left_out):
            if left.source.slug in chosen and left.source.slug not in told:
                told.add(left.source.slug)
                yield f"{left.source.slug} is left out: {left.reason}."


def wishes_of(
    kind: Kind,
    *,
    attributes: Iterable[str],
    sources: Sequence[str],
    names_people: bool,
    plan_for: Planner = runs.plan_for,
) -> Wishes:
    """What the words that were typed mean for records; `names_people`: of companies is known who leads them.

    Raises ValueError with one sentence.
    """
    asked = sources_called(sources)
    kinds = (kind, Kind.CONTACT if kind is Kind.ACCOUNT else Kind.ACCOUNT)
    columns = {name: attribute_called(name, *kinds).slug for name in attributes}
    named = {name: attribute_called(name, *kinds).slug for name in columns_of(sources)}
    if kind is Kind.ACCOUNT:
        wishes = Wishes(kind, columns, named, asked, {})
        return _about_companies(wishes, sources, plan_for, names_people=names_people)
    plans: dict[Kind, Plan] = {}
    for each in kinds:
        wanted = wanted_of(each, kind, columns.values())
        who = sources_of(each, kind, asked)
        if wanted is not None and who is not None:
            plans[each] = plan_for(each, wanted=wanted, sources=who)
    return Wishes(kind, columns, named, asked, plans)


def _about_companies(
    wishes: Wishes, typed: Sequence[str], plan_for: Planner, *, names_people: bool
) -> Wishes:
    """The wishes of rows that are companies, with what is wanted of the people whom they name."""
    only_people = attributes_of(Kind.CONTACT).keys() - attributes_of(Kind.ACCOUNT).keys()
    speakers: dict[str, None] = {}  # the sources chosen for what they say of people
    columns = [name for name, slug in wishes.columns.items() if slug in only_people]
    for name in typed:
        theirs = columns_of([name])
        if any(wishes.named[column] in only_people for column in theirs):
            speakers |= dict.fromkeys(sources_called([name]))
            columns += [] if wishes.columns else theirs
    finders = [slug for slug in wishes.sources if slug not in speakers]
    people = People(
        list(speakers) or wishes.sources,
        [{**wishes.columns, **wishes.named}[name] for name in columns],
        columns,
    )
    if columns and (names_people or _names_people(replace(wishes, people=people), finders, plan_for)):
        wishes = replace(wishes, people=people, sources=finders)
    elif speakers:
        named = {name: slug for name, slug in wishes.named.items() if slug not in only_people}
        wishes = replace(wishes, named=named)
    plans: dict[Kind, Plan] = {}
    if wishes.sources or not typed:
        plans[Kind.ACCOUNT] = plan_for(
            Kind.ACCOUNT, wanted=wishes.wanted(Kind.ACCOUNT), sources=wishes.sources
        )
    if wishes.people:
        plans[Kind.CONTACT] = plan_for(Kind.CONTACT, wanted=people.wanted, sources=people.sources)
    return replace(wishes, plans=plans)


def _names_people(wishes: Wishes, finders: Sequence[str], plan_for: Planner) -> bool:
    """Whether a source names the chief executive that is asked about companies."""
    if wishes.sources and not finders:
        return False
    plan = plan_for(Kind.ACCOUNT, wanted=wishes.wanted(Kind.ACCOUNT), sources=finders)
    return any(step.gives & NAMED_BY.keys() for step in plan.steps)


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
