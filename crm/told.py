"""Records as other programs tell of them: values that become claims of the source `api`, and plain columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crm.models import Account, Contact, Record
from enrichment.claims import Answer, CleanClaim, record
from enrichment.models import ApiKey, EnrichmentRun, EnrichmentSource
from enrichment.models.check import Outcome
from enrichment.names import attribute_called, custom_attributes
from enrichment.spending import note_origin
from enrichment.winner import API
from sources.attributes import BY_SLUG, IDENTITY, Attribute, Kind, identity_slug
from sources.cleaning import Refused, clean
from sources.contract import Subject

COLUMNS = ("external_id", "external_source", "status", "priority", "segment", "comments")


class TellingRefused(ValueError):
    """What was told cannot be kept; `errors` says why, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {why}" for field, why in errors.items()))
        self.errors = dict(errors)


class OtherRecordHasIt(ValueError):
    """The external id belongs to another record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who tells: a name for the run, the reference of the claims, the user and the key."""

    name: str
    reference: str
    user: Any = None
    key: ApiKey | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of one record: clean claims, and columns to set."""

    claims: tuple[CleanClaim, ...]
    columns: Mapping[str, Any]

    def subject(self, kind: Kind) -> Subject:
        """Whom it is about."""
        known = {claim.attribute: claim.value for claim in self.claims}
        identity: dict[str, Any] = {
            name: str(known[slug]) for name in IDENTITY if (slug := identity_slug(kind, name)) in known
        }
        return Subject(kind=kind, known=known, **identity)

    @property
    def names_somebody(self) -> bool:
        """Whether a new record could be made of it."""
        identity = {
            identity_slug(kind, name) for kind in Kind for name in ("name", "domain", "email", "linkedin_url")
        }
        return bool(self.columns.get("external_id")) or any(
            claim.attribute in identity for claim in self.claims
        )


class Reader:
    """Reads what is told of records of one kind; attributes that users made are looked up once."""

    def __init__(self, kind: Kind, author: Author) -> None:
        self.kind, self.author = kind, author
        self.custom = {each.slug: each for each in custom_attributes()}

    def read(self, row: Mapping[str, Any]) -> Told:
        """The claims and columns of a row; null erases nothing. Raises TellingRefused."""
        found: dict[str, CleanClaim] = {}
        errors: dict[str, str] = {}
        named = {name: row[name] for name in IDENTITY if name in row}
        given = [(name, name, identity_slug(self.kind, name), raw) for name, raw in named.items()]
        given += [(f"values.{name}", name, "", raw) for name, raw in (row.get("values") or {}).items()]
        for field, name, slug, raw in given:
            try:
                attribute = self._attribute(slug or attribute_called(name, self.kind).slug)
                value = (
                    clean(attribute, raw) if isinstance(raw, str | int | float | list) else self._blank(raw)
                )
            except ValueError as refused:  # UnknownName, Refused
                errors[field] = str(refused)
                continue
            if value is not None:
                original = raw if isinstance(raw, str) and raw != value else ""
                found[attribute.slug] = CleanClaim(attribute.slug, value, (self.author.reference,), original)
        if errors:
            raise TellingRefused(errors)
        columns = {name: row[name] or "" for name in COLUMNS if name in row}
        return Told(
            tuple(found.values()),
            columns | ({"account_id": row["account_id"]} if "account_id" in row else {}),
        )

    def _attribute(self, slug: str) -> Attribute:
        return BY_SLUG.get(slug) or self.custom[slug]

    @staticmethod
    def _blank(raw: Any) -> None:
        if raw is not None:
            raise Refused("write a text, a number, a list, true or false")


def model_of(kind: Kind) -> Any:
    """The model of a kind of records."""
    return Account if kind is Kind.ACCOUNT else Contact


def check_external_id(kind: Kind, told: Told, known: Record | None) -> None:
    """Raises OtherRecordHasIt when the external id is another record's."""
    number = told.columns.get("external_id") or ""
    if not number:
        return
    source = told.columns.get("external_source", known.external_source if known else "")
    others = model_of(kind).objects.filter(external_id=number, external_source=source)
    if others.exclude(pk=known.pk if known else None).exists():
        raise OtherRecordHasIt(f"Another {kind.value} has the external id {number} already.")


def keep_claims(
    kind: Kind, author: Author, told: Iterable[tuple[int, tuple[CleanClaim, ...]]]
) -> EnrichmentRun | None:
    """Record claims about records, in a run of their own that can be undone; None when there are none."""
    merged: dict[int, dict[str, CleanClaim]] = {}
    for pk, claims in told:
        merged[pk] = merged.get(pk, {}) | {claim.attribute: claim for claim in claims}
    merged = {pk: claims for pk, claims in merged.items() if claims}
    if not merged:
        return None
    source, run = EnrichmentSource.objects.get(slug=API).pk, _run(kind, author, len(merged))
    answers = [
        Answer(
            record=pk, source=source, at=run.created_at, outcome=Outcome.FOUND, claims=tuple(claims.values())
        )
        for pk, claims in merged.items()
    ]
    record(run=run.pk, kind=kind, answers=answers)
    return run


def _run(kind: Kind, author: Author, rows: int) -> EnrichmentRun:
    run = EnrichmentRun.objects.create(
        name=f"Written by {author.name}"[:200], kind=kind.value, asks=False, status=EnrichmentRun.Status.COMPLETED,
        created_by=author.user, summary={"rows": rows},
    )  # fmt: skip
    run.started_at = run.finished_at = run.created_at
    run.save(update_fields=["started_at", "finished_at"])
    note_origin(run, author.key)
    return run
