"""Which sources are asked, in which order, and why others are left out: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from enrichment.models import EnrichmentSource
from sources.attributes import BY_SLUG, IDENTITY, Kind
from sources.contract import Source


@dataclass(frozen=True, slots=True)
class Step:
    """One source to ask, what it may answer, and the goals for which it is asked: what is wanted, or an input of others."""

    source: EnrichmentSource
    adapter: Source
    gives: frozenset[str]
    goals: frozenset[str]


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
    needed = _needed(candidates, wanted)
    kept = {step.source.slug for step in needed}
    left_out += [
        LeftOut(step.source, "gives none of the wanted attributes")
        for step in candidates
        if step.source.slug not in kept
    ]
    return Plan(tuple(_ordered(needed)), tuple(left_out))


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


def _needed(candidates: Sequence[Step], wanted: Sequence[str]) -> list[Step]:
    """The steps that give what is wanted, or an input of such a step."""
    if not wanted:
        return list(candidates)
    goals = set(wanted)
    needed: list[Step] = []
    grown = True
    while grown:
        grown = False
        for step in candidates:
            if step not in needed and step.gives & goals:
                needed.append(step)
                goals |= _inputs(step.adapter)
                grown = True
    return [replace(step, goals=step.gives & goals) for step in needed]


def _inputs(adapter: Source) -> set[str]:
    """The attributes that others are asked for so that a source can be asked: none when a name or domain will do."""
    if any(set(need) <= set(IDENTITY) for need in adapter.needs):
        return set()
    return {name for need in adapter.needs for name in need} - set(IDENTITY)


def _is_of(kind: Kind, slug: str) -> bool:
    """Whether such records have the attribute; what the catalogue does not name may be anybody's."""
    return slug not in BY_SLUG or kind in BY_SLUG[slug].kinds


def _ordered(steps: list[Step]) -> list[Step]:
    """By rank, but a step waits for those that give an input it cannot do without."""
    open_steps = sorted(steps, key=lambda step: (step.source.rank, step.source.slug))
    ordered: list[Step] = []
    while open_steps:
        given_later = frozenset(slug for step in open_steps for slug in step.gives) - set(IDENTITY)
        ready = next(
            (
                step
                for step in open_steps
                if any(not set(need) & (given_later - step.gives) for need in step.adapter.needs)
            ),
            open_steps[0],
        )
        open_steps.remove(ready)
        ordered.append(ready)
    return ordered
