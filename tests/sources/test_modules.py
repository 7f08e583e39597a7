"""Plain modules as sources: what is taken, what is left out and why, what a row hands over and brings back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from sources import registry
from sources.attributes import Kind
from sources.contract import Call, Payload, Question, Source, Subject
from sources.errors import PayloadChanged, SourceError
from sources.modules import PACKAGE, ModuleSource, load

GOOD = '''
"""Integration: Size of a company"""
INPUT_COLS = ["company_domain"]
OUTPUT_COLS = ["employee_count", "Fit Score"]
def enrich(row):
    {body}
'''
ACME = Subject(
    kind=Kind.ACCOUNT, name="Acme", domain="acme.com", known={"headcount": 12, "tech_stack": ["Go", "C"]}
)


@pytest.fixture(autouse=True)
def forgotten():
    """No test sees the modules of another."""
    yield
    registry.use_modules(None)
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]


def write(folder: Path, body: str = "return {}, ''", name: str = "size.py", text: str = GOOD) -> Path:
    (folder / name).write_text(text.replace("{body}", body))
    return folder


def module(folder: Path, body: str) -> Source:
    return load(write(folder, body)).sources["size"]


def answer(source: Source, subject: Subject = ACME) -> Payload:
    (payload,) = source.fetch(Call(questions=[Question(subject=subject)], wanted={}), None)  # type: ignore[arg-type]
    assert isinstance(payload, Payload)
    return payload


def claimed(source: Source, subject: Subject = ACME) -> dict[str, Any]:
    (finding,) = source.parse(answer(source, subject), {})
    assert finding.names_nobody and finding.subject.kind is subject.kind
    return {claim.attribute: claim.value for claim in finding.claims}


def failure(source: Source, subject: Subject = ACME) -> str:
    with pytest.raises(SourceError) as caught:
        source.parse(answer(source, subject), {})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_module_declares_a_source(tmp_path: Path):
    source = module(tmp_path, "return {}, ''")
    assert (source.slug, source.label) == ("size", "Size of a company")
    assert (source.needs, source.provides) == ((("domain",),), ("headcount", "fit_score"))
    assert source.columns == ("employee_count", "Fit Score")
    assert source.kinds == {Kind.ACCOUNT}


@pytest.mark.parametrize(
    ("inputs", "outputs", "kinds", "needs"),
    [
        (["linkedin_url"], ["headline", "location"], {Kind.CONTACT}, (("linkedin_url",),)),
        (["company_domain"], ["ceo_name"], {Kind.ACCOUNT}, (("domain",),)),
        (["job_title"], ["seniority"], {Kind.CONTACT}, (("job_title",),)),
        (["Budget Code"], ["verdict"], set(Kind), (("budget_code",),)),
        (["company_name"], ["verdict"], {Kind.ACCOUNT}, (("name",),)),
        (["ceo_name", "domain"], ["ceo_email"], {Kind.ACCOUNT}, (("ceo_name", "domain"),)),
    ],
)
def test_the_columns_say_what_it_speaks_of(tmp_path: Path, inputs, outputs, kinds, needs):
    text = f"INPUT_COLS = {inputs!r}\nOUTPUT_COLS = {outputs!r}\ndef enrich(row): return {{}}, ''\n"
    source = load(write(tmp_path, text=text)).sources["size"]
    assert (source.kinds, source.needs) == (kinds, needs)


def test_values_come_back_as_claims_with_a_reference(tmp_path: Path):
    source = module(tmp_path, "return {'employee_count': 51, 'Fit Score': 'A', 'more': 1}, ''")
    assert claimed(source) == {"headcount": 51, "fit_score": "A"}
    (finding,) = source.parse(answer(source), {})
    assert {claim.references for claim in finding.claims} == {("integration:size",)}


@pytest.mark.parametrize(
    ("value", "kept"),
    [("['a', 'b']", "a, b"), ("{'a': [1]}", '{"a": [1]}'), ("__import__('decimal').Decimal('1.5')", "1.5")],
)
def test_several_values_are_one_text_where_a_text_is_wanted(tmp_path: Path, value, kept):
    assert claimed(module(tmp_path, f"return {{'Fit Score': {value}}}, ''")) == {"fit_score": kept}


@pytest.mark.parametrize(
    "body",
    ["return {}, ''", "return {}, None", "return {'employee_count': None, 'Fit Score': float('nan')}, ''"],
)
def test_nothing_is_not_found(tmp_path: Path, body):
    source = module(tmp_path, body)
    assert source.parse(answer(source), {}) == ()


def test_a_text_is_a_failure_in_its_own_words_and_is_kept(tmp_path: Path):
    source = module(tmp_path, "return {}, 'size error:\\n no such company'")
    assert json.loads(answer(source).body)["error"] == "size error: no such company"
    assert failure(source) == "size error: no such company"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return None", "size returned nothing where a pair (dict, error) is wanted"),
        ("return {}", "size returned a value of type dict where a pair (dict, error) is wanted"),
        ("return {}, '', 3", "size returned 3 values where a pair (dict, error) is wanted"),
        ("return None, ''", "size returned nothing where a dict of columns is wanted"),
        ("return 'ab', ''", "size returned a value of type str where a dict of columns is wanted"),
        ("return {}, 404", "size returned a value of type int where the text of an error is wanted"),
        ("return {'Fit Score': {(1, 2): 3}}, ''", "size returned what cannot be kept as JSON"),
        ("return {'Fit Score': 'x' * 3_000_000}, ''", "size returned more than 2,000,000 bytes"),
        ("raise ValueError('no\\nnumber')", "size raised ValueError: no number"),
        ("raise SystemExit(1)", "size raised SystemExit: 1"),
        ("return row['company']", "size raised KeyError: 'company'"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_one_sentence(tmp_path: Path, body, says):
    assert failure(module(tmp_path, body)).startswith(says)


def test_a_secret_of_the_environment_stays_out_of_what_is_said(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SIZE_API_KEY", "k-123456789")
    said = failure(module(tmp_path, "raise OSError('GET https://size.example/?key=k-123456789 failed')"))
    assert said == "size raised OSError: GET https://size.example/?key=*** failed"


def test_a_row_ends_although_its_module_does_not(tmp_path: Path, monkeypatch):
    source = module(tmp_path, "import threading; threading.Event().wait(30)")
    monkeypatch.setattr(type(source), "limits", type(source.limits)(deadline=0.05))
    assert failure(source) == "size did not end within 0.05 s"


def test_the_row_is_the_spreadsheets_own(tmp_path: Path):
    source = module(tmp_path, "return {'Fit Score': sorted(row.items())}, ''")
    row = {"Company": "ACME, Inc.", "company_domain": "https://acme.com/", "Note": ""}
    kept = json.loads(answer(source, Subject(domain="acme.com", row=row)).body)["fields"]["Fit Score"]
    assert dict(kept) == row


def test_a_column_that_the_spreadsheet_lacks_is_what_is_known(tmp_path: Path):
    source = module(tmp_path, "return {'Fit Score': row['company_domain']}, ''")
    row = {"Company": "ACME", "company_domain": ""}
    assert claimed(source, Subject(domain="acme.com", row=row)) == {"fit_score": "acme.com"}


def test_a_record_without_a_row_is_its_values_under_all_their_names(tmp_path: Path):
    source = module(tmp_path, "return {'Fit Score': row}, ''")
    kept = json.loads(answer(source).body)["fields"]["Fit Score"]
    for name, value in {
        "name": "Acme", "company_name": "Acme", "domain": "acme.com", "company_domain": "acme.com",
        "headcount": "12", "employee_count": "12", "tech_stack": "Go, C",
    }.items():  # fmt: skip
        assert kept[name] == value
    assert "full_name" not in kept


def test_a_cell_that_was_no_proper_value_is_no_input():
    subject = Subject(name="Acme", row={"Domain": "n/a", "Budget Code": "A1"})
    assert subject.told("domain") == ""  # it was read, and refused
    assert (subject.told("budget_code"), subject.told("name"), subject.told("row")) == ("A1", "Acme", "")


def test_the_same_inputs_are_the_same_question(tmp_path: Path):
    source = module(tmp_path, "return {}, ''")
    rows = [{"company_domain": "acme.com", "Note": note} for note in ("a", "b")]
    one, other = (source.question(Subject(domain="acme.com", row=row)) for row in rows)
    assert one == other == {"company_domain": "acme.com"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("raise RuntimeError('SIZE_KEY not set')", "It cannot be imported: RuntimeError: SIZE_KEY not set"),
        ("import sys; sys.exit('no key')", "It cannot be imported: SystemExit: no key"),
        ("import nowhere_to_be_found", "It cannot be imported: ModuleNotFoundError: No module named"),
        ("def enrich(:", "It cannot be imported: SyntaxError: "),
        ("x = 1", "It declares no INPUT_COLS."),
        ("INPUT_COLS = ['domain']", "It declares no OUTPUT_COLS."),
        ("INPUT_COLS = 'domain'", "INPUT_COLS is no list of column names."),
        ("INPUT_COLS = []", "INPUT_COLS is no list of column names."),
        ("INPUT_COLS = ['domain', 7]", "INPUT_COLS holds 7, which is no name of a column."),
        (
            "INPUT_COLS = ['domain']; OUTPUT_COLS = ['!']",
            "OUTPUT_COLS holds '!', which is no name of a column.",
        ),
        ("INPUT_COLS = ['domain']; OUTPUT_COLS = ['x']", "It has no plain function enrich(row)."),
        (
            "INPUT_COLS = OUTPUT_COLS = ['domain']\nasync def enrich(row): pass",
            "It has no plain function enrich(row).",
        ),
    ],
)
def test_a_module_that_cannot_be_used_is_left_out_with_its_reason(tmp_path: Path, text, says):
    write(tmp_path, name="bad.py", text=text)
    found = load(write(tmp_path))
    assert list(found.sources) == ["size"]
    assert found.left_out["bad.py"].startswith(says)


def test_modules_may_share_a_helper(tmp_path: Path):
    write(tmp_path, name="_shared.py", text="ANSWER = 42")
    found = load(write(tmp_path, "from ._shared import ANSWER; return {'employee_count': ANSWER}, ''"))
    assert list(found.sources) == ["size"] and not found.left_out
    assert claimed(found.sources["size"]) == {"headcount": 42}


def test_the_registry_finds_them_beside_ours_which_stay(tmp_path: Path):
    write(tmp_path, name="company_website.py")
    registry.use_modules(write(tmp_path))
    assert isinstance(registry.get("size"), ModuleSource)
    assert not isinstance(registry.get("company_website"), ModuleSource)
    assert registry.left_out() == {
        "company_website.py": "There is another source called company_website: rename the file."
    }
    registry.use_modules(None)
    assert "size" not in registry.adapters() and not registry.left_out()


def test_a_folder_that_is_none_is_said(tmp_path: Path):
    registry.use_modules(tmp_path / "nowhere")
    assert registry.left_out()["FOOTNOTE_INTEGRATIONS"].endswith("nowhere is no folder.")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"kind": "planet", "fields": {}, "error": ""}', b'{"kind": "account", "fields": 3, "error": ""}', b"[" * 100_000]
)  # fmt: skip
def test_a_payload_that_no_module_wrote_is_refused(tmp_path: Path, body):
    with pytest.raises(PayloadChanged):
        module(tmp_path, "return {}, ''").parse(Payload(status=200, body=body), {})
