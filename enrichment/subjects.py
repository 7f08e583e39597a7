"""Records as subjects: what a source may be asked with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm.models import Contact, Record
from sources.attributes import IDENTITY, Kind
from sources.contract import Subject


def subject_of(record: Record, *, row: Mapping[str, str] | None = None) -> Subject:
    """A record reduced to its identity and known values; a contact without a domain has its account's.

    `row`: the cells of the spreadsheet row that is about it.
    """
    known = {slug: entry["value"] for slug, entry in record.current_values.items()}
    domain = record.domain or str(known.get("domain") or "")
    if not domain and isinstance(record, Contact) and record.account:
        domain = record.account.domain
    aliases = [known["legal_name"]] if known.get("legal_name") else []
    aliases += [name for name in known.get("former_names") or [] if isinstance(name, str)]
    linkedin = "company_linkedin_url" if record.kind is Kind.ACCOUNT else "linkedin_url"
    return Subject(
        kind=record.kind,
        name=record.name or str(known.get("name") or ""),
        domain=domain,
        linkedin_url=record.linkedin_url or str(known.get(linkedin) or ""),
        email=record.email or str(known.get("email") or ""),
        city=record.city or str(known.get("city") or ""),
        country=record.country or str(known.get("country") or ""),
        aliases=tuple(aliases),
        known=known,
        row=row or {},
    )


def asked_subject(question: Mapping[str, Any]) -> Subject:
    """The subject of a question in the ledger, as far as its source was told of it."""
    told: dict[str, Any] = {name: str(question.get(name) or "") for name in IDENTITY}
    return Subject(kind=Kind(question["kind"]), **told, known=question)


def has_inputs(subject: Subject, needs: tuple[tuple[str, ...], ...]) -> bool:
    """Whether a subject has all inputs of at least one alternative."""
    return any(all(subject.told(name) for name in need) for need in needs)
