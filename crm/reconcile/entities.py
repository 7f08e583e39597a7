"""Records as the reconciliation API names them: ids such as `account-12`, types, descriptions."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Q

from crm.models import Account, Contact, Record
from sources.attributes import Kind

TYPES = {Kind.ACCOUNT: "Account", Kind.CONTACT: "Contact"}
"""Type ids with their names."""

_ID = re.compile(r"(account|contact)-([1-9][0-9]{0,17})")
_LONGEST = 300

Found = dict[Kind, dict[int, Any]]
"""Records by kind and id."""


def id_of(record: Record) -> str:
    """The entity id of a record."""
    return f"{record.kind.value}-{record.pk}"


def read_id(text: str) -> tuple[Kind, int] | None:
    """Kind and number of an entity id; None for any other text."""
    match = _ID.fullmatch(text)
    return (Kind(match[1]), int(match[2])) if match else None


def type_of(kind: Kind) -> dict[str, str]:
    """A type as answers hold it."""
    return {"id": kind.value, "name": TYPES[kind]}


def describe(record: Record) -> str:
    """What tells a record from its namesakes, in one line."""
    told = [record.domain, record.city, record.country]
    if isinstance(record, Contact):
        company = str(record.account) if record.account else str(record.value("current_company") or "")
        told = [str(record.value("job_title") or ""), company, record.email, record.city, record.country]
    return ", ".join(each for each in told if each)[:_LONGEST]


def load(wanted: Mapping[Kind, Collection[int]], keys: Mapping[Kind, Q] | None = None) -> Found:
    """The records of ids, and those that `keys` select, by kind (one query for each kind asked for)."""
    found: Found = {kind: {} for kind in Kind}
    for kind in Kind:
        ids = wanted.get(kind) or ()
        condition = Q(pk__in=list(ids)) if ids else Q()
        if keys and kind in keys:
            condition |= keys[kind]
        if condition:
            found[kind] = {record.pk: record for record in _rows(kind).filter(condition)}
    return found


def _rows(kind: Kind) -> Any:
    return Account.objects.all() if kind is Kind.ACCOUNT else Contact.objects.select_related("account")
