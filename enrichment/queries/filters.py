"""Records by their values: one meaning on SQLite and PostgreSQL, over the JSON of current values."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from django.db.models import BooleanField, CharField, F, FloatField, Func, Q, QuerySet, TextChoices, Value
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    IContains,
    IExact,
    IRegex,
    LessThan,
    Lookup,
)

from crm.models import Record
from enrichment.queries.catalogue import describe
from sources.attributes import Attribute, Type
from sources.cleaning import clean

R = TypeVar("R", bound=Record)

_SLUG = re.compile(r"[a-z0-9_]{1,60}")
_NUMBERS = {Type.INTEGER, Type.DECIMAL, Type.PERCENT, Type.MONEY, Type.YEAR}
_COMPARISONS: dict[str, type[Lookup[Any]]] = {"gt": GreaterThan, "lt": LessThan}


class Op(TextChoices):
    """How a value is compared."""

    IS = "is", "is"
    IS_NOT = "is_not", "is not"
    CONTAINS = "contains", "contains"
    GT = "gt", "is over"
    LT = "lt", "is under"
    EMPTY = "empty", "has no value"
    FILLED = "filled", "has a value"


class _AtPath(Func):
    """SQL over the value of one attribute; `{column}` and `{path}` are put into the templates."""

    sqlite = postgres = ""

    def __init__(self, slug: str, *extra: Any) -> None:
        super().__init__(F("current_values"), *extra, output_field=self.result())
        self.slug = slug

    @staticmethod
    def result() -> Any:
        return CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:
        return self._write(self.sqlite, f"""'$."{self.slug}"."value"'""", compiler)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:
        return self._write(self.postgres, f"'{{{self.slug},value}}'", compiler)

    def _write(self, template: str, path: str, compiler: Any) -> tuple[str, tuple[Any, ...]]:
        column, *extra = [compiler.compile(source) for source in self.source_expressions]
        params = tuple(param for _, found in extra for param in found)
        return template.replace("{column}", column[0]).replace("{path}", path), params


class _Text(_AtPath):
    """The value as text; a list as its JSON."""

    sqlite = (
        "CASE json_type({column}, {path}) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' "
        "ELSE CAST(json_extract({column}, {path}) AS TEXT) END"
    )
    postgres = "({column} #>> {path})"


class _SortedText(_Text):
    """The value as text in the order of its bytes, so that ISO days sort as days everywhere."""

    postgres = '({column} #>> {path}) COLLATE "C"'


class _Number(_AtPath):
    """The value as a number; NULL when it is none."""

    sqlite = (
        "CASE WHEN json_type({column}, {path}) IN ('integer', 'real') "
        "THEN CAST(json_extract({column}, {path}) AS REAL) END"
    )
    postgres = "CASE WHEN jsonb_typeof({column} #> {path}) = 'number' THEN ({column} #>> {path})::double precision END"

    @staticmethod
    def result() -> Any:
        return FloatField()


class _HasElement(_AtPath):
    """Whether an element of a list equals a text, whatever its case."""

    sqlite = "EXISTS (SELECT 1 FROM json_each({column}, {path}) WHERE value LIKE %s ESCAPE '\\')"
    postgres = (
        "EXISTS (SELECT 1 FROM jsonb_array_elements_text(CASE WHEN jsonb_typeof({column} #> {path}) = 'array' "
        "THEN {column} #> {path} ELSE '[]' END) AS element WHERE element ILIKE %s)"
    )

    @staticmethod
    def result() -> Any:
        return BooleanField()


def filter_by_value(queryset: QuerySet[R], slug: str, op: str, text: str = "") -> QuerySet[R]:
    """The records whose current value of `slug` compares to `text` as `op` says.

    Numbers compare as numbers, dates as ISO days, lists by their elements, text whatever its case.
    `is_not` keeps every record that `is` leaves out, those without a value too. Raises ValueError
    with one sentence when `text` cannot be such a value or the attribute or comparison is unknown.
    """
    if not _SLUG.fullmatch(slug) or op not in Op.values:
        raise ValueError(f"'{slug} {op}' is not a filter.")
    if op in (Op.EMPTY, Op.FILLED):
        has_value = Q(current_values__has_key=slug)
        return queryset.filter(has_value if op == Op.FILLED else ~has_value)
    attribute = describe([slug])[slug]
    if not text.strip():
        raise ValueError(f"Write what {attribute.label} is compared to.")
    if op == Op.IS_NOT:
        return queryset.exclude(pk__in=filter_by_value(queryset.order_by(), slug, Op.IS, text).values("pk"))
    if attribute.type is Type.LIST:
        return _filter_list(queryset, attribute, op, text.strip())
    if attribute.type in _NUMBERS:
        return _filter_numbers(queryset, attribute, op, text)
    return _filter_text(queryset, attribute, op, text.strip())


def ordering_of(slug: str, attribute: Attribute) -> Func:
    """An expression that sorts records by their value of an attribute."""
    return _Number(slug) if attribute.type in _NUMBERS else _SortedText(slug)


def _filter_list(queryset: QuerySet[R], attribute: Attribute, op: str, text: str) -> QuerySet[R]:
    if op in (Op.GT, Op.LT):
        raise ValueError(f"{attribute.label} is a list: ask what it contains.")
    pattern = re.sub(r"([\\%_])", r"\\\1", text)
    return queryset.filter(_HasElement(attribute.slug, Value(pattern)))


def _filter_numbers(queryset: QuerySet[R], attribute: Attribute, op: str, text: str) -> QuerySet[R]:
    value = _cleaned(attribute, text)
    if value is None:
        raise ValueError(f"{attribute.label} is a number; '{text[:50]}' is none.")
    compare = _COMPARISONS.get(op, Exact)
    return queryset.filter(compare(_Number(attribute.slug), value))


def _filter_text(queryset: QuerySet[R], attribute: Attribute, op: str, text: str) -> QuerySet[R]:
    found = _Text(attribute.slug)
    if op == Op.CONTAINS:
        return queryset.filter(_folded(IContains, found, text))
    value = _cleaned(attribute, text)
    if value is None:
        if attribute.type is Type.DATE:
            raise ValueError(f"{attribute.label} is a date; write it as 2025-01-31.")
        value = text
    wanted = str(value).lower() if isinstance(value, bool) else str(value)
    if op == Op.IS:
        return queryset.filter(_folded(IExact, found, wanted))
    return queryset.filter(_COMPARISONS[op](_SortedText(attribute.slug), wanted))


def _folded(lookup: type[Lookup[Any]], found: Func, text: str) -> Lookup[Any]:
    """A comparison whatever the case; SQLite folds letters beyond ASCII only in regular expressions."""
    if text.isascii():
        return lookup(found, text)
    pattern = re.sub(r"([^\w\s])", r"\\\1", text)
    return IRegex(found, pattern if lookup is IContains else f"^{pattern}$")


def _cleaned(attribute: Attribute, text: str) -> Any:
    try:
        return clean(attribute, text)
    except ValueError:
        return None
