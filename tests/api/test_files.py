from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile

from enrichment.models import UploadedFile

pytestmark = pytest.mark.django_db

CSV = "company_name,website\nAcme,acme.com\nBölt,bolt.io\n"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "api"


def upload(api, **parts) -> tuple[int, Any]:
    response = api.client.post("/v1/files/upload", parts, headers={"x-api-key": api.key})
    return response.status_code, response.json()


def test_a_file_is_kept_and_told_of(api, folder):
    status, told = upload(api, file=SimpleUploadedFile("batch_1.csv", CSV.encode("cp1252"), "text/csv"))
    assert (status, told["name"], told["processing_status"], told["size_bytes"]) == (
        201,
        "batch_1.csv",
        "completed",
        48,
    )
    assert told["csv_metadata"] == {
        "row_count": 2, "columns": ["company_name", "website"], "encoding": "cp1252",
        "preview_rows": [{"company_name": "Acme", "website": "acme.com"}, {"company_name": "Bölt", "website": "bolt.io"}],
    }  # fmt: skip
    assert [path.stat().st_size for path in folder.iterdir()] == [48]
    assert api.get(f"/v1/files/{told['file_id']}") == (200, told)
    assert api.get("/v1/files")[1]["files"] == [
        {"file_id": told["file_id"], "name": "batch_1.csv", "size_bytes": 48}
    ]


def test_a_workbook_is_read_too(api):
    file = BytesIO()
    with xlsxwriter.Workbook(file) as book:
        for number, row in enumerate((["name", "city"], ["Acme", "Berlin"])):
            book.add_worksheet() if number == 0 else None
            book.worksheets()[0].write_row(number, 0, row)
    status, told = upload(api, file=SimpleUploadedFile("a.xlsx", file.getvalue()))
    assert (status, told["csv_metadata"]["row_count"], told["original_file_type"]) == (201, 1, "xlsx")


@pytest.mark.parametrize(
    "parts",
    [
        {"file[]": ["a.csv", repr(CSV.encode()), "text/csv"]},
        {"file": repr(CSV.encode())},
        {"file": CSV},
        {"file[]": ["a.csv", CSV]},
    ],
    ids=["tuple of 0.7", "bytes of 0.7", "text of 0.7", "tuple with text"],
)
def test_uploads_of_every_sdk_are_understood(api, parts):
    status, told = upload(api, **parts)
    assert status == 201, told
    assert told["csv_metadata"]["preview_rows"][1]["company_name"] == "Bölt"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("a.csv", b"", "file_unreadable"), ("a.xlsx", b"PK\x03\x04nothing", "file_unreadable")],
    ids=["empty", "broken"],
)
def test_a_file_that_is_no_table_is_refused(api, folder, name, content, code):
    status, answer = upload(api, file=SimpleUploadedFile(name, content))
    assert (status, answer["code"], list(answer["errors"])) == (422, code, ["file"])
    assert not UploadedFile.objects.exists()
    assert not list(folder.iterdir())


def test_an_upload_without_a_file_is_refused(api):
    assert upload(api, other="x")[1]["code"] == "file_missing"
    assert upload(api, file="")[0] == 422
    status, answer = api.post("/v1/files/upload", {"file": "a"})
    assert (status, answer["code"]) == (415, "unsupported_media_type")
    broken = api.client.generic(
        "POST", "/v1/files/upload", b"x", content_type="multipart/form-data", headers={"x-api-key": api.key}
    )
    assert (broken.status_code, broken.json()["code"]) == (400, "parse_error")


def test_a_file_that_is_too_large_is_refused_and_not_kept(api, folder, settings):
    settings.UPLOAD_MAX_BYTES = 100
    big = SimpleUploadedFile("a.csv", b"name\n" + b"x\n" * 200)
    assert upload(api, file=big)[0] == 413
    assert upload(api, file=SimpleUploadedFile("a.csv", b"name\n" + b"x" * 200_000))[1]["code"] == "too_large"
    assert not list(folder.iterdir())
    settings.UPLOAD_MAX_BYTES, settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 20_000_000, 1000
    assert upload(api, file="x" * 2000)[1]["code"] == "too_large"


def test_a_text_may_be_as_large_as_a_file(api):
    rows = "".join(f"Company {number},{'x' * 100}\n" for number in range(50_000))
    parts = {"file[]": ["big.csv", repr(f"name,note\n{rows}".encode()), "text/csv"]}
    status, told = upload(api, **parts)
    assert (status, told["csv_metadata"]["row_count"]) == (201, 50_000)


def test_a_name_leads_to_no_other_folder(api, folder):
    for name in ("../../evil.csv", "..\\evil.csv", "/etc/passwd", "a.c/../v"):
        parts = {"file[]": [name, "name\nAcme\n", "text/csv"]}
        status, told = upload(api, **parts)
        assert status == 201
        assert "/" not in told["name"] and "\\" not in told["name"]
    assert len(list(folder.iterdir())) == 4
    assert [path.name for path in folder.parent.iterdir()] == ["api"]


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ('company_name;website\nAcme;acme.com\n"Bölt; Co";bolt.io\n', "utf-8", "utf-8"),
        ("company_name\twebsite\nAcme\tacme.com\nBölt; Co\tbolt.io\n", "utf-16", "utf-16"),
        ("company_name,website\r\nAcme,acme.com\r\nBölt; Co,bolt.io\r\n", "utf-8-sig", "utf-8"),
    ],
    ids=["semicolons", "utf-16 with tabs", "byte order mark"],
)
def test_tables_of_spreadsheet_programs_are_told_of(api, text, encoding, expected):
    status, told = upload(api, file=SimpleUploadedFile("a.csv", text.encode(encoding)))
    assert status == 201
    assert told["csv_metadata"] == {
        "row_count": 2, "columns": ["company_name", "website"], "encoding": told["csv_metadata"]["encoding"],
        "preview_rows": [
            {"company_name": "Acme", "website": "acme.com"}, {"company_name": "Bölt; Co", "website": "bolt.io"},
        ],
    }  # fmt: skip
    assert told["csv_metadata"]["encoding"].replace("-le", "") == expected


def test_a_table_of_a_header_alone_has_no_rows(api):
    told = upload(api, file=SimpleUploadedFile("a.csv", b"company_name,website\n"))[1]
    assert told["csv_metadata"] == {
        "row_count": 0, "columns": ["company_name", "website"], "encoding": "utf-8", "preview_rows": [],
    }  # fmt: skip
