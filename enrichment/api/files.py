"""`/v1/files`: tables that tasks work on."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile as SentFile
from django.http import QueryDict
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment import uploads
from enrichment.api.base import ApiView, found
from enrichment.api.errors import TooLarge, Unprocessable
from enrichment.api.idempotency import ONCE, kept_once
from enrichment.api.ids import IdField
from enrichment.api.paging import PageQuery, page_of, page_serializer, read_query
from enrichment.ids import id_of
from enrichment.models import UploadedFile

_ENVELOPE = 100_000  # bytes of a multipart body beside its file


class FileAnswer(serializers.Serializer[Any]):
    """A file that was uploaded; it is read while it comes in, so it is always completed."""

    file_id = IdField(source="pk")
    name = serializers.CharField()
    content_type = serializers.CharField()
    size_bytes = serializers.IntegerField(source="size")
    s3_uri = serializers.SerializerMethodField(
        help_text="A word of V1; files lie on this installation's disk."
    )
    processing_status = serializers.SerializerMethodField()
    csv_metadata = serializers.SerializerMethodField()
    original_file_type = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    @extend_schema_field(str)
    def get_s3_uri(self, file: UploadedFile) -> str:
        """A name for the place, not a place that can be opened."""
        return f"footnote:file/{id_of(file.pk)}"

    @extend_schema_field({"type": "string", "enum": ["completed"]})
    def get_processing_status(self, file: UploadedFile) -> str:
        """completed."""
        return "completed"

    @extend_schema_field(
        {
            "type": "object",
            "properties": {
                "row_count": {"type": "integer"}, "encoding": {"type": "string"},
                "columns": {"type": "array", "items": {"type": "string"}},
                "preview_rows": {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "string"}}},
            },
        }
    )  # fmt: skip
    def get_csv_metadata(self, file: UploadedFile) -> dict[str, Any]:
        """How many rows, which columns, the first rows, the encoding."""
        return dict(file.table)

    @extend_schema_field(str)
    def get_original_file_type(self, file: UploadedFile) -> str:
        """The ending of the name."""
        return file.name.rpartition(".")[2].lower() if "." in file.name else "csv"


class FileItem(serializers.Serializer[Any]):
    """A file in a list."""

    file_id = IdField(source="pk")
    name = serializers.CharField()
    size_bytes = serializers.IntegerField(source="size")


class FileBody(serializers.Serializer[Any]):
    """A CSV or XLSX file as a part of a multipart body."""

    file = serializers.FileField()


_SORTABLE = {"created_at": "created_at", "name": "name"}
_PAGE = page_serializer("FilePage", "files", FileItem(many=True))


def _shape(rows: Sequence[UploadedFile]) -> list[Any]:
    return list(FileItem(rows, many=True).data)


class FileList(ApiView):
    """All files."""

    @extend_schema(operation_id="files_list", parameters=[PageQuery], responses=_PAGE)
    def get(self, request: Request) -> Response:
        """A page of files."""
        query = read_query(PageQuery, request)
        return Response(
            page_of(UploadedFile.objects.all(), query, plural="files", shape=_shape, sortable=_SORTABLE)
        )


class FileOne(ApiView):
    """One file."""

    @extend_schema(operation_id="files_get", responses=FileAnswer)
    def get(self, request: Request, file_id: int) -> Response:
        """The file and what it holds."""
        return Response(FileAnswer(found(UploadedFile.objects.all(), file_id)).data)


class FileUpload(ApiView):
    """Files on their way in."""

    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="files_upload", request={"multipart/form-data": FileBody}, responses={201: FileAnswer},
        parameters=[ONCE],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Keep a CSV or XLSX file; of a workbook the first sheet is read. One that is no table is refused."""
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.UPLOAD_MAX_BYTES + _ENVELOPE:
            megabytes = settings.UPLOAD_MAX_BYTES // 1_000_000
            raise TooLarge(f"The file is larger than {megabytes} MB: split it into smaller files.")
        sent = _sent(request)
        return kept_once(request, lambda: [sent.name, _digest(sent)], lambda: self._kept(sent))

    def _kept(self, sent: _Sent) -> Response:
        try:
            file = uploads.keep(sent.chunks(), name=sent.name, content_type=sent.content_type)
        except uploads.FileTooLarge as refused:
            raise TooLarge(str(refused)) from None
        except uploads.FileRefused as refused:
            raise Unprocessable(str(refused), "file_unreadable", "file") from None
        return Response(FileAnswer(file).data, status=201)


class _Sent(NamedTuple):
    """A file on its way in."""

    name: str
    content_type: str
    chunks: Callable[[], Iterable[bytes]]


def _digest(sent: _Sent) -> str:
    digest = hashlib.sha256()
    for chunk in sent.chunks():
        digest.update(chunk)
    return digest.hexdigest()


def _sent(request: Request) -> _Sent:
    """The file: a part of its own, or in one of the ways that SDKs 0.7 to 0.15 send it.

    They write the parts of a tuple as texts named `file[]` (name, bytes as Python writes them, type), and bytes or a
    text alone as a text named `file`. Raises Unprocessable when there is no file.
    """
    parts = [part for name in ("file", "file[]") for part in request.FILES.getlist(name)]
    if parts and isinstance(parts[0], SentFile):
        return _Sent(parts[0].name or "upload.csv", parts[0].content_type or "", parts[0].chunks)
    data = cast(QueryDict, request.data)
    texts = [text for text in data.getlist("file[]") or data.getlist("file") if isinstance(text, str)]
    if not texts:
        raise Unprocessable("Send the file as the part 'file' of a multipart body.", "file_missing", "file")
    name, text, content_type = [*(texts if len(texts) > 1 else ["upload.csv", *texts]), "text/csv"][:3]
    return _Sent(name, content_type, lambda: [_bytes(text)])


def _bytes(text: str) -> bytes:
    """The bytes a text stands for: Python's way of writing bytes, else the text itself."""
    if text[:2] in ("b'", 'b"'):
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = None
        if isinstance(value, bytes):
            return value
    return text.encode("utf-8", "replace")
