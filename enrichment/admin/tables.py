""" "Register a table": upload a file, say what its columns mean, and it is a source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from enrichment import tables
from enrichment.admin.base import require
from enrichment.admin.uploads import Upload, drop, keep, reopen
from enrichment.names import custom_attributes
from enrichment.queries import attributes_of
from sources.attributes import IDENTITY, Kind, find, slug_of
from sources.tables import Table, read

if TYPE_CHECKING:
    from enrichment.admin.sources import EnrichmentSourceAdmin

_TITLE = "Register a table"
_SAMPLES = 3
KEYS = ("domain", "name", "linkedin_url", "email")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the file: its header, some cells, and the attribute it is taken for ("" for none)."""

    header: str
    samples: list[str]
    slug: str


def register_table(model_admin: EnrichmentSourceAdmin, request: HttpRequest) -> HttpResponse:
    """Three steps on one address: choose a file, check its columns, register."""
    require(request, "enrichment.add_enrichmentsource")
    if request.method != "POST":
        return _upload_page(model_admin, request)
    try:
        if "token" not in request.POST:
            upload = keep(request.FILES.get("file"), request.user)
            return _columns_page(model_admin, request, upload)
        upload = reopen(request.POST["token"], request.user)
    except ValueError as refused:
        messages.error(request, str(refused))
        return _upload_page(model_admin, request)
    try:
        source = _register(request, upload)
    except ValueError as refused:
        messages.error(request, str(refused))
        return _columns_page(model_admin, request, upload)
    drop(upload)
    messages.success(request, f"{source.label} is a source now. Turn it on below when it should be asked.")
    return redirect("admin:enrichment_enrichmentsource_change", source.pk)


def _upload_page(model_admin: EnrichmentSourceAdmin, request: HttpRequest) -> HttpResponse:
    return model_admin.render_page(request, "footnote/table_upload.html", _TITLE)


def _columns_page(model_admin: EnrichmentSourceAdmin, request: HttpRequest, upload: Upload) -> HttpResponse:
    table = read(upload.path, name=upload.name)
    columns = guess_columns(table, request)
    label = request.POST.get("label") or Path(upload.name).stem.replace("_", " ").capitalize()
    return model_admin.render_page(
        request,
        "footnote/table_columns.html",
        _TITLE,
        upload=upload,
        columns=columns,
        rows=len(table.rows),
        warnings=table.warnings,
        attributes=list(attributes_of(Kind.ACCOUNT).values()),
        key=request.POST.get("key") or _guess_key(columns),
        reference=request.POST.get("reference") or _guess_reference(columns),
        label=label,
        slug=request.POST.get("slug") or slug_of(label),
        rank=request.POST.get("rank") or "30",
    )


def guess_columns(table: Table, request: HttpRequest) -> list[Column]:
    """The columns with what was chosen for them, else with the attribute their header names."""
    custom = custom_attributes()
    columns = []
    for place, header in enumerate(table.header):
        samples = [row[place] for row in table.rows if row[place]][:_SAMPLES]
        known = find(header, Kind.ACCOUNT, custom)
        chosen = request.POST.get(f"column_{place}")
        columns.append(Column(header, samples, chosen if chosen is not None else known.slug if known else ""))
    return columns


def _guess_key(columns: list[Column]) -> str:
    by_slug = {column.slug: column.header for column in columns}
    return next((by_slug[slug] for slug in KEYS if slug in by_slug), columns[0].header)


def _guess_reference(columns: list[Column]) -> str:
    names = ("reference", "references", "source", "source_url", "url", "link")
    return next((column.header for column in columns if slug_of(column.header) in names), "")


def _register(request: HttpRequest, upload: Upload) -> Any:
    table = read(upload.path, name=upload.name)
    columns = guess_columns(table, request)
    key = request.POST.get("key", "")
    label = request.POST.get("label", "").strip()
    rank = request.POST.get("rank", "").strip()
    if not label or not slug_of(request.POST.get("slug", "")):
        raise ValueError("Give the source a name and a slug.")
    if not rank.isdecimal() or int(rank) < 1:
        raise ValueError("The rank is a whole number; 1 is trusted most.")
    if key not in table.header:
        raise ValueError("Choose the key column: the one that says whom a row is about.")
    mapping = {column.header: column.slug for column in columns if column.slug}
    if not [slug for slug in mapping.values() if slug not in IDENTITY]:
        raise ValueError("Choose an attribute for at least one column.")
    return tables.register(
        upload.path,
        slug=slug_of(request.POST["slug"]),
        label=label,
        key=key,
        mapping=mapping,
        reference=request.POST.get("reference") or None,
        rank=int(rank),
    )
