"""Entities: records as seen in a sheet, with values under our slugs, the V1 names and the names that were asked for.

A company also shows what was asked about its chief executive, where it has nothing of that name itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from crm.models import Account, Contact, Record, Sheet, SheetEntry
from crm.profiles import names_in
from enrichment import bulk
from enrichment.asked import known_attributes
from enrichment.models import EnrichmentRun
from enrichment.names import custom_attributes
from enrichment.people import NAMED_BY, chief_executives
from enrichment.queries import newest_checks
from sources.attributes import Attribute, Kind

_MOST_PLACES = 100
Entry = dict[str, Any]
Values = Mapping[str, Entry]


def _same(slug: str) -> Callable[[Values], Entry | None]:
    return lambda values: values.get(slug)


def _written(slug: str) -> Callable[[Values], Entry | None]:
    """V1 gives these as text, whatever we keep."""
    return lambda values: values[slug] | {"value": str(values[slug]["value"])} if slug in values else None


def _website(values: Values) -> Entry | None:
    if "domain" not in values:
        return None
    url = f"https://{values['domain']['value']}"
    return values["domain"] | {"value": url, "display": url}


def _place(slug: str) -> Callable[[Values], Entry | None]:
    """A place in words, else of city and country."""

    def read(values: Values) -> Entry | None:
        parts = [values[each] for each in ("city", "country") if each in values]
        if slug in values or not parts:
            return _same(slug)(values)
        text = ", ".join(str(part["value"]) for part in parts)
        references = list(dict.fromkeys(ref for part in parts for ref in part["references"]))
        return parts[0] | {"value": text, "display": text, "references": references}

    return read


V1_NAMES: dict[Kind, dict[str, Callable[[Values], Entry | None]]] = {
    Kind.ACCOUNT: {
        "name": _same("name"),
        "website": _website,
        "linkedin": _same("company_linkedin_url"),
        "headquarters": _place("headquarters"),
        "industry": _same("industry"),
        "employees": _written("headcount"),
        "revenue": _written("revenue_range"),
    },
    Kind.CONTACT: {
        "name": _same("name"),
        "email": _same("email"),
        "linkedin": _same("linkedin_url"),
        "title": _same("job_title"),
        "company": _same("current_company"),
        "location": _place("location"),
        "mobile_phone": _same("phone"),
    },
}


def value_entries(record: Record, checked: Mapping[str, datetime]) -> dict[str, Entry]:
    """A record's current values with `updated_at`: when the source last confirmed what it knows."""
    entries: dict[str, Entry] = {}
    for slug, told in record.current_values.items():
        at = checked.get(told["source"])
        text = at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else ""
        later = at is not None and at > datetime.fromisoformat(told["created_at"])
        entries[slug] = told | {"updated_at": text if later else told["created_at"]}
    return entries


def named_entries(kind: Kind, values: Values, asked: Mapping[str, str]) -> dict[str, Entry]:
    """Entries under our slugs, the names asked for, and the V1 names; the last of these count."""
    wanted = {name: values[slug] for name, slug in asked.items() if slug in values}
    v1 = {name: entry for name, read in V1_NAMES[kind].items() if (entry := read(values))}
    return {**values, **wanted, **v1}


def record_of(entry: SheetEntry) -> Record:
    """The account or contact of an entry."""
    record: Account | Contact | None = entry.account or entry.contact
    if record is None:
        raise ValueError("a sheet entry has a record, says its constraint")
    return record


class Shaper:
    """Turns entries into entities; names are looked up once for each sheet."""

    def __init__(self, fields: Collection[str] = ()) -> None:
        self.fields = frozenset(fields)
        self._asked: dict[int, dict[str, str]] = {}
        self._of_people: dict[int, list[str]] = {}

    @cached_property
    def custom(self) -> list[Attribute]:
        """The attributes that users added."""
        return custom_attributes()

    def asked(self, sheet: Sheet) -> dict[str, str]:
        """What is asked for in a sheet: name → attribute slug."""
        if sheet.pk not in self._asked:
            names = names_in(sheet)
            self._asked[sheet.pk] = known_attributes(Kind(sheet.kind), names, self.custom) if names else {}
        return self._asked[sheet.pk]

    def asked_of_people(self, sheet: Sheet) -> list[str]:
        """What runs over a sheet of companies asked about their chief executives: attributes of people."""
        if sheet.pk not in self._of_people:
            rows = EnrichmentRun.objects.filter(sheet=sheet, kind=Kind.ACCOUNT.value).exclude(asks_next={})
            asked = (slug for told in rows.values_list("asks_next", flat=True) for slug in told["wanted"])
            self._of_people[sheet.pk] = list(dict.fromkeys(asked))
        return self._of_people[sheet.pk]

    def shape(self, entries: Sequence[SheetEntry]) -> list[dict[str, Any]]:
        """The entities of some entries, which bring sheet, profile and record along (two queries for each kind)."""
        owners: dict[Kind, list[int]] = {kind: [] for kind in Kind}
        for entry in entries:
            record = record_of(entry)
            owners[record.kind].append(record.pk)
        leads = self._leads(entries)
        owners_checked = owners | {
            Kind.CONTACT: [*owners[Kind.CONTACT], *(each.pk for each in leads.values())]
        }
        checked = {kind: newest_checks(kind, ids) if ids else {} for kind, ids in owners_checked.items()}
        places = {kind: _places(kind, ids) if ids else {} for kind, ids in owners.items()}
        return [
            self._entity(entry, checked, leads.get(entry.account_id or 0))
            | {"duplicate_info": _duplicates(entry, places[record_of(entry).kind])}
            for entry in entries
        ]

    def _leads(self, entries: Sequence[SheetEntry]) -> dict[int, Contact]:
        """Who leads the companies that name somebody, by account, where that was asked about (a query, one a sheet)."""
        naming = [
            each.account
            for each in entries
            if each.account
            and each.account.current_values.keys() & NAMED_BY.keys()
            and self.asked_of_people(each.sheet)
        ]
        return chief_executives(naming) if naming else {}

    def _entity(
        self,
        entry: SheetEntry,
        checked: Mapping[Kind, Mapping[int, Mapping[str, datetime]]],
        lead: Contact | None,
    ) -> dict[str, Any]:
        record, sheet = record_of(entry), entry.sheet
        checks = checked[record.kind].get(record.pk, {})
        values = value_entries(record, checks)
        data = named_entries(record.kind, values, self.asked(sheet))
        if lead:
            theirs = value_entries(lead, checked[Kind.CONTACT].get(lead.pk, {}))
            data = {slug: theirs[slug] for slug in self.asked_of_people(sheet) if slug in theirs} | data
        updated = max([entry.created_at, *checks.values(), *map(_moment, _times(values))])
        return {
            "pk": entry.pk, "sheet_id": sheet.pk, "sheet_name": sheet.name, "icp_id": sheet.profile_id,
            "kind": record.kind, "record_id": record.pk, "status": record.status or Record.Status.NEW,
            "data": {name: each for name, each in data.items() if not self.fields or name in self.fields},
            "comments": record.comments or None, "external_id": record.external_id or None,
            "external_source": record.external_source or None, "created_at": entry.created_at, "updated_at": updated,
        }  # fmt: skip


_Places = dict[int, list[tuple[int, int | None, str | None]]]


def _places(kind: Kind, ids: Collection[int]) -> _Places:
    """Of each record its entries in all sheets, oldest first, with id and name of the profile."""
    column = f"{kind.value}_id"
    of_records, records = bulk.any_of(f"e.{column}", ids)
    found: _Places = {}
    for owner, pk, profile, name in bulk.select(
        f"SELECT e.{column}, e.id, p.id, p.name FROM crm_sheetentry e JOIN crm_sheet s ON s.id = e.sheet_id "
        f"LEFT JOIN crm_idealcustomerprofile p ON p.id = s.profile_id WHERE {of_records} ORDER BY e.id",
        [records],
    ):
        found.setdefault(owner, []).append((pk, profile, name))
    return found


def _duplicates(entry: SheetEntry, places: _Places) -> dict[str, Any] | None:
    """In V1's words which entries show the same record: the oldest is the primary one; None: no other does."""
    (first, _, first_name), *others = places.get(record_of(entry).pk) or [(entry.pk, None, None)]
    if not others:
        return None
    is_primary = entry.pk == first
    profiles = {profile: name for _, profile, name in others if profile} if is_primary else {}
    return {
        "is_duplicate": not is_primary, "is_primary": is_primary,
        "duplicate_count": len(others) if is_primary else None,
        "duplicate_entity_ids": [pk for pk, _, _ in others[:_MOST_PLACES]] if is_primary else None,
        "duplicate_icps": [{"pk": pk, "name": name} for pk, name in profiles.items()] if is_primary else None,
        "primary_entity_id": None if is_primary else first, "primary_icp_name": None if is_primary else first_name,
    }  # fmt: skip


def _times(values: Mapping[str, Entry]) -> Iterator[str]:
    return (str(entry["updated_at"]) for entry in values.values())


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
