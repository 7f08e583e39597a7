"""Tools that read: sources, attributes, records, their references and history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from crm.models import Contact
from crm.reconcile.entities import id_of
from enrichment.agents.selecting import FILTERS, KIND, SHEET, TEXT, attribute, found, kind_of, record
from enrichment.agents.tools import PAGED, WORDS, Agent, Tool, page, paged, short, takes
from enrichment.keys import key_of, key_variable
from enrichment.models import EnrichmentSource
from enrichment.plan import provides
from enrichment.queries import attributes_of, current, history, ordering_of
from enrichment.queries.shown import Claim, Shown
from sources import registry
from sources.attributes import Kind

_MOST_CONTACTS = 10


def list_sources(agent: Agent, told: Mapping[str, Any]) -> dict[str, Any]:
    """Sources that can be asked, most trusted first."""
    adapters = registry.adapters()
    kind = Kind(told["kind"]) if told.get("kind") else None
    rows = [
        row
        for row in EnrichmentSource.objects.exclude(adapter="").order_by("rank", "slug")
        if row.adapter in adapters and (kind is None or kind in adapters[row.adapter].kinds)
    ]
    if not told.get("also_off"):
        rows = [row for row in rows if row.is_enabled]
    return paged("sources", rows, told, lambda row: _source(row, adapters[row.adapter]))


def _source(row: EnrichmentSource, adapter: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "source": row.slug, "about": sorted(kind.value for kind in adapter.kinds), "on": row.is_enabled,
        "needs": [list(each) for each in adapter.needs], "gives": sorted(provides(row, adapter)),
        "credits_a_question": row.cost, "refreshed": row.cadence,
    }  # fmt: skip
    if adapter.secret and not key_of(row.slug, adapter):
        answer["missing"] = f"its key: a person must set {key_variable(row.slug, adapter)}"
    if row.paused_until and row.paused_until > timezone.now():
        answer["paused"] = f"until {_day(row.paused_until)}: {row.paused_reason}"
    return answer


def list_attributes(agent: Agent, told: Mapping[str, Any]) -> dict[str, Any]:
    """The catalogue of a kind of records, narrowed by a text."""
    text = str(told.get("text") or "").casefold()
    rows = [
        each
        for each in attributes_of(kind_of(told)).values()
        if text in " ".join((each.slug, each.label, each.description, *each.aliases)).casefold()
    ]
    return paged(
        "attributes", rows, told,
        lambda each: {"attribute": each.slug, "type": each.type.value}
        | ({"unit": each.unit} if each.unit else {})
        | ({"means": each.description} if each.description else {}),
    )  # fmt: skip


def find_records(agent: Agent, told: Mapping[str, Any]) -> dict[str, Any]:
    """Records that a text and conditions leave, with the values asked for."""
    kind = kind_of(told)
    shown = [attribute(name, kind).slug for name in told.get("attributes") or ()]
    rows, (start, end) = found(kind, told), page(told)
    total = rows.order_by().count()
    if told.get("sort_by"):
        by = attribute(told["sort_by"], kind)
        rows = rows.annotate(sorted_by=ordering_of(by.slug, by))
        order = (
            F("sorted_by").desc(nulls_last=True)
            if told.get("descending")
            else F("sorted_by").asc(nulls_last=True)
        )
        rows = rows.order_by(order, "pk")
    answer = {"total": total, "records": [_brief(each, shown) for each in rows[start:end]]}
    return answer | ({"next_cursor": end} if end < total else {})


def _brief(row: Any, shown: list[str]) -> dict[str, Any]:
    told = {"id": id_of(row), "name": str(row)}
    told |= {name: getattr(row, name) for name in ("domain", "email") if getattr(row, name)}
    values = {slug: short(row.value(slug)) for slug in shown if slug in row.current_values}
    return told | ({"values": values} if shown else {})


def get_record(agent: Agent, told: Mapping[str, Any]) -> dict[str, Any]:
    """A record's current values with their sources and references."""
    row = record(told["id"])
    wanted = {attribute(name, row.kind).slug for name in told.get("attributes") or ()}
    values = [each for each in current(row) if not wanted or each.slug in wanted]
    about: dict[str, Any] = {"id": id_of(row), "name": str(row), "kind": row.kind.value}
    if isinstance(row, Contact):
        about |= {"account": {"id": id_of(row.account), "name": str(row.account)}} if row.account else {}
    else:
        people = row.contacts.order_by("pk")[: _MOST_CONTACTS + 1]
        about["contacts"] = [{"id": id_of(each), "name": str(each)} for each in people[:_MOST_CONTACTS]]
    answer = about | paged("values", values, told, _value)
    if missing := sorted(wanted - {each.slug for each in values}):
        answer["unknown"] = missing
        answer["next"] = "Nothing is known of these; plan_run says who could be asked."
    return answer


def _value(each: Shown) -> dict[str, Any]:
    told: dict[str, Any] = {"attribute": each.slug, "value": short(each.value)}
    if each.unit:
        told["unit"] = each.unit
    told |= {
        "source": each.source, "references": short(list(each.references)), "since": _day(each.created_at),
        "checked": _day(each.updated_at),
    }  # fmt: skip
    return told | ({"pinned": True} if each.is_pinned else {})


def get_history(agent: Agent, told: Mapping[str, Any]) -> dict[str, Any]:
    """All claims about a record, of every source, newest first."""
    row = record(told["id"])
    slug = attribute(told["attribute"], row.kind).slug if told.get("attribute") else None
    return {"id": id_of(row), "name": str(row)} | paged("claims", history(row, slug), told, _claim)


def _claim(each: Claim) -> dict[str, Any]:
    told: dict[str, Any] = {
        "attribute": each.slug, "value": short(each.value), "source": each.source,
        "references": short(list(each.references)), "first_seen": _day(each.first_seen_at), "state": each.state,
    }  # fmt: skip
    ended = each.retracted_at or each.superseded_at
    return told | ({"until": _day(ended)} if ended else {}) | ({"run": each.run} if each.run else {})


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


_ID = {"type": "string", "maxLength": 40, "description": "A record id such as account-12."}

TOOLS = (
    Tool(
        "find_records",
        "Find companies or people of the CRM by text and by conditions on their values; shows the attributes you name.",
        takes(
            kind=KIND, text=TEXT, filters=FILTERS, sheet=SHEET, **PAGED,
            attributes=WORDS | {"description": "Attributes to show, such as funding_stage."},
            sort_by={"type": "string", "maxLength": 60, "description": "An attribute."},
            descending={"type": "boolean"},
        ),
        find_records,
    ),
    Tool(
        "get_record",
        "Read one record: each current value with its source, the references that prove it, and when it was last checked.",
        takes("id", id=_ID, attributes=WORDS, **PAGED),
        get_record,
    ),
    Tool(
        "get_history",
        "Read every claim ever made about a record, by all sources: what was believed before, and what other sources say.",
        takes("id", id=_ID, attribute={"type": "string", "maxLength": 60}, **PAGED),
        get_history,
    ),
    Tool(
        "list_attributes",
        "List the facts that records can have, with types and units. Dates compare as 2026-10-01, money is in USD.",
        takes(kind=KIND, text={"type": "string", "maxLength": 60, "description": "Part of a name or meaning."}, **PAGED),
        list_attributes,
    ),
    Tool(
        "list_sources",
        "List the sources that can be asked, most trusted first: what each needs, gives and costs.",
        takes(kind=KIND, also_off={"type": "boolean", "description": "Also those that are turned off."}, **PAGED),
        list_sources,
    ),
)  # fmt: skip
