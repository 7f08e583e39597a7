"""Which sources are asked, in which order, and why others are left out: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from enrichment.models import EnrichmentSource
from enrichment.subjects import has_inputs
from sources.attributes import BY_SLUG, IDENTITY, Kind, identity_slug
from sources.contract import Source, Subject

USUAL = frozenset(IDENTITY) - {"linkedin_url"}
"""The inputs that records are taken to have; others are asked for."""

Needs = tuple[tuple[str, ...], ...]
"""Alternatives of inputs."""


@dataclass(frozen=True, slots=True)
class Step:
    """One source to ask, what it may answer, and the goals for which it is asked: what is wanted, or an input of others.

    `feeds`: the needs of the sources for whose sake alone it is asked; () where it gives something wanted.
    """

    source: EnrichmentSource
    adapter: Source
    gives: frozenset[str]
    goals: frozenset[str]
    feeds: tuple[Needs, ...] = ()

    def is_needless(self, subject: Subject) -> bool:
        """Whether the sources for whose sake it is asked can be asked about the subject without it."""
        return bool(self.feeds) and all(has_inputs(subject, needs) for needs in self.feeds)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A source that is not asked, and why."""

    source: EnrichmentSource
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order they are taken, and what was left out."""

    steps: tuple[Step, ...]
    left_out: tuple[LeftOut, ...]


def provides(source: EnrichmentSource, adapter: Source) -> frozenset[str]:
    """The attributes a source may claim: its adapter's, or those its user mapped."""
    mapped = source.settings.get("mapping", {}) if adapter.template else {}
    return frozenset(adapter.provides) | {slug for slug in mapped.values() if slug}


def make_plan(
    *,
    kind: Kind,
    sources: Iterable[EnrichmentSource],
    adapters: Mapping[str, Source],
    keys: Mapping[str, bool],
    wanted: Sequence[str] = (),
    chosen: Sequence[str] = (),
    is_paid_held: bool = False,
) -> Plan:
    """Order the sources by rank, a source after those whose answers it needs.

    `keys` says of each slug that needs a key whether there is one. Empty `wanted` means everything,
    empty `chosen` every source that is on. `is_paid_held`: no source that costs anything is asked.
    """
    candidates: list[Step] = []
    left_out: list[LeftOut] = []
    for source in sorted(sources, key=lambda row: (row.rank, row.slug)):
        if not source.adapter or (chosen and source.slug not in chosen):
            continue
        found = adapters.get(source.adapter)
        adapter = found.configured(source.settings) if found else None
        reason = _reason(source, adapter, kind, keys, is_chosen=bool(chosen))
        if not reason and is_paid_held and source.cost:
            reason = "is held after a restore: confirm under Preferences"
        if reason or adapter is None:
            left_out.append(LeftOut(source, reason))
            continue
        given = frozenset(slug for slug in provides(source, adapter) if _is_of(kind, slug))
        candidates.append(Step(source, adapter, given, given))
    steps = _chained(candidates, kind, frozenset(wanted))
    kept = {step.source.slug for step in steps}
    left_out += [
        LeftOut(step.source, "gives none of the wanted attributes")
        for step in candidates
        if step.source.slug not in kept
    ]
    return Plan(tuple(steps), tuple(left_out))


def _reason(
    source: EnrichmentSource, adapter: Source | None, kind: Kind, keys: Mapping[str, bool], *, is_chosen: bool
) -> str:
    if adapter is None:
        return f"its adapter {source.adapter} is not installed"
    if not source.is_enabled and not is_chosen:
        return "is off"
    if kind not in adapter.kinds:
        return f"knows nothing of {kind.value}s"
    if not keys.get(source.slug, True):
        return "has no key"
    return ""


def _is_of(kind: Kind, slug: str) -> bool:
    """Whether such records have the attribute; what the catalogue does not name may be anybody's."""
    return slug not in BY_SLUG or kind in BY_SLUG[slug].kinds


def _chained(candidates: Sequence[Step], kind: Kind, wanted: frozenset[str]) -> list[Step]:
    """The steps that give what is wanted, and those that tell an input such a step must have, in their order."""
    inputs = _Inputs(candidates, kind)
    aims = {step.source.slug: step for step in candidates if not wanted or step.gives & wanted}
    todo, goals = dict(aims), set(wanted)
    waits: dict[str, set[str]] = {}
    feeds: dict[str, dict[Needs, None]] = {}
    while open_ := [step for slug, step in todo.items() if slug not in waits]:
        for step in open_:
            lacking = inputs.of(step)
            givers = {each.source.slug: each for name in sorted(lacking) for each in inputs.givers(name)}
            waits[step.source.slug] = set(givers)
            for slug in givers:
                feeds.setdefault(slug, {})[step.adapter.needs] = None
            todo |= givers
            goals |= lacking
    steps = [
        replace(
            step,
            goals=step.gives & goals if wanted else step.gives,
            feeds=() if slug in aims else tuple(feeds[slug]),
        )
        for slug, step in todo.items()
    ]
    return _ordered(steps, waits)


def _ordered(steps: Sequence[Step], waits: Mapping[str, set[str]]) -> list[Step]:
    """By rank, but a step waits for those who tell its inputs."""
    open_steps = {step.source.slug: step for step in sorted(steps, key=_by_rank)}
    ordered: list[Step] = []
    while open_steps:
        ready = next(slug for slug in open_steps if not waits[slug] & open_steps.keys())
        ordered.append(open_steps.pop(ready))
    return ordered


def _by_rank(step: Step) -> tuple[int, str]:
    """The best of its ranks for what it is asked for."""
    ranks = [step.source.rule(goal).rank for goal in step.goals]
    return min(ranks, default=step.source.rank), step.source.slug


@dataclass(frozen=True, slots=True, order=True)
class _Price:
    """What it takes at least to have an input: others that no source tells, then money, credits, questions."""

    untold: int = 0
    usd: Decimal = Decimal(0)
    credits: int = 0
    questions: int = 0

    def __add__(self, other: _Price) -> _Price:
        return _Price(
            self.untold + other.untold,
            self.usd + other.usd,
            self.credits + other.credits,
            self.questions + other.questions,
        )


_KNOWN, _UNTOLD, _NEVER = _Price(), _Price(untold=1), _Price(untold=10**6)


class _Inputs:
    """Which inputs sources must have of others, and who tells them at the least cost.

    Of a source's alternatives the cheapest is meant, of equals the first: one that records have costs nothing.
    An input is asked of all who tell it right away, and of whoever ends the cheapest chain to it. Each link of such a
    chain costs more than the one before, so that no chain bites its tail; what only a circle tells, nobody tells.
    """

    def __init__(self, candidates: Sequence[Step], kind: Kind) -> None:
        self._candidates = candidates
        self._needs = {
            step.source.slug: [
                frozenset(identity_slug(kind, name) for name in need) for need in step.adapter.needs
            ]
            for step in candidates
        }
        self._names = {name for needs in self._needs.values() for need in needs for name in need}
        told = {slug for step in candidates for slug in step.gives}
        self._usual = frozenset(identity_slug(kind, name) for name in USUAL)
        self._prices = dict.fromkeys(self._names - told, _UNTOLD) | dict.fromkeys(self._usual, _KNOWN)
        while cheaper := self._cheaper():
            self._prices |= cheaper

    def of(self, step: Step) -> frozenset[str]:
        """The inputs that the step must have of others."""
        return min(self._needs[step.source.slug], key=self._price, default=frozenset()) - self._usual

    def givers(self, name: str) -> list[Step]:
        """Who is asked for an input, by rank."""
        telling = [step for step in self._candidates if name in step.gives]
        if name not in self._prices or not telling:
            return []
        cheapest = min(telling, key=self._through)
        return [step for step in telling if step is cheapest or not self.of(step)]

    def _price(self, names: Iterable[str]) -> _Price:
        return sum((self._prices.get(name, _NEVER) for name in names), _KNOWN)

    def _through(self, step: Step) -> _Price:
        """What an answer of the step costs, with all that it must have."""
        source = step.source
        own = _Price(usd=source.cost * source.credit_price, credits=source.cost, questions=1)
        return self._price(self.of(step)) + own

    def _cheaper(self) -> dict[str, _Price]:
        """Inputs that some step tells for less than what is known so far."""
        found: dict[str, _Price] = {}
        for step in self._candidates:
            price = self._through(step)
            for name in step.gives & self._names if price < _NEVER else ():
                if price < min(found.get(name, _NEVER), self._prices.get(name, _NEVER)):
                    found[name] = price
        return found
