"""Files that clients of the REST API uploaded: to look at, and to delete when nothing needs them any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from enrichment import uploads
from enrichment.admin.api_tasks import NO_CLIENT
from enrichment.admin.base import FootnoteAdmin, column
from enrichment.admin.evidence import count_link, json_block, row_link
from enrichment.models import UploadedFile


@admin.register(UploadedFile)
class UploadedFileAdmin(FootnoteAdmin):
    """The tables that tasks work on."""

    list_display = ("name", "bytes", "rows", "used_by", "runs_made", "state", "created_at")
    search_fields = ("name",)
    search_help_text = "Name of the file"
    fields = (
        "name", "content_type", "bytes", "rows", "columns_text", "encoding", "used_by", "runs_made", "state", "created_at", "preview",
    )  # fmt: skip
    empty_hint = NO_CLIENT.format("files", "POST /v1/files/upload")
    empty_links = (("API keys", "admin:enrichment_apikey_changelist", "enrichment.view_apikey"),)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Files come from clients; people import spreadsheets."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A file stays as it came."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: UploadedFile | None = None) -> bool:
        """Only what nothing needs any more."""
        return super().has_delete_permission(request, obj) and not (obj and _use(obj).is_needed)

    def get_actions(self, request: HttpRequest) -> Any:
        """Without deletion of whole selections: files are deleted one by one, when unused."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def delete_model(self, request: HttpRequest, obj: UploadedFile) -> None:
        """The row, and what lies on disk."""
        uploads.drop(obj)

    def complete_page(self, objects: Sequence[UploadedFile]) -> None:
        """Who works on the files of a page; two queries."""
        _note_uses(objects)

    @column(description="Size", ordering="size")
    def bytes(self, file: UploadedFile) -> str:
        """In KB or MB."""
        return filesizeformat(file.size)

    @column(description="Rows")
    def rows(self, file: UploadedFile) -> str:
        """Without the header."""
        return f"{file.table.get('row_count', 0):,}"

    @column(description="Columns")
    def columns_text(self, file: UploadedFile) -> str:
        """The header."""
        return ", ".join(file.table.get("columns", ()))

    @column(description="Encoding")
    def encoding(self, file: UploadedFile) -> str:
        """How its letters are written."""
        return str(file.table.get("encoding", "–"))

    @column(description="First rows")
    def preview(self, file: UploadedFile) -> SafeString:
        """The first rows, as JSON."""
        return json_block(file.table.get("preview_rows", []))

    @column(description="Used by")
    def used_by(self, file: UploadedFile) -> SafeString | str:
        """The tasks that work on it."""
        links = format_html_join(
            ", ", "{}", ((row_link("apitask", task.pk, task),) for task in _use(file).tasks)
        )
        return links or "no task"

    @column(description="Runs")
    def runs_made(self, file: UploadedFile) -> SafeString | str:
        """How many runs took their rows from it, leading to them."""
        return count_link("enrichmentrun", {"origin__file": file.pk}, _use(file).runs)

    @column(description="State", label={"needed": "info", "may be deleted": "default"})
    def state(self, file: UploadedFile) -> str:
        """Whether anything would fail without it."""
        return "needed" if _use(file).is_needed else "may be deleted"


def _note_uses(files: Iterable[UploadedFile]) -> None:
    files = list(files)
    uses = uploads.uses_of(files)
    for file in files:
        file.use = uses[file.pk]  # type: ignore[attr-defined]


def _use(file: UploadedFile) -> uploads.Use:
    """Who works on a file; looked up once for a page of its own."""
    if not hasattr(file, "use"):
        _note_uses([file])
    use: uploads.Use = file.use  # type: ignore[attr-defined]
    return use
