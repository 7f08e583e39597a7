"""Import a spreadsheet: upload, check the recognised columns, start; the rows become items of a run."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from crm.headers import FIELDS, HeaderError, Headers, recognise
from crm.spreadsheets import import_file
from enrichment.admin.base import button, require
from enrichment.admin.uploads import Upload, drop, keep, reopen
from enrichment.models import CustomAttribute, EnrichmentRun
from enrichment.queries import attributes_of
from sources.attributes import Kind
from sources.tables import Table, read

_TITLE = "Import a spreadsheet"
_ROWS_SHOWN = 5
_ROWS_LOOKED_AT = 200
_PERSON_FIELDS = ("first_name", "last_name")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the file: its header, first cells, and what it fills as the form says it: kind.field, or ""."""

    header: str
    samples: list[str]
    chosen: str


class ImportMixin:
    """The button "Import a spreadsheet" of a record list, and its pages."""

    actions_list = ("import_spreadsheet",)

    def has_import_file_permission(self, request: HttpRequest) -> bool:
        """Importing makes records and a run."""
        return request.user.has_perms(self._import_permissions())

    @button(
        description=_TITLE, url_path="import-a-spreadsheet", permissions=["import_file"], icon="upload_file"
    )
    def import_spreadsheet(self, request: HttpRequest) -> HttpResponse:
        """To the page that takes the file."""
        return redirect(f"admin:crm_{self.model._meta.model_name}_import_file")  # type: ignore[attr-defined]

    def get_urls(self) -> list[URLPattern]:
        """The address of the pages before those of the list and form."""
        view = self.admin_site.admin_view(self.import_view)  # type: ignore[attr-defined]
        name = f"crm_{self.model._meta.model_name}_import_file"  # type: ignore[attr-defined]
        return [path("import-file/", view, name=name), *super().get_urls()]  # type: ignore[misc]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Choose a file (GET), check its columns (POST with a file), start (POST with `start`)."""
        require(request, *self._import_permissions())
        if request.method != "POST":
            return self._upload_page(request)
        try:
            upload = (
                reopen(request.POST["token"], request.user)
                if "token" in request.POST
                else keep(request.FILES.get("file"), request.user)
            )
            table = read(upload.path, name=upload.name)
        except ValueError as refused:  # UploadRefused, TableError
            messages.error(request, str(refused))
            return self._upload_page(request)
        if "start" not in request.POST:
            return self._columns_page(request, upload, table)
        try:
            run = self._start(request, upload, table)
        except ValueError as refused:  # ImportRefused, HeaderError, RunRefused
            messages.error(request, str(refused))
            return self._columns_page(request, upload, table)
        drop(upload)
        return redirect("admin:enrichment_enrichmentrun_change", run.pk)

    def _import_permissions(self) -> tuple[str, ...]:
        name = self.model._meta.model_name  # type: ignore[attr-defined]
        return (f"crm.add_{name}", f"crm.change_{name}", "enrichment.add_enrichmentrun")

    def _upload_page(self, request: HttpRequest) -> HttpResponse:
        return self.render_page(request, "footnote/import_upload.html", _TITLE)  # type: ignore[attr-defined, no-any-return]

    def _columns_page(self, request: HttpRequest, upload: Upload, table: Table) -> HttpResponse:
        kind = chosen_kind(request)
        try:
            headers = recognise_table(table, kind)
        except HeaderError as unclear:
            if "start" not in request.POST:
                messages.warning(request, str(unclear))
            headers = None
        columns = columns_of(table, headers, request)
        return self.render_page(  # type: ignore[attr-defined, no-any-return]
            request,
            "footnote/import_columns.html",
            _TITLE,
            upload=upload,
            columns=columns,
            rows=table.rows[:_ROWS_SHOWN],
            row_count=len(table.rows),
            warnings=table.warnings,
            dialect=headers.dialect if headers else "",
            kind=(headers.kind if headers else kind) or self.model.kind,  # type: ignore[attr-defined]
            unmatched=request.POST.get("unmatched", EnrichmentRun.Unmatched.CREATE),
            groups=field_groups(),
        )

    def _start(self, request: HttpRequest, upload: Upload, table: Table) -> EnrichmentRun:
        columns = columns_of(table, None, request)
        return import_file(
            upload.path,
            name=upload.name,
            kind=chosen_kind(request),
            mapping={column.header: column.chosen for column in columns},
            unmatched=request.POST.get("unmatched", EnrichmentRun.Unmatched.CREATE),
            enrich="enrich" in request.POST,
            user=request.user,
        )


def chosen_kind(request: HttpRequest) -> Kind | None:
    """What one row is, when the form says so."""
    text = request.POST.get("kind", "")
    return Kind(text) if text in list(Kind) else None


def recognise_table(table: Table, kind: Kind | None) -> Headers:
    """What the columns of a table are; raises HeaderError."""
    custom = [row.as_attribute() for row in CustomAttribute.objects.all()]
    return recognise(table.header, rows=table.rows[:_ROWS_LOOKED_AT], kind=kind, custom=custom)


def columns_of(table: Table, headers: Headers | None, request: HttpRequest) -> list[Column]:
    """The columns with what the form chose for them, else with what was recognised."""
    columns = []
    for place, header in enumerate(table.header):
        chosen = request.POST.get(f"column_{place}") if "again" not in request.POST else None
        if chosen is None:
            known = headers.columns[place] if headers else None
            chosen = f"{known.kind}.{known.field}" if known and known.field and known.kind else ""
        samples = [row[place] for row in table.rows[:_ROWS_SHOWN] if row[place]]
        columns.append(Column(header, samples, chosen))
    return columns


def field_groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """What a column can fill, for each kind of record: (kind.field, label)."""
    groups: list[tuple[str, list[tuple[str, str]]]] = []
    for kind in Kind:
        written = [name for name in FIELDS if kind is Kind.CONTACT or name not in _PERSON_FIELDS]
        options = [(f"{kind}.{name}", name.replace("_", " ").capitalize()) for name in written]
        options += [(f"{kind}.{slug}", each.label) for slug, each in attributes_of(kind).items()]
        groups.append((kind.value.capitalize(), options))
    return groups
