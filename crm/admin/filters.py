"""Filters of the record lists: by any attribute's value, by sheet, by what people wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from unfold.contrib.filters.admin import DropdownFilter

from crm.models import Record, Sheet
from enrichment.queries import Op, attributes_of, filter_by_value, texts_in_use
from sources.attributes import Attribute

_NAMES = ("attribute", "op", "text")
_BLANK_ROWS = 2
_CHOICES_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Condition:
    """One wanted value: `slug` compares to `text` as `op` says."""

    slug: str
    op: str = Op.IS.value
    text: str = ""

    def read(self, attributes: dict[str, Attribute]) -> str:
        """The condition as people say it."""
        label = attributes[self.slug].label if self.slug in attributes else self.slug
        op = Op(self.op).label if self.op in Op.values else self.op
        return f"{label} {op} {self.text}".strip()


class ValueFilter(admin.ListFilter):
    """By the current values of any attributes, several at once.

    The address holds three lists of equal length: ?attribute=headcount&op=gt&text=200&attribute=…
    """

    title = "value"
    template = "footnote/value_filter.html"

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: type[Record], model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.request = request
        self.attributes = attributes_of(model.kind)
        for name in _NAMES:
            self.used_parameters[name] = params.pop(name, [])
        self.conditions = read_conditions(request.GET)

    def has_output(self) -> bool:
        """Always shown."""
        return True

    def expected_parameters(self) -> list[str | None]:
        """The three lists of the address."""
        return list(_NAMES)

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """What the form shows: a row for each condition, and blank ones."""
        yield {
            "rows": [*self.conditions, *[Condition("")] * _BLANK_ROWS],
            "attributes": list(self.attributes.values()),
            "ops": Op.choices,
        }

    def chips(self) -> list[tuple[str, str]]:
        """The conditions in force as people say them, each with the address of the list without it."""
        return [
            (condition.read(self.attributes), without(self.request.GET, place))
            for place, condition in enumerate(self.conditions)
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The records that fit; none, with a message, when a condition makes no sense."""
        for condition in self.conditions:
            try:
                queryset = filter_by_value(queryset, condition.slug, condition.op, condition.text)
            except ValueError as error:
                messages.error(request, str(error))
                return queryset.none()
        return queryset


def read_conditions(query: QueryDict) -> tuple[Condition, ...]:
    """The conditions that the three lists of an address spell; rows without an attribute are blank."""
    rows = zip_longest(*(query.getlist(name) for name in _NAMES), fillvalue="")
    return tuple(Condition(slug, op or Op.IS.value, text.strip()) for slug, op, text in rows if slug)


def without(query: QueryDict, place: int) -> str:
    """The address's query without its condition number `place`."""
    kept = query.copy()
    conditions = read_conditions(query)
    left = [condition for number, condition in enumerate(conditions) if number != place]
    kept.setlist("attribute", [condition.slug for condition in left])
    kept.setlist("op", [condition.op for condition in left])
    kept.setlist("text", [condition.text for condition in left])
    kept.pop("p", None)
    return f"?{kept.urlencode()}"


class SheetFilter(DropdownFilter):  # type: ignore[misc]
    """By the sheet a record is in."""

    title = "sheet"
    parameter_name = "sheet"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The newest sheets of this kind of record."""
        sheets = Sheet.objects.filter(kind=model_admin.model.kind.value)
        return [(str(pk), name) for pk, name in sheets.values_list("pk", "name")[:_CHOICES_SHOWN]]

    def has_output(self) -> bool:
        """Shown while there are sheets, and while one is chosen."""
        return bool(self.lookup_choices or self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The records of the chosen sheet."""
        if not self.value():
            return queryset
        if not str(self.value()).isdecimal():
            return queryset.none()
        return queryset.filter(entries__sheet=self.value())


class _WrittenFilter(DropdownFilter):  # type: ignore[misc]
    """By a column that people fill in freely."""

    parameter_name: Literal["priority", "segment"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The texts in use."""
        return [(text, text) for text in texts_in_use(model_admin.model, self.parameter_name, _CHOICES_SHOWN)]

    def has_output(self) -> bool:
        """Shown while the column is in use, and while a text is chosen."""
        return bool(self.lookup_choices or self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The records with the chosen text; that it is not blank lets SQLite take the index."""
        if not self.value():
            return queryset
        column = self.parameter_name
        return queryset.filter(**{column: self.value()}).exclude(**{column: ""})


class SegmentFilter(_WrittenFilter):
    """By segment."""

    title = "segment"
    parameter_name: Literal["priority", "segment"] = "segment"


class PriorityFilter(_WrittenFilter):
    """By priority."""

    title = "priority"
    parameter_name: Literal["priority", "segment"] = "priority"
