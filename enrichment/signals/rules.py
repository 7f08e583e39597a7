"""Whether a change of a value is worth a signal: pure rules over two values of one attribute."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from enrichment.models.signal import Strength, When
from sources.attributes import Attribute, Type
from sources.display import display

_NUMBERS = frozenset({Type.INTEGER, Type.DECIMAL, Type.PERCENT, Type.MONEY, Type.YEAR})
FITTING = {
    When.RISES: _NUMBERS | {Type.DATE, Type.STAGE},
    When.FALLS: _NUMBERS,
    When.REACHES: _NUMBERS,
    When.ADDED: frozenset({Type.LIST}),
    When.REMOVED: frozenset({Type.LIST}),
    When.CHANGED: frozenset(Type),
}
"""Which types of attributes a rule can look at."""

_ROUNDS = ("Pre-Seed", "Angel", "Seed", *(f"Series {letter}" for letter in "ABCDEFGHIJ"), "IPO", "Post-IPO")
_NO_ROUNDS = frozenset({"Acquired", "Bootstrapped", "Other", "Public", "Subsidiary"})
_SHOWN_ITEMS, _SHOWN_TEXT = 5, 100
_STEPS = tuple(Strength)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule looks for; see `SignalRule` for the meaning of each part."""

    when: When
    threshold: float | None = None
    least: float | None = None
    words: tuple[str, ...] = ()
    strength: Strength = Strength.MEDIUM
    first_values: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What a rule saw: how strong it is, and what happened, as the end of a sentence about the record."""

    strength: Strength
    text: str


def judge(rule: Rule, attribute: Attribute, old: Any, new: Any) -> Seen | None:
    """What the rule sees in a change from `old` (None: nothing was known) to `new`; None when nothing."""
    if attribute.type not in FITTING[rule.when] or (old is None and not rule.first_values):
        return None
    return _JUDGES[rule.when](rule, attribute, old, new)


def is_same(attribute: Attribute, old: Any, new: Any) -> bool:
    """Whether two values say the same: capitals, punctuation and the order of a list make no difference."""
    if attribute.type is Type.LIST:
        return _entries(attribute, old).keys() == _entries(attribute, new).keys()
    if attribute.type is Type.TEXT:
        return _folded(str(old)) == _folded(str(new))
    return bool(old == new)


def _rises(rule: Rule, attribute: Attribute, old: Any, new: Any) -> Seen | None:
    name = _name(attribute)
    if attribute.type is Type.STAGE:
        is_later = new not in _NO_ROUNDS and (old is None or _is_later_stage(old, new))
        return _told(rule, attribute, old, new, "moved") if is_later else None
    if attribute.type is Type.DATE:
        is_later = old is None or (_day(new) - _day(old)).days >= max(rule.least or 0, 1)
        return _told(rule, attribute, old, new, "moved") if is_later else None
    if old is None:
        return None if rule.threshold or rule.least else _told(rule, attribute, old, new, "")
    percent = _moved(rule, old, new, new - old)
    if percent is None:
        return None
    return Seen(
        _stepped(rule, percent),
        f"{name} rose{_by(percent)} from {_show(attribute, old)} to {_show(attribute, new)}",
    )


def _falls(rule: Rule, attribute: Attribute, old: Any, new: Any) -> Seen | None:
    percent = None if old is None else _moved(rule, old, new, old - new)
    if percent is None:
        return None
    text = f"{_name(attribute)} fell{_by(percent)} from {_show(attribute, old)} to {_show(attribute, new)}"
    return Seen(_stepped(rule, percent), text)


def _moved(rule: Rule, old: float, new: float, distance: float) -> float | None:
    """By how many percent of `old` it moved; None when that is too little, infinite from nothing."""
    if distance <= 0 or distance < (rule.least or 0):
        return None
    percent = 100 * distance / abs(old) if old else float("inf")
    return percent if percent >= (rule.threshold or 0) else None


def _reaches(rule: Rule, attribute: Attribute, old: Any, new: Any) -> Seen | None:
    goal = rule.threshold
    if goal is None or new < goal or (old is not None and old >= goal):
        return None
    before = "" if old is None else f", up from {_show(attribute, old)}"
    return Seen(_stepped(rule, new), f"{_name(attribute)} reached {_show(attribute, new)}{before}")


def _added(rule: Rule, attribute: Attribute, old: Any, new: Any) -> Seen | None:
    known = _entries(attribute, old)
    found = [text for key, text in _entries(attribute, new).items() if key not in known]
    return _listed(rule, found, f"{_name(attribute)} gained")


def _removed(rule: Rule, attribute: Attribute, old: Any, new: Any) -> Seen | None:
    known = _entries(attribute, new)
    gone = [text for key, text in _entries(attribute, old).items() if key not in known]
    return _listed(rule, gone, f"{_name(attribute)} lost")


def _listed(rule: Rule, texts: Iterable[str], verb: str) -> Seen | None:
    named = [text for text in texts if _is_named(rule, text)]
    if not named:
        return None
    more = f" and {len(named) - _SHOWN_ITEMS} more" if len(named) > _SHOWN_ITEMS else ""
    return Seen(rule.strength, f"{verb} {', '.join(named[:_SHOWN_ITEMS])}{more}")


def _changed(rule: Rule, attribute: Attribute, old: Any, new: Any) -> Seen | None:
    if (old is not None and is_same(attribute, old, new)) or not _is_named(rule, _show(attribute, new)):
        return None
    return _told(rule, attribute, old, new, "changed")


_JUDGES: Mapping[When, Callable[[Rule, Attribute, Any, Any], Seen | None]] = {
    When.RISES: _rises,
    When.FALLS: _falls,
    When.REACHES: _reaches,
    When.ADDED: _added,
    When.REMOVED: _removed,
    When.CHANGED: _changed,
}


def _told(rule: Rule, attribute: Attribute, old: Any, new: Any, verb: str) -> Seen:
    if old is None:
        return Seen(rule.strength, f"{_name(attribute)} is {_show(attribute, new)}")
    text = f"{_name(attribute)} {verb} from {_show(attribute, old)} to {_show(attribute, new)}"
    return Seen(rule.strength, text)


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _is_later_stage(old: str, new: str) -> bool:
    """Whether `new` is a round after `old`; of rounds that have no place in the order each other one is new."""
    places = [_place(old), _place(new)]
    if None in places:
        return old != new
    before, after = (place or 0.0 for place in places)
    return after > before


def _place(stage: str) -> float | None:
    plain = stage.removesuffix("+")
    name = "Post-IPO" if plain.startswith("Post-IPO") else plain
    return _ROUNDS.index(name) + (0.5 if stage.endswith("+") else 0) if name in _ROUNDS else None


def _entries(attribute: Attribute, value: Any) -> dict[str, str]:
    """The entries of a list by what is compared: of an executive the person, whatever the title."""
    items = value if isinstance(value, list) else []
    if attribute.slug == "executives":
        return {_folded(re.split(r"[,(]", str(item))[0]): str(item) for item in items}
    return {" ".join(str(item).casefold().split()): str(item) for item in items}


def _is_named(rule: Rule, text: str) -> bool:
    """Whether one of the rule's words stands in a text."""
    folded = f" {_folded(text)} "
    return not rule.words or any(f" {_folded(word)} " in folded for word in rule.words)


def _folded(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split())


def _stepped(rule: Rule, reached: float) -> Strength:
    """The rule's strength, one step more where a number reached twice the threshold."""
    step = _STEPS.index(rule.strength) + bool(rule.threshold and reached >= 2 * rule.threshold)
    return _STEPS[min(step, len(_STEPS) - 1)]


def _by(percent: float) -> str:
    return "" if percent == float("inf") else f" by {percent:,.0f} %"


def _name(attribute: Attribute) -> str:
    """The attribute's label within a sentence; abbreviations keep their capitals."""
    label = attribute.label
    return label[0].lower() + label[1:] if label[1:2].islower() else label


def _show(attribute: Attribute, value: Any) -> str:
    text = display(attribute.slug, value, attribute)
    return text if len(text) <= _SHOWN_TEXT else f"{text[: _SHOWN_TEXT - 1]}…"
