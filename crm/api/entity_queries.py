"""Which entities a query asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, Max, OuterRef, Prefetch, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Greatest, NullIf
from rest_framework import serializers

from crm.api.sheets import EntityTypeField
from crm.models import Record, Sheet, SheetEntry
from enrichment.api.ids import IdField
from enrichment.api.paging import PageQuery
from enrichment.api.reading import Ids, Words
from enrichment.models import Check
from enrichment.models.check import Outcome
from sources.attributes import Kind

_NEW = Record.Status.NEW.value
# The oldest clients know a status that is true or false; the first one of each is what they set.
QUALIFIED = (Record.Status.REVIEWED.value, Record.Status.CONTACTED.value)
DISQUALIFIED = (Record.Status.PASSED.value,)


STATUS = Coalesce(NullIf("account__status", Value("")), NullIf("contact__status", Value("")), Value(_NEW))
"""The status of an entry's record, to sort by."""


def _confirmed(kind: Kind) -> Subquery:
    """When a source last found something about an entry's record."""
    checks = Check.objects.filter(
        **{kind.value: OuterRef(kind.value)}, run__undone_at=None, outcome=Outcome.FOUND
    )
    return Subquery(checks.order_by().values(kind.value).annotate(newest=Max("at")).values("newest"))


UPDATED = Greatest("created_at", *(Coalesce(_confirmed(kind), "created_at") for kind in Kind))
"""When an entity last changed, to sort by."""


class StatusWords(Words):
    """Statuses in a query."""

    child = serializers.ChoiceField(choices=Record.Status.choices)


class EntityFilter(serializers.Serializer[Any]):
    """Which entities."""

    icp_id = Ids(required=False)
    sheet_id = IdField(required=False)
    entity_type = EntityTypeField(required=False)
    status = StatusWords(required=False)
    hide_duplicates = serializers.BooleanField(
        default=False, help_text="Of a record in several sheets only the first."
    )


class EntityQuery(EntityFilter, PageQuery):
    """Which entities, and which of their fields."""

    fields = Words(required=False, help_text="Only these names in `data`.")  # type: ignore[assignment]
    external_id = serializers.CharField(required=False, max_length=200)
    external_source = serializers.CharField(required=False, max_length=50, default="salesforce")
    search = serializers.CharField(required=False, max_length=200)


class SearchQuery(EntityFilter, PageQuery):
    """What is looked for."""

    q = serializers.CharField(max_length=200, help_text="Part of a name, domain or e-mail address.")


class SheetEntityQuery(PageQuery):
    """Which entities of a sheet."""

    search = serializers.CharField(required=False, max_length=200)
    status = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="true: reviewed or contacted; false: passed."
    )
    has_comments = serializers.BooleanField(required=False, allow_null=True, default=None)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)
    updated_after = serializers.DateTimeField(required=False)
    updated_before = serializers.DateTimeField(required=False)


class ExportQuery(EntityFilter):
    """Which entities go into the file."""

    entity_ids = Ids(required=False)
    format = serializers.ChoiceField(
        choices=["separate", "combined"],
        default="separate",
        help_text="A table for each entity type, or one for all.",
    )


def entries() -> QuerySet[SheetEntry]:
    """All entries with what an entity needs."""
    sheets = Prefetch("sheet", Sheet.objects.select_related("profile"))
    return SheetEntry.objects.select_related("account", "contact").prefetch_related(sheets)


def matching(query: Mapping[str, Any]) -> QuerySet[SheetEntry]:
    """The entries that a query asks for."""
    rows = entries()
    kinds = list(Kind)
    if "icp_id" in query:
        rows = rows.filter(sheet__profile__in=query["icp_id"])
    if "sheet_id" in query:
        rows = rows.filter(sheet=query["sheet_id"])
    if "entity_type" in query:
        kinds = [query["entity_type"]]
        rows = rows.filter(**{f"{kinds[0].value}__isnull": False})
    if "status" in query:
        wanted = [*query["status"], *([""] if _NEW in query["status"] else [])]
        rows = rows.filter(_any(kinds, status__in=wanted))
    if query.get("external_id"):
        ids = {"external_id": query["external_id"], "external_source__iexact": query["external_source"]}
        rows = rows.filter(_any(kinds, **ids))
    if text := query.get("search") or query.get("q"):
        rows = rows.filter(looked_for(kinds, text))
    if query.get("hide_duplicates"):
        rows = _first_ones(rows)
    return rows


def looked_for(kinds: list[Kind], text: str) -> Q:
    """Records whose name, domain or e-mail address holds a text."""
    columns = [Q(_any(kinds, **{f"{column}__icontains": text})) for column in ("name", "domain", "email")]
    return columns[0] | columns[1] | columns[2]


def of_sheet(sheet: int, kind: Kind, query: Mapping[str, Any]) -> QuerySet[SheetEntry]:
    """The entries of a sheet that a query asks for."""
    rows, record = entries().filter(sheet=sheet), kind.value
    if query.get("search"):
        rows = rows.filter(looked_for([kind], query["search"]))
    if query["status"] is not None:
        rows = rows.filter(**{f"{record}__status__in": QUALIFIED if query["status"] else DISQUALIFIED})
    if query["has_comments"] is not None:
        is_silent = Q(**{f"{record}__comments": ""})
        rows = rows.filter(~is_silent if query["has_comments"] else is_silent)
    for name, lookup in (("created_after", "gt"), ("created_before", "lt")):
        if name in query:
            rows = rows.filter(**{f"created_at__{lookup}": query[name]})
    if "updated_after" in query:
        rows = rows.filter(_changed_since(record, query["updated_after"]))
    if "updated_before" in query:
        rows = rows.exclude(_changed_since(record, query["updated_before"]))
    return rows


def _any(kinds: list[Kind], **conditions: Any) -> Q:
    """The conditions on the record, of whichever kind it is."""
    found = Q(pk__in=[])
    for kind in kinds:
        found |= Q(**{f"{kind.value}__{name}": value for name, value in conditions.items()})
    return found


def _first_ones(rows: QuerySet[SheetEntry]) -> QuerySet[SheetEntry]:
    """Of several entries of one record the oldest of those asked for."""
    plain = rows.order_by().select_related(None)
    for kind in Kind:
        earlier = plain.filter(**{kind.value: OuterRef(kind.value)}, pk__lt=OuterRef("pk"))
        rows = rows.filter(~Exists(earlier))
    return rows


def _changed_since(record: str, at: Any) -> Q:
    checks = Check.objects.filter(**{record: OuterRef(record)}, at__gt=at, run__undone_at=None)
    return Q(created_at__gt=at) | Q(Exists(checks))
