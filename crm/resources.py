"""Current values out, and small updates in, with django-import-export.

Values are never written by saving a record: what a file says about whom a record is becomes claims of
the source `spreadsheet`, in a run of its own that can be undone. Large files go the way of runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tablib
from django.core.exceptions import ValidationError
from import_export import fields, resources

from crm.cells import join, unescape_cell
from crm.models import Account, Contact, Record
from enrichment import bulk
from enrichment.claims import Answer, CleanClaim, record
from enrichment.models import EnrichmentRun, EnrichmentSource
from enrichment.models.check import Outcome
from enrichment.queries import attributes_of
from enrichment.winner import SPREADSHEET
from sources.attributes import BY_SLUG, IDENTITY, Kind, identity_slug
from sources.cleaning import clean

ROWS_AT_MOST = 1000
"""Rows that the admin takes at once; more go through "Import a spreadsheet"."""

WRITTEN = ("external_source", "external_id", "status", "priority", "segment", "comments")
"""The columns that people fill in."""


class _EntryField(fields.Field):  # type: ignore[misc]
    """One part (value, source, references) of one current value."""

    def __init__(self, slug: str, part: str, column_name: str) -> None:
        super().__init__(column_name=column_name, readonly=True)
        self.slug, self.part = slug, part

    def get_value(self, instance: Record) -> Any:
        """The part as a cell, numbers as numbers: a format must tell them from text."""
        entry = instance.current_values.get(self.slug)
        if entry is None:
            return ""
        value = entry[self.part]
        return join(value) if isinstance(value, list) else value


class RecordResource(resources.ModelResource):  # type: ignore[misc]
    """Records as rows. `with_sources` and `with_references` add a column of each for every attribute;
    `user` is who imports."""

    kind: Kind

    def __init__(
        self, *, with_sources: bool = False, with_references: bool = False, user: Any = None
    ) -> None:
        super().__init__()
        self.user = user
        self._columns: list[fields.Field] | None = None
        self.answers: list[tuple[Record, tuple[CleanClaim, ...]]] = []
        for column in IDENTITY:
            self.fields[column].readonly = True
        for slug in attributes_of(self.kind):
            if slug not in IDENTITY:
                self.fields[slug] = _EntryField(slug, "value", slug)
            if with_sources:
                self.fields[f"{slug} source"] = _EntryField(slug, "source", f"{slug} source")
            if with_references:
                self.fields[f"{slug} references"] = _EntryField(slug, "references", f"{slug} references")

    def get_export_order(self) -> list[str]:
        """Whom the row is about, then what people wrote, then the attributes."""
        first = ["id", *IDENTITY, *WRITTEN]
        return [*first, *(name for name in self.fields if name not in first)]

    def export_resource(self, instance: Record, selected_fields: Any = None, **kwargs: Any) -> list[Any]:
        """One row. Widgets are left aside: with them 100,000 rows took 39 seconds, without them 9."""
        return [field.get_value(instance) for field in self.get_export_fields(selected_fields)]

    def get_export_fields(self, selected_fields: Any = None) -> list[fields.Field]:
        """The fields in the order of the columns, found once."""
        if self._columns is None:
            self._columns = super().get_export_fields(selected_fields)
        return self._columns

    def get_import_order(self) -> list[str]:
        """Only what people wrote is set on the record itself."""
        return list(WRITTEN)

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        """Refuse what is too large for one request."""
        if len(dataset) > ROWS_AT_MOST:
            rows = len(dataset)
            dataset.wipe()
            raise ValueError(
                f'The file has {rows:,} rows and this page takes {ROWS_AT_MOST:,}: use "Import a spreadsheet".'
            )

    def before_import_row(self, row: dict[str, Any], **kwargs: Any) -> None:
        """Undo what the export did to texts that look like formulas."""
        for name, cell in row.items():
            if isinstance(cell, str):
                row[name] = unescape_cell(cell)

    def get_instance(self, instance_loader: Any, row: Mapping[str, Any]) -> Record | None:
        """The record a row names: by its id, else by its id in the team's CRM."""
        pk = str(row.get("id") or "").strip()
        rows = self._meta.model.objects
        if pk:
            found: Record | None = rows.filter(pk=pk).first() if pk.isdecimal() else None
            if found is None:
                raise ValidationError(
                    {"id": f"There is no {self.kind} {pk}; leave the id empty for a new one."}
                )
            return found
        external = str(row.get("external_id") or "").strip()
        if not external:
            return None
        source = str(row.get("external_source") or "").strip()
        return rows.filter(external_id=external, external_source=source).first()  # type: ignore[no-any-return]

    def import_instance(self, instance: Record, row: Mapping[str, Any], **kwargs: Any) -> None:
        """Set what people wrote, and clean what the row says about whom it is."""
        super().import_instance(instance, row, **kwargs)
        claims = identity_claims(self.kind, row)
        if instance.pk is None and not claims:
            raise ValidationError(
                "The row names nobody: it needs a name, domain, e-mail or LinkedIn address."
            )
        self.answers.append((instance, claims))

    def after_import(self, dataset: tablib.Dataset, result: Any, **kwargs: Any) -> None:
        """Write the claims of all rows, in a run of their own."""
        known = [(instance.pk, claims) for instance, claims in self.answers if instance.pk and claims]
        merged = dict(known)  # the last row about a record wins
        if not merged or result.has_errors():
            return
        now = bulk.clock()
        run = EnrichmentRun.objects.create(
            name=kwargs.get("file_name") or f"Small import of {self.kind}s",
            kind=self.kind.value, status=EnrichmentRun.Status.COMPLETED, created_by=self.user,
            started_at=now, finished_at=now, summary={"rows": len(merged)},
        )  # fmt: skip
        source = EnrichmentSource.objects.get(slug=SPREADSHEET).pk
        answers = [
            Answer(record=pk, source=source, at=now, outcome=Outcome.FOUND, claims=claims)
            for pk, claims in merged.items()
        ]
        record(run=run.pk, kind=self.kind, answers=answers)


class AccountResource(RecordResource):
    """Accounts as rows."""

    kind = Kind.ACCOUNT

    class Meta:
        model = Account
        fields = ("id", *IDENTITY, *WRITTEN)
        clean_model_instances = True


class ContactResource(RecordResource):
    """Contacts as rows."""

    kind = Kind.CONTACT

    class Meta:
        model = Contact
        fields = ("id", *IDENTITY, *WRITTEN)
        clean_model_instances = True


def identity_claims(kind: Kind, row: Mapping[str, Any]) -> tuple[CleanClaim, ...]:
    """What a row says about whom it is about; raises ValidationError, by column, for what makes no sense."""
    claims: list[CleanClaim] = []
    wrong: dict[str, str] = {}
    for column in IDENTITY:
        raw = row.get(column)
        slug = identity_slug(kind, column)
        try:
            value = clean(BY_SLUG[slug], raw)
        except ValueError as error:
            wrong[column] = str(error)
            continue
        if value is not None:
            original = raw if isinstance(raw, str) and raw != value else ""
            claims.append(CleanClaim(slug, value, ("csv_import",), original))
    if wrong:
        raise ValidationError(wrong)
    return tuple(claims)
