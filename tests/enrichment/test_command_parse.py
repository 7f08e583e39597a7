"""`manage.py parse`: a recorded answer in, one JSON object out; no database, no network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from sources import registry
from sources.contract import Claim, Finding, Subject
from tests.enrichment.typed import say
from tests.factories import make_source

COMPANY = {
    "data": {
        "name": "Acme", "domain": "acme.example", "foundedYear": 1999, "metrics": {"employeesRange": "51-250"},
        "category": {"industry": "Tools"},
    }
}  # fmt: skip
MODULE = """
print("imported")
INPUT_COLS = ["domain"]
OUTPUT_COLS = ["employee_count", "fit_score"]
def enrich(row):
    return {}, ""
"""


def read(path: Path, body: Any, slug: str = "hunter", *options: object) -> dict[str, Any]:
    path.write_text(body if isinstance(body, str) else json.dumps(body))
    told: dict[str, Any] = json.loads(say("parse", slug, path, *options))
    return told


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    return tmp_path / "answer.json"


def test_findings_say_whom_and_what_with_references(answer: Path) -> None:
    told = read(answer, COMPANY)
    assert (told["source"], told["outcome"], told["status"], told["error"]) == ("hunter", "found", 200, None)
    (finding,) = told["findings"]
    assert finding["subject"] == {"kind": "account", "name": "Acme", "domain": "acme.example"}
    founded = next(claim for claim in finding["claims"] if claim["attribute"] == "founded_year")
    assert (founded["value"], founded["raw"]) == (1999, 1999)
    assert founded["references"] and all(founded["references"])


def test_a_value_is_shown_as_cleaned_and_as_received_and_a_refused_one_with_its_reason(
    answer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = {"headcount": "about 50", "founded_year": "long ago", "industry": "", "no_such": "x"}

    def findings(payload, wanted):
        told = [
            Claim(attribute=slug, value=value, references=("https://a.example/",))
            for slug, value in claims.items()
        ]
        return [Finding(subject=Subject(name="Acme"), claims=tuple(told), confidence=0.7)]

    monkeypatch.setattr(registry.get("hunter"), "parse", findings)
    (finding,) = read(answer, {})["findings"]
    assert finding["confidence"] == 0.7
    assert [(claim["attribute"], claim["value"]) for claim in finding["claims"]] == [
        ("headcount", 50),
        ("no_such", "x"),
    ]
    (refused,) = finding["refused"]
    assert (refused["attribute"], refused["raw"]) == ("founded_year", "long ago") and refused["refused"]


def test_a_miss_is_not_found(answer: Path) -> None:
    told = read(answer, {"errors": [{"code": 404}]}, "hunter", "--status", 404)
    assert (told["outcome"], told["findings"], told["error"]) == ("not_found", [], None)


@pytest.mark.parametrize(
    ("status", "name"),
    [(401, "SourceRefused"), (429, "RateLimited"), (500, "SourceUnavailable"), (200, "PayloadChanged")],
)
def test_an_error_has_a_name_and_a_sentence(answer: Path, status: int, name: str) -> None:
    told = read(answer, "<html>", "hunter", "--status", status)
    assert (told["outcome"], told["error"]["class"]) == ("failed", name)
    assert told["error"]["message"]


@pytest.mark.parametrize(
    "headers",
    [
        '{"Retry-After": "7"}',
        '{"retry-after": ["7"]}',
        '{"status": "429 Too Many Requests", "headers": {"Retry-After": 7}}',
        "HTTP/1.1 429 Too Many\nContent-Type: text/html\nRetry-After: 7\n",
    ],
)
def test_headers_come_as_json_or_as_lines(answer: Path, tmp_path: Path, headers: str) -> None:
    (tmp_path / "headers").write_text(headers)
    told = read(answer, "", "hunter", "--status", 429, "--headers", tmp_path / "headers")
    assert told["error"]["retry_after"] == 7


def test_recorded_headers_may_tell_the_status(answer: Path, tmp_path: Path) -> None:
    (tmp_path / "headers").write_text('{"status": "429", "headers": {}}')
    assert read(answer, "", "hunter", "--headers", tmp_path / "headers")["status"] == 429
    assert read(answer, "", "hunter", "--headers", tmp_path / "headers", "--status", 404)["status"] == 404


def test_a_recorded_exchange_is_its_answer(answer: Path) -> None:
    asked = "https://api.hunter.io/v2/companies/find?domain=acme.example"
    told = read(answer, {"request": {"url": asked}, "response": COMPANY})
    assert told["outcome"] == "found"
    assert read(answer, {"request": {"url": asked}, "response": COMPANY, "more": 1})["outcome"] == "failed"
    kept = {"status_code": 200, "headers": {"Content-Type": "application/json"}, "body": COMPANY}
    assert read(answer, {"request": {"url": asked}, "response": kept})["findings"] == told["findings"]
    assert read(answer, {"status": 404, "body": "{}"})["outcome"] == "not_found"
    assert read(answer, {"statusCode": 200, "body": json.dumps(COMPANY)})["outcome"] == "found"


def test_a_page_is_where_its_file_says(tmp_path: Path) -> None:
    told = read(
        tmp_path / "www.acme.com.html",
        "<title>Acme</title><meta name=description content='Makes anvils'>",
        "company_website",
    )
    (finding,) = told["findings"]
    assert finding["subject"]["domain"] == "acme.com"


@pytest.mark.parametrize("slug", sorted(registry.adapters()))
def test_every_source_can_be_read(answer: Path, slug: str) -> None:
    for body in ("", "{}", "[]", "<html>"):
        told = read(answer, body, slug)
        assert told["outcome"] in ("found", "not_found", "failed")
        assert (told["error"] is None) is (told["outcome"] != "failed")


API = {
    "url": "https://api.example.com/{domain}", "attributes": {"headcount": "size"}, "reference": "https://a.example/{id}",
}  # fmt: skip


def test_an_api_is_read_by_its_configuration(answer: Path, tmp_path: Path) -> None:
    (tmp_path / "api.json").write_text(json.dumps(API))
    (finding,) = read(answer, {"size": 7, "id": 1}, "http_api", "--configuration", tmp_path / "api.json")[
        "findings"
    ]
    assert [(claim["value"], claim["references"]) for claim in finding["claims"]] == [
        (7, ["https://a.example/1"])
    ]


@pytest.mark.django_db
def test_an_api_that_was_set_up_is_read_by_its_slug(answer: Path) -> None:
    make_source("acme_api", adapter="http_api", settings=API)
    told = read(answer, {"size": 7, "id": 1}, "acme_api")
    assert (told["outcome"], told["findings"][0]["claims"][0]["value"]) == ("found", 7)


def test_the_seeds_names_work_here_too(answer: Path) -> None:
    assert read(answer, {}, "apollo_enrich")["source"] == "apollo"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("huntr", "{file}"), "There is no source huntr that can be asked. Did you mean hunter?"),
        (("hunter", "{file}s"), "There is no file"),
        (("hunter", "{file}", "--status", 42), "--status is an HTTP status from 100 to 599, not 42."),
        (("hunter", "{file}", "--headers", "{file}"), "holds no headers"),
        (("hunter", "{file}", "--configuration", "{file}"), "holds no JSON"),
    ],
)
@pytest.mark.django_db
def test_what_was_typed_wrong_is_one_sentence(answer: Path, options: tuple[object, ...], says: str) -> None:
    answer.write_text("no headers")
    typed = [str(option).replace("{file}", str(answer)) for option in options]
    with pytest.raises(CommandError) as caught:
        say("parse", *typed)
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_it_is_pure_json_without_any_database(tmp_path: Path) -> None:
    folder = tmp_path / "integrations"
    folder.mkdir()
    (folder / "size.py").write_text(MODULE)
    body = {"kind": "account", "fields": {"employee_count": "51", "fit_score": "A"}, "error": ""}
    (tmp_path / "answer.json").write_text(json.dumps(body))
    environment = {
        "PATH": "", "FOOTNOTE_HOME": str(tmp_path / "home"), "FOOTNOTE_INTEGRATIONS": str(folder),
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    }  # fmt: skip
    command = [sys.executable, "manage.py", "parse", "size", str(tmp_path / "answer.json")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    (finding,) = json.loads(done.stdout)["findings"]
    assert {claim["attribute"]: claim["value"] for claim in finding["claims"]} == {
        "headcount": 51,
        "fit_score": "A",
    }
    wrong = subprocess.run(
        [*command[:3], "nope", command[4]], capture_output=True, text=True, env=environment, timeout=120
    )
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "There is no source nope" in wrong.stderr
