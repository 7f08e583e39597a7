"""Records by a query document of MongoDB, as the V1 dialect writes `entity_filters`: the part that records have."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Q

from crm.models import Account, Contact, Record
from enrichment.names import attribute_called
from enrichment.queries.filters import Op, filter_by_value
from sources.attributes import Kind

OPERATORS = ("$eq", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte", "$exists", "$regex", "$not")
_COLUMNS = ("status", "comments", "external_id", "external_source", "priority", "segment")
_MOST = 50
_EVERYBODY, _NOBODY = ~Q(pk__in=[]), Q(pk__in=[])


def meant_by(kind: Kind, query: Any) -> Q:
    """The records of a kind that a query document means; texts are compared whatever their case.

    Names are columns of the team's own, else attributes, alone or as `data.<name>.value`. Raises ValueError with one
    sentence.
    """
    return _Reader(kind).document(query)


class _Reader:
    """Reads one query document."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.count = 0

    def document(self, told: Any) -> Q:
        """All of its conditions."""
        if not isinstance(told, Mapping):
            raise ValueError('A filter is an object, such as {"data.industry.value": "Software"}.')
        return _all(self._condition(str(name), value) for name, value in told.items())

    def _condition(self, name: str, told: Any) -> Q:
        if name in ("$and", "$or", "$nor"):
            if not isinstance(told, list) or not told:
                raise ValueError(f"{name} takes a list of filters.")
            parts = [self.document(each) for each in told]
            return _all(parts) if name == "$and" else _any(parts) if name == "$or" else ~_any(parts)
        if name.startswith("$"):
            raise ValueError(f"{name[:40]} is not understood: use $and, $or, $nor, or the name of a field.")
        field = self._field(name)
        return self._field_is(field, told)

    def _field_is(self, field: _Field, told: Any) -> Q:
        """A field compared to a value, or by operators."""
        self.count += 1
        if self.count > _MOST:
            raise ValueError(f"A filter has at most {_MOST} conditions.")
        if not isinstance(told, Mapping):
            return _is(field, told)
        return _all(self._operator(field, str(name), value, told) for name, value in told.items())

    def _operator(self, field: _Field, name: str, told: Any, beside: Mapping[str, Any]) -> Q:
        match name:
            case "$not":
                return ~self._field_is(field, told)
            case "$in" | "$nin":
                if not isinstance(told, list) or len(told) > _MOST:
                    raise ValueError(f"{name} takes a list of at most {_MOST} values.")
                found = _any(_is(field, each) for each in told)
                return found if name == "$in" else ~found
            case "$eq" | "$ne":
                return _is(field, told) if name == "$eq" else ~_is(field, told)
            case "$gt" | "$gte" | "$lt" | "$lte":
                beyond = field(Op.GT if name.startswith("$gt") else Op.LT, _text(told))
                return beyond | _is(field, told) if name.endswith("e") else beyond
            case "$exists":
                return field(Op.FILLED if told else Op.EMPTY, "")
            case "$regex":
                return field(Op.CONTAINS, _plain(told))
            case "$options" if "$regex" in beside:
                return _EVERYBODY
        raise ValueError(f"{name[:40]} is not understood: use one of {', '.join(OPERATORS)}.")

    def _field(self, name: str) -> _Field:
        """How a field of records is compared."""
        name = name.removeprefix("data.").removesuffix(".value").removesuffix(".display")
        if name in _COLUMNS:
            return lambda op, text: _column_is(name, op, text)
        slug, model = attribute_called(name, self.kind).slug, _MODELS[self.kind]
        return lambda op, text: Q(
            pk__in=filter_by_value(model._default_manager.order_by(), slug, op, text).values("pk")
        )


_Field = Callable[[str, str], Q]
"""A field of records: from a comparison (`Op`) and a text to a condition."""
_MODELS: dict[Kind, type[Record]] = {Kind.ACCOUNT: Account, Kind.CONTACT: Contact}


def _is(field: _Field, told: Any) -> Q:
    """The field has a value; null: it has none."""
    return field(Op.EMPTY, "") if told is None else field(Op.IS, _text(told))


def _column_is(column: str, op: str, text: str) -> Q:
    """A column of the team's own compared to a text; what nobody marked is new."""
    is_new = column == "status" and text.lower() == Record.Status.NEW
    match op:
        case Op.IS:
            return Q(**{f"{column}__iexact": text}) | (Q(status="") if is_new else _NOBODY)
        case Op.CONTAINS:
            return Q(**{f"{column}__icontains": text})
        case Op.EMPTY | Op.FILLED:
            return Q(**{column: ""}) if op == Op.EMPTY else ~Q(**{column: ""})
    raise ValueError(f"{column} is neither more nor less than something: ask what it is.")


def _text(told: Any) -> str:
    if isinstance(told, bool):
        return str(told).lower()
    if not isinstance(told, str | int | float):
        raise ValueError("A field is compared to a text, a number, true, false or null.")
    return str(told)


def _plain(told: Any) -> str:
    """The text that a pattern without any special character looks for."""
    text = _text(told)
    if re.escape(text).replace("\\ ", " ").replace("\\-", "-") != text:
        raise ValueError("$regex takes plain words: patterns are not understood.")
    return text


def _all(parts: Sequence[Q] | Any) -> Q:
    return reduce(and_, parts, _EVERYBODY)


def _any(parts: Sequence[Q] | Any) -> Q:
    return reduce(or_, parts, _NOBODY)
