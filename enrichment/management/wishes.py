"""What is asked for in words that are typed, and what the rows of a file are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from crm.headers import HeaderError, Headers, recognise
from enrichment import runs
from enrichment.names import columns_of, custom_attributes, sources_called
from enrichment.people import NAMED_BY
from enrichment.plan import Plan
from enrichment.queries import attributes_of
from enrichment.wishes import Planner, Wishes, wishes_of
from sources import registry
from sources.attributes import Kind, slug_of
from sources.tables import read


def read_wishes(path: Path, *, attributes: Iterable[str], sources: Sequence[str]) -> Wishes:
    """What the words that were typed mean for a file. Raises ValueError with one sentence."""
    sources_called(sources)  # what is typed wrong is said before the file is read
    table = read(path)
    headers = headers_of(table.header, table.rows[:200], sources)
    wishes = wishes_of_rows(headers, attributes=attributes, sources=sources)
    if not any(plan.steps for plan in wishes.plans.values()):
        raise runs.RunRefused(_nobody(wishes.kind, wishes.plans))
    return replace(wishes, plans={kind: plan for kind, plan in wishes.plans.items() if plan.steps})


def wishes_of_rows(
    headers: Headers, *, attributes: Iterable[str], sources: Sequence[str], plan_for: Planner = runs.plan_for
) -> Wishes:
    """What the words mean for rows of such columns. Raises ValueError with one sentence."""
    names_people = any(column.field in NAMED_BY for column in headers.columns)
    return wishes_of(
        headers.kind, attributes=attributes, sources=sources, names_people=names_people, plan_for=plan_for
    )


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
