"""What `enrich` is asked for, and about whom: the rows, the companies of people, the chief executives of companies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from crm.headers import HeaderError, Headers, recognise
from enrichment import runs
from enrichment.names import attribute_called, columns_of, custom_attributes, sources_called
from enrichment.people import NAMED_BY
from enrichment.plan import Plan
from enrichment.queries import attributes_of
from sources import registry
from sources.attributes import Kind, slug_of
from sources.tables import read


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


def read_wishes(path: Path, *, attributes: Iterable[str], sources: Sequence[str]) -> Wishes:
    """What the words that were typed mean for a file. Raises ValueError with one sentence."""
    sources_called(sources)  # what is typed wrong is said before the file is read
    table = read(path)
    wishes = wishes_of(
        headers_of(table.header, table.rows[:200], sources), attributes=attributes, sources=sources
    )
    if not any(plan.steps for plan in wishes.plans.values()):
        raise runs.RunRefused(_nobody(wishes.kind, wishes.plans))
    return replace(wishes, plans={kind: plan for kind, plan in wishes.plans.items() if plan.steps})


def headers_of(header: Sequence[str], rows: Sequence[Sequence[str]], sources: Sequence[str]) -> Headers:
    """What columns mean; rows that may be companies or people are people where only those are asked about.

    Raises ValueError with one sentence.
    """
    custom = custom_attributes()
    people: Headers | None = None
    if sources and all(_speaks_of_people(name) for name in sources):
        with suppress(HeaderError):
            people = recognise(header, rows=rows, kind=Kind.CONTACT, custom=custom)
    try:
        found = recognise(header, rows=rows, custom=custom)
    except HeaderError:
        if people is None:
            raise
        return people
    return people if people and _are_people(found, people, sources_called(sources)) else found


def _speaks_of_people(name: str) -> bool:
    """Whether a source is asked for what it says of people only."""
    (slug,) = sources_called([name])
    adapter = registry.adapters().get(slug)
    if adapter is not None and adapter.kinds == {Kind.CONTACT}:
        return True
    only_people = attributes_of(Kind.CONTACT).keys() - attributes_of(Kind.ACCOUNT).keys()
    return any(slug_of(column) in only_people for column in columns_of([name]))


def _are_people(as_companies: Headers, as_people: Headers, slugs: Sequence[str]) -> bool:
    """Whether rows read as companies are people: a column is a person's page, or nobody is asked about companies."""
    if any(column.field in NAMED_BY for column in as_companies.columns):
        return False
    unread = {column.index for column in as_companies.columns if not column.field}
    if any(column.index in unread and column.field == "linkedin_url" for column in as_people.columns):
        return True
    adapters = registry.adapters()
    return not any(Kind.ACCOUNT in adapters[slug].kinds for slug in slugs if slug in adapters)


def words(text: str) -> list[str]:
    """Names separated by commas, each once."""
    return list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def wishes_of(
    headers: Headers, *, attributes: Iterable[str], sources: Sequence[str], plan_for: Planner = runs.plan_for
) -> Wishes:
    """What the words that were typed mean for rows of such columns. Raises ValueError with one sentence."""
    kind, asked = headers.kind, sources_called(sources)
    kinds = (kind, Kind.CONTACT if kind is Kind.ACCOUNT else Kind.ACCOUNT)
    columns = {name: attribute_called(name, *kinds).slug for name in attributes}
    named = {name: attribute_called(name, *kinds).slug for name in columns_of(sources)}
    if kind is Kind.ACCOUNT:
        return _about_companies(headers, Wishes(kind, columns, named, asked, {}), sources, plan_for)
    plans: dict[Kind, Plan] = {}
    for each in kinds:
        wanted = wanted_of(each, kind, columns.values())
        who = sources_of(each, kind, asked)
        if wanted is not None and who is not None:
            plans[each] = plan_for(each, wanted=wanted, sources=who)
    return Wishes(kind, columns, named, asked, plans)


def _about_companies(headers: Headers, wishes: Wishes, typed: Sequence[str], plan_for: Planner) -> Wishes:
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
    if columns and _is_named(headers, replace(wishes, people=people), finders, plan_for):
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


def _is_named(headers: Headers, wishes: Wishes, finders: Sequence[str], plan_for: Planner) -> bool:
    """Whether the rows name a chief executive, or a source does that is asked about them."""
    if any(column.field in NAMED_BY for column in headers.columns):
        return True
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
