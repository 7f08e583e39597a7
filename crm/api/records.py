"""`/v1/account` and `/v1/contact`: the records themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

from django.db import IntegrityError
from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.entities import ValueAnswer
from crm.entities import value_entries
from crm.models import Contact, Record
from crm.told import Author, OtherRecordHasIt, TellingRefused, model_of
from crm.upserts import Result, upsert, write_record
from enrichment.api.auth import caller_of
from enrichment.api.base import ApiView, found, nothing, read_body
from enrichment.api.errors import Conflict
from enrichment.api.idempotency import ONCE, made_once, once
from enrichment.api.ids import IdField
from enrichment.api.paging import PageQuery, page_of, page_serializer, read_query
from enrichment.ids import id_of
from enrichment.queries import newest_checks
from sources.attributes import Kind

_MOST_ROWS = 1000


class AnyValue(serializers.JSONField):
    """A text, number, list, true or false; null says nothing."""


def _text(length: int, **told: Any) -> Any:
    return serializers.CharField(max_length=length, required=False, allow_null=True, allow_blank=True, **told)


class AccountBody(serializers.Serializer[Any]):
    """What is told of an account; null erases nothing, an empty text empties a column of the team's own."""

    name = _text(500)
    domain = _text(2000)
    email = _text(320)
    linkedin_url = _text(2000)
    city = _text(200)
    country = _text(100)
    external_id = _text(200)
    external_source = _text(50)
    status = serializers.ChoiceField(
        choices=Record.Status.choices, required=False, allow_null=True, allow_blank=True
    )
    priority = _text(50)
    segment = _text(100)
    comments = _text(100_000)
    values = serializers.DictField(
        child=AnyValue(allow_null=True), required=False, help_text="By attribute: slug, label or alias."
    )


class ContactBody(AccountBody):
    """What is told of a contact; `account_id` is where the person works."""

    account_id = IdField(required=False, allow_null=True)


class AccountAnswer(serializers.Serializer[Any]):
    """An account with its current values."""

    id = serializers.CharField()
    name = serializers.CharField()
    domain = serializers.CharField()
    email = serializers.CharField()
    linkedin_url = serializers.CharField()
    city = serializers.CharField()
    country = serializers.CharField()
    external_id = serializers.CharField()
    external_source = serializers.CharField()
    status = serializers.CharField()
    priority = serializers.CharField()
    segment = serializers.CharField()
    comments = serializers.CharField()
    values = serializers.DictField(child=ValueAnswer())
    created_at = serializers.DateTimeField()


class ContactAnswer(AccountAnswer):
    """A contact with its current values."""

    account_id = serializers.CharField(allow_null=True)


class RecordQuery(PageQuery):
    """Which records."""

    search = serializers.CharField(
        required=False, max_length=200, help_text="Part of a name, domain or e-mail address."
    )
    external_id = serializers.CharField(required=False, max_length=200)
    external_source = serializers.CharField(required=False, max_length=50)
    domain = serializers.CharField(required=False, max_length=253)
    email = serializers.CharField(required=False, max_length=320)
    status = serializers.ChoiceField(choices=Record.Status.choices, required=False)
    priority = serializers.CharField(required=False, max_length=50)
    segment = serializers.CharField(required=False, max_length=100)


class ContactQuery(RecordQuery):
    """Which contacts."""

    account_id = IdField(required=False)


class AccountRows(serializers.Serializer[Any]):
    """Up to a thousand accounts."""

    rows = serializers.ListField(child=AccountBody(), min_length=1, max_length=_MOST_ROWS)


class ContactRows(serializers.Serializer[Any]):
    """Up to a thousand contacts."""

    rows = serializers.ListField(child=ContactBody(), min_length=1, max_length=_MOST_ROWS)


class RowAnswer(serializers.Serializer[Any]):
    """What became of a row."""

    index = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["created", "updated", "review", "error"])
    id = serializers.CharField(allow_null=True)
    strategy = serializers.CharField(help_text="How the row was matched.")
    score = serializers.FloatField(allow_null=True)
    reasons = serializers.ListField(child=serializers.CharField())
    candidates = serializers.ListField(
        child=serializers.DictField(), help_text="Whom a row in review may be about."
    )
    errors = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))  # type: ignore[assignment]


class RowsAnswer(serializers.Serializer[Any]):
    """What became of all rows, in their order."""

    results = RowAnswer(many=True)
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    review = serializers.IntegerField()
    failed = serializers.IntegerField()


_SORTABLE = {"created_at": "created_at", "id": "pk", "name": "name", "domain": "domain", "status": "status"}
_EXACT = ("external_id", "external_source", "domain", "email", "status", "priority", "segment", "account_id")
_COLUMNS = [name for name in map(str, AccountAnswer().fields) if name not in ("id", "values", "created_at")]


def _shape(records: Sequence[Record]) -> list[dict[str, Any]]:
    kind = records[0].kind if records else Kind.ACCOUNT
    checked = newest_checks(kind, [record.pk for record in records]) if records else {}
    return [_answer(record, checked.get(record.pk, {})) for record in records]


def _answer(record: Record, checked: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(record, name) for name in _COLUMNS}
    if record.kind is Kind.CONTACT:
        told["account_id"] = id_of(cast(Contact, record).account_id)
    values = value_entries(record, checked)
    return told | {"id": id_of(record.pk), "values": values, "created_at": record.created_at}


def author_of(request: Request) -> Author:
    """Who writes: the key, or the user who is logged in."""
    caller = caller_of(request)
    reference = f"api:{caller.key.prefix}" if caller.key else f"user:{caller.label}"
    return Author(name=caller.label, reference=reference, user=caller.owner, key=caller.key)


def _listed(kind: Kind, query: Mapping[str, Any]) -> QuerySet[Any]:
    rows: QuerySet[Any] = model_of(kind).objects.filter(
        **{name: query[name] for name in _EXACT if name in query}
    )
    if text := query.get("search"):
        rows = rows.filter(Q(name__icontains=text) | Q(domain__icontains=text) | Q(email__icontains=text))
    return rows


def _written(kind: Kind, request: Request, body: Any, known: Record | None = None) -> dict[str, Any]:
    try:
        record = write_record(kind, read_body(body, request), author=author_of(request), known=known)
    except TellingRefused as refused:
        raise ValidationError({field: [why] for field, why in refused.errors.items()}) from None
    except (OtherRecordHasIt, IntegrityError) as taken:
        text = str(taken) if isinstance(taken, OtherRecordHasIt) else "Another record has this external id."
        raise Conflict(text, "external_id_taken") from None
    return _shape([record])[0]


def _row_answer(place: int, result: Result) -> dict[str, Any]:
    return {
        "index": place, "status": result.status, "id": id_of(result.record), "strategy": result.strategy,
        "score": result.score, "reasons": list(result.reasons), "candidates": [_candidate(each) for each in result.candidates],
        "errors": {field: [why] for field, why in result.errors.items()},
    }  # fmt: skip


def _candidate(told: Mapping[str, Any]) -> dict[str, Any]:
    return dict(told) | ({"id": id_of(told["id"])} if isinstance(told.get("id"), int) else {})


def _list_view(kind: Kind, body: Any, answer: Any, query: Any) -> Any:
    """All records of a kind."""
    word = kind.value
    page = page_serializer(f"{word.capitalize()}Page", f"{word}s", answer(many=True))

    class Listed(ApiView):
        @extend_schema(
            operation_id=f"{word}_list", parameters=[query], responses=page, description=f"A page of {word}s."
        )
        def get(self, request: Request) -> Response:
            told = read_query(query, request)
            rows = _listed(kind, told)
            return Response(page_of(rows, told, plural=f"{word}s", shape=_shape, sortable=_SORTABLE))

        @extend_schema(
            operation_id=f"{word}_create", request=body, responses={201: answer}, parameters=[ONCE],
            description=f"Make a new {word}, whoever else has its name; to meet those that are there use bulk.",
        )  # fmt: skip
        def post(self, request: Request) -> Response:
            return made_once(request, lambda: Response(_written(kind, request, body), status=201))

    return Listed


def _one_view(kind: Kind, body: Any, answer: Any) -> Any:
    """One record of a kind."""
    word, rows = kind.value, model_of(kind).objects

    class One(ApiView):
        @extend_schema(operation_id=f"{word}_get", responses=answer, description=f"The {word}.")
        def get(self, request: Request, record_id: int) -> Response:
            return Response(_shape([found(rows.all(), record_id)])[0])

        @extend_schema(
            operation_id=f"{word}_change", request=body, responses=answer, description="Change what is given."
        )
        def patch(self, request: Request, record_id: int) -> Response:
            return Response(_written(kind, request, body, found(rows.all(), record_id)))

        @extend_schema(
            operation_id=f"{word}_update", request=body, responses=answer, description="The same as PATCH."
        )
        def put(self, request: Request, record_id: int) -> Response:
            return self.patch(request, record_id)

        @extend_schema(
            operation_id=f"{word}_delete",
            responses={204: None},
            description=f"Delete the {word} with its claims, for good.",
        )
        def delete(self, request: Request, record_id: int) -> Response:
            found(rows.all(), record_id).delete()
            return nothing()

    return One


def _bulk_view(kind: Kind, rows: Any) -> Any:
    """Many records of a kind at once."""

    class Bulk(ApiView):
        @extend_schema(
            operation_id=f"{kind.value}_bulk", request=rows, responses=RowsAnswer, parameters=[ONCE],
            description="Write each row to the record it names, or to a new one; a row that is refused leaves the others alone.",
        )  # fmt: skip
        def post(self, request: Request) -> Response:
            told = read_body(rows, request)["rows"]
            return once(request, lambda: Response(_upserted(kind, request, told)))

    return Bulk


def _upserted(kind: Kind, request: Request, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    try:
        results = upsert(kind, rows, author=author_of(request))
    except IntegrityError:
        raise Conflict(
            "An import wrote one of these external ids just now: send the rows again.", "external_id_taken"
        ) from None
    counts = Counter(each.status for each in results)
    return {
        "results": [_row_answer(place, each) for place, each in enumerate(results)], "created": counts["created"],
        "updated": counts["updated"], "review": counts["review"], "failed": counts["error"],
    }  # fmt: skip


AccountList = _list_view(Kind.ACCOUNT, AccountBody, AccountAnswer, RecordQuery)
AccountOne = _one_view(Kind.ACCOUNT, AccountBody, AccountAnswer)
AccountBulk = _bulk_view(Kind.ACCOUNT, AccountRows)
ContactList = _list_view(Kind.CONTACT, ContactBody, ContactAnswer, ContactQuery)
ContactOne = _one_view(Kind.CONTACT, ContactBody, ContactAnswer)
ContactBulk = _bulk_view(Kind.CONTACT, ContactRows)
