"""Export and small imports in the admin: formats that cannot carry formulas, and one short form."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import tablib
import xlsxwriter
from django import forms
from django.http import HttpRequest
from import_export.admin import ImportExportMixin
from import_export.formats.base_formats import Format
from unfold.contrib.import_export.forms import ExportForm, ImportForm
from unfold.widgets import UnfoldBooleanWidget

from crm.cells import escape_cell
from sources.tables import read


class _TableFormat(Format):  # type: ignore[misc]
    """What our formats share; files that come in are read by `sources.tables`, within its limits."""

    title: ClassVar[str]
    extension: ClassVar[str]
    content_type: ClassVar[str]

    def __init__(self, encoding: str | None = None) -> None:
        self.encoding = encoding

    def get_title(self) -> str:
        return self.title

    def get_extension(self) -> str:
        return self.extension

    def get_content_type(self) -> str:
        return self.content_type

    def can_export(self) -> bool:
        return True

    def can_import(self) -> bool:
        return True

    def create_dataset(self, in_stream: bytes, **kwargs: Any) -> tablib.Dataset:
        with tempfile.NamedTemporaryFile(suffix=f".{self.extension}") as file:
            file.write(in_stream)
            file.flush()
            table = read(Path(file.name))
        return tablib.Dataset(*table.rows, headers=list(table.header))


class CsvFormat(_TableFormat):
    """CSV in UTF-8 whose texts open as text."""

    title, extension, content_type = "CSV", "csv", "text/csv; charset=utf-8"

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        file = io.StringIO(newline="")
        writer = csv.writer(file)
        for row in (dataset.headers, *dataset):
            writer.writerow([escape_cell(cell) if cell and isinstance(cell, str) else cell for cell in row])
        return b"\xef\xbb\xbf" + file.getvalue().encode()


class XlsxFormat(_TableFormat):
    """XLSX whose texts are stored as text, never as formulas or links."""

    title, extension = "XLSX", "xlsx"
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        file = io.BytesIO()
        with xlsxwriter.Workbook(file, {"in_memory": True}) as workbook:
            sheet = workbook.add_worksheet("Records")
            bold = workbook.add_format({"bold": True})
            for place, row in enumerate((dataset.headers, *dataset)):
                for column, cell in enumerate(row):
                    if isinstance(cell, str):
                        sheet.write_string(place, column, cell, bold if place == 0 else None)
                    else:
                        sheet.write(place, column, cell)
            sheet.freeze_panes(1, 0)
        return file.getvalue()


class JsonFormat(_TableFormat):
    """JSON: one object a record."""

    title, extension, content_type = "JSON", "json", "application/json"

    def can_import(self) -> bool:
        return False

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        rows = [dict(zip(dataset.headers, row, strict=True)) for row in dataset]
        return json.dumps(rows, ensure_ascii=False, indent=1).encode()


class RecordExportForm(ExportForm):  # type: ignore[misc]
    """The format, and how much of the evidence comes along."""

    with_sources = forms.BooleanField(
        label="Add the source of each value", required=False, widget=UnfoldBooleanWidget
    )
    with_references = forms.BooleanField(
        label="Add the references of each value", required=False, widget=UnfoldBooleanWidget
    )


class TransferMixin(ImportExportMixin):  # type: ignore[misc]
    """Export of what the list shows, and small imports, for a record list.

    Exporting needs the right to view; importing the rights to add and change, and to make a run.
    """

    formats = (CsvFormat, XlsxFormat, JsonFormat)
    export_form_class = RecordExportForm
    import_form_class = ImportForm
    import_export_change_list_template = "footnote/record_list.html"

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Who may look may take along."""
        return bool(self.has_view_permission(request))

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Who may add and change records one by one may do so by a file."""
        may_write = self.has_add_permission(request) and self.has_change_permission(request)
        return bool(may_write and request.user.has_perm("enrichment.add_enrichmentrun"))

    def get_import_formats(self) -> list[type[Format]]:
        """CSV and XLSX."""
        return [each for each in self.formats if each().can_import()]

    def get_export_formats(self) -> list[type[Format]]:
        """CSV, XLSX, JSON."""
        return list(self.formats)

    def get_export_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        """What the export form asked for."""
        form = kwargs.get("export_form")
        chosen = form.cleaned_data if form else {}
        return {name: bool(chosen.get(name)) for name in ("with_sources", "with_references")}

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        """Who imports."""
        return {"user": request.user}
