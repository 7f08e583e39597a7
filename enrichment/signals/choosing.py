"""Which rules see something in the changes of records; of rules that see the same, one speaks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from crm.models import Account, Contact, SheetEntry
from enrichment.models import SignalRule
from enrichment.models.signal import Strength, When
from enrichment.models.source import folded
from enrichment.queries import meant_by
from enrichment.signals.changes import Change
from enrichment.signals.rules import Rule, Seen, judge
from sources.attributes import Attribute, Kind

Found = tuple[Any, Attribute, list[Change]]
"""A record, an attribute, and the changes of its value."""

_Members = frozenset[tuple[int, str, int | None]]
"""Records with what they stand in: a sheet, its profile, and the tasks whose filters mean them."""

_ByAttribute = dict[str, tuple[Attribute, list[Change]]]


@dataclass(frozen=True, slots=True)
class Spotted:
    """A signal to be: record, rule, attribute, what was seen, and the ids of the claims before and now."""

    record: Any
    rule: SignalRule
    attribute: str
    seen: Seen
    old: int | None
    new: int

    @property
    def summary(self) -> str:
        """The whole sentence."""
        return f"{self.record}: {self.seen.text}."


class Rules:
    """The rules that are on."""

    def __init__(self, rows: Sequence[SignalRule]) -> None:
        self._rows = [(row, as_rule(row)) for row in rows]

    @property
    def attributes(self) -> frozenset[str] | None:
        """The attributes that any rule looks at; None: all."""
        if not all(row.attributes for row, _ in self._rows):
            return None
        return frozenset(slug for row, _ in self._rows for slug in row.attributes)

    @property
    def want_first_values(self) -> bool:
        """Whether any rule looks at values where nothing was known before."""
        return any(row.first_values for row, _ in self._rows)

    def spot(self, kind: Kind, found: Sequence[Found]) -> list[Spotted]:
        """What the rules see, the strongest of those that see the same (a query where rules name profiles or sheets)."""
        by_record: dict[Any, _ByAttribute] = defaultdict(dict)
        for record, attribute, moves in found:
            if news := [each for each in moves if each.is_news]:
                by_record[record][attribute.slug] = (attribute, news)
        members = self._members(kind, [record.pk for record in by_record])
        best: dict[tuple[Any, ...], Spotted] = {}
        for record, news_of in by_record.items():
            for row, rule in self._rows:
                if not _covers(row, record, members):
                    continue
                for each in _seen(row, rule, record, news_of):
                    key = (record.pk, row.type, each.attribute, row.when)
                    best[key] = max(best.get(key, each), each, key=_weight)
        return list(best.values())

    def _members(self, kind: Kind, ids: Collection[int]) -> _Members:
        """Which of the records stand in the sheets, and in sheets of the profiles, that rules name."""
        profiles = {row.profile_id for row, _ in self._rows if row.profile_id}
        sheets = {row.sheet_id for row, _ in self._rows if row.sheet_id}
        meant = self._meant(kind, ids)
        if not (profiles or sheets) or not ids:
            return meant
        owner = f"{kind.value}_id"
        named = Q(sheet__profile__in=profiles) | Q(sheet__in=sheets)
        entries = SheetEntry.objects.filter(named, **{f"{owner}__in": list(ids)}).order_by()
        rows = entries.values_list(owner, "sheet", "sheet__profile")
        return meant | frozenset(
            each for pk, sheet, profile in rows for each in ((pk, "sheet", sheet), (pk, "profile", profile))
        )

    def _meant(self, kind: Kind, ids: Collection[int]) -> _Members:
        """Which of the records are meant by the filters of tasks (one query each); one that cannot be read means nobody."""
        model = Account if kind is Kind.ACCOUNT else Contact
        filters = {row.task_id: _filters(row) for row, _ in self._rows if _filters(row)}
        found: set[tuple[int, str, int | None]] = set()
        for task, query in filters.items():
            with suppress(ValueError):  # an attribute that is no longer there
                rows = model._default_manager.filter(meant_by(kind, query), pk__in=list(ids))
                found |= {(pk, "task", task) for pk in rows.order_by().values_list("pk", flat=True)}
        return frozenset(found)


def load_rules() -> Rules:
    """The rules that are on (one query)."""
    return Rules(list(SignalRule.objects.filter(is_enabled=True).select_related("task").order_by("pk")))


def as_rule(row: SignalRule) -> Rule:
    """What the pure rules need of a row."""
    return Rule(
        when=When(row.when),
        threshold=None if row.threshold is None else float(row.threshold),
        least=None if row.least is None else float(row.least),
        words=tuple(row.words),
        strength=Strength(row.strength),
        first_values=row.first_values,
    )


def _filters(row: SignalRule) -> Any:
    """Which of the records its task watches; empty: all."""
    return row.task.config.get("entity_filters") if row.task else None


def _covers(row: SignalRule, record: Any, members: _Members) -> bool:
    if _filters(row) and (record.pk, "task", row.task_id) not in members:
        return False
    if row.profile_id and (record.pk, "profile", row.profile_id) not in members:
        return False
    if row.sheet_id and (record.pk, "sheet", row.sheet_id) not in members:
        return False
    return not row.segments or folded(record.segment) in map(folded, row.segments)


def _seen(row: SignalRule, rule: Rule, record: Any, news_of: _ByAttribute) -> Iterator[Spotted]:
    """What one rule sees of one record: of the attributes it names the first that fits, else each."""
    for slug in row.attributes or sorted(news_of):
        if slug not in news_of:
            continue
        attribute, news = news_of[slug]
        for change in reversed(news):
            earlier = change.earlier
            seen = judge(rule, attribute, earlier.value if earlier else None, change.new.value)
            if seen:
                yield Spotted(record, row, slug, seen, earlier.id if earlier else None, change.new.id)
                if row.attributes:
                    return
                break


def _weight(each: Spotted) -> tuple[int, bool]:
    """Stronger first, then the rule that is restricted; of equals the older rule stays."""
    row = each.rule
    return tuple(Strength).index(each.seen.strength), bool(
        row.task_id or row.profile_id or row.sheet_id or row.segments
    )
