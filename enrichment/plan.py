"""Which sources are asked, in which order, and why others are left out: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from enrichment.models import EnrichmentSource
from sources.attributes import IDENTITY, Kind
from sources.contract import Source


@dataclass(frozen=True, slots=True)
class Step:
    """One source to ask, and the wanted attributes it may answer."""

    source: EnrichmentSource
    adapter: Source
    gives: frozenset[str]


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
        candidates.append(Step(source, adapter, provides(source, adapter)))
    needed = _needed(candidates, wanted)
    left_out += [
        LeftOut(step.source, "gives none of the wanted attributes")
        for step in candidates
        if step not in needed
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
                inputs = {name for alternative in step.adapter.needs for name in alternative}
                goals |= inputs - set(IDENTITY)
                grown = True
    return needed


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
