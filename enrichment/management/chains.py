"""What `plan` prints: the sources that could be asked in their order, what each needs and gives, and what is missing."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from crm.headers import Headers
from enrichment.keys import key_of, key_variable
from enrichment.management.wishes import wishes_of_rows
from enrichment.models import EnrichmentSource
from enrichment.people import NAMED_BY
from enrichment.plan import Plan, Step, make_plan
from enrichment.queries import attributes_of
from enrichment.wishes import Wishes
from sources import registry
from sources.attributes import Kind, identity_slug, slug_of
from sources.contract import Source

_WIDTH, _INDENT = 100, 11
_READY = "ready"


@dataclass(frozen=True, slots=True)
class Link:
    """One source in a chain: whom it is asked about, and what it gives of what is wanted or needed.

    `lacking` are inputs that no column and no source gives, `waiting` those that none of the sources gives that would
    be asked as things are. `key` is the variable of a key that is not set; "" when it has one or needs none.
    """

    kind: Kind
    step: Step
    gives: tuple[str, ...]
    lacking: tuple[str, ...]
    waiting: tuple[str, ...]
    key: str
    is_on: bool

    @property
    def state(self) -> str:
        """Whether it would be asked as things are, else why not."""
        if self.lacking:
            return f"lacks {' and '.join(self.lacking)}"
        if self.key or not self.is_on:
            return f"no key: {self.key}" if self.key else "off"
        return f"nobody gives {' and '.join(self.waiting)} as things are" if self.waiting else _READY


@dataclass(frozen=True, slots=True)
class Chain:
    """The links in their order, what was wanted of them by name and attribute, and who of the chosen is left out."""

    wishes: Wishes
    links: tuple[Link, ...]
    left_out: tuple[tuple[str, str], ...]

    def unreached(self, *, as_things_are: bool) -> list[str]:
        """The names wanted that no link gives: at all, or with the keys and switches there are."""
        given = {
            slug
            for link in self.links
            if not link.lacking and (not as_things_are or link.state == _READY)
            for slug in link.step.gives
        }
        return [name for name, slug in self.wishes.columns.items() if slug not in given]


def chain_of(headers: Headers, *, attributes: Sequence[str], sources: Sequence[str]) -> Chain:
    """The chain for rows of such columns, of sources that are off or lack a key too. Raises ValueError."""
    wishes = wishes_of_rows(headers, attributes=attributes, sources=sources, plan_for=_whole_plan)
    known, now = _known(headers), _known(headers)
    links: list[Link] = []
    for kind in sorted(wishes.plans, key=lambda kind: kind is not wishes.kind):
        if wishes.people and kind is Kind.CONTACT:
            for each in (known, now):
                each[kind] |= {name for slug, name in NAMED_BY.items() if slug in each[Kind.ACCOUNT]}
                each[kind] |= each[Kind.ACCOUNT] & {"domain"}
        links += _links(kind, wishes.plans[kind], known[kind], now[kind], is_chosen=bool(sources))
    asked = {link.step.source.slug for link in links}
    left = {each.source.slug: each.reason for plan in wishes.plans.values() for each in plan.left_out}
    chosen = {*wishes.sources, *(wishes.people.sources if wishes.people else ())} if sources else set()
    return Chain(wishes, tuple(links), tuple((slug, left[slug]) for slug in left if slug in chosen - asked))


def _whole_plan(kind: Kind, *, wanted: Sequence[str] = (), sources: Sequence[str] = ()) -> Plan:
    """The plan with every source on and every key set."""
    rows = list(EnrichmentSource.objects.exclude(adapter=""))
    chosen = sources or [row.slug for row in rows]
    return make_plan(
        kind=kind, sources=rows, adapters=registry.adapters(), keys={}, wanted=wanted, chosen=chosen
    )


def _known(headers: Headers) -> dict[Kind, set[str]]:
    """The inputs that the columns hold, by the kind of record they are about."""
    known: dict[Kind, set[str]] = {kind: set() for kind in Kind}
    for column in headers.columns:
        known[column.kind or headers.kind].add(column.field or slug_of(column.header))
    for kind in Kind:
        known[kind] |= {"linkedin_url"} if identity_slug(kind, "linkedin_url") in known[kind] else set()
        known[kind] |= {"name"} if known[kind] & {"first_name", "last_name"} else set()
    known[Kind.CONTACT] |= known[Kind.ACCOUNT] & {"domain"}
    return known


def _links(kind: Kind, plan: Plan, known: set[str], now: set[str], *, is_chosen: bool) -> Iterator[Link]:
    """The steps of a plan; what they give is added to what is `known`, and `now` where they would be asked."""
    own = attributes_of(kind).keys()
    for step in plan.steps:
        source, adapter = step.source, step.adapter
        gives = step.gives & own
        has_key = not adapter.secret or bool(key_of(source.slug, adapter))
        link = Link(
            kind, step, tuple(sorted(step.goals & own)), _lacking(adapter, known), _lacking(adapter, now),
            "" if has_key else key_variable(source.slug, adapter), is_chosen or source.is_enabled,
        )  # fmt: skip
        yield link
        page = {"linkedin_url"} if identity_slug(kind, "linkedin_url") in gives else set()
        known |= set() if link.lacking else gives | page
        now |= gives | page if link.state == _READY else set()


def _lacking(adapter: Source, known: Collection[str]) -> tuple[str, ...]:
    """The inputs that are not known, of the alternative that lacks fewest."""
    missing = [tuple(name for name in need if name not in known) for need in adapter.needs]
    return min(missing, key=lambda names: len(names), default=())


def chain_lines(chain: Chain) -> Iterator[str]:
    """The chain as people read it."""
    kind = "companies" if chain.wishes.kind is Kind.ACCOUNT else "people"
    yield f"Rows are {kind}. Wanted: {', '.join(chain.wishes.columns) or 'all that the sources give'}"
    for number, link in enumerate(chain.links, 1):
        yield ""
        yield f"{number:2}. {link.step.source.slug}{_about(link, chain.wishes.kind)}: {link.state}"
        yield from _paragraph("needs", " or ".join(" and ".join(need) for need in link.step.adapter.needs))
        yield from _paragraph("gives", ", ".join(link.gives))
        yield from _paragraph("cost", f"{_price([link])} a row at most" if link.step.source.cost else "free")
    yield ""
    possible = [link for link in chain.links if not link.lacking]
    ready = [link for link in possible if link.state == _READY]
    yield f"At most a row: {_price(ready)} as things are, {_price(possible)} with all that can be asked"
    yield from _missing(chain)


def _about(link: Link, rows: Kind) -> str:
    if link.kind is rows:
        return ""
    return ", about the chief executive" if link.kind is Kind.CONTACT else ", about the company"


def _paragraph(label: str, text: str) -> Iterator[str]:
    lead = f"{'':4}{label:{_INDENT - 4}}"
    yield textwrap.fill(
        text, _WIDTH, initial_indent=lead, subsequent_indent=" " * _INDENT, break_on_hyphens=False
    )


def _price(links: Sequence[Link]) -> str:
    credits = sum(link.step.source.cost for link in links)
    usd = sum((link.step.source.cost * link.step.source.credit_price for link in links), Decimal(0))
    if not credits:
        return "free" if links else "nothing"
    return f"{credits} credit{'s' * (credits > 1)}" + (f" ({usd:.2f} USD)" if usd else "")


def _missing(chain: Chain) -> Iterator[str]:
    """What stands in the way, and what to do about it."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for link in chain.links:
        for what in [("column", name) for name in link.lacking] or [("key", link.key)] * bool(link.key):
            found.setdefault(what, {})[link.step.source.slug] = None
    lines = [f"  {what:8}{name}: for {', '.join(slugs)}" for (what, name), slugs in sorted(found.items())]
    if off := dict.fromkeys(link.step.source.slug for link in chain.links if link.state == "off"):
        lines.append(f"  switch  {', '.join(off)}: turn on in the admin, or name with --sources")
    lines += [f"  source  {slug}: {reason}" for slug, reason in chain.left_out]
    if lines:
        yield from ("", "Missing", *lines)
    if names := chain.unreached(as_things_are=True):
        yield ""
        yield f"As things are nobody gives {', '.join(names)}."
