"""Every recording of every source ends by name; the table shows it."""

from __future__ import annotations

import pytest

from sources import registry
from tests.sources import shown

SAYS_NOTHING = {"ai_research", "datagen_find_ceo", "datagen_linkedin", "datagen_web_research"}
"""Sources whose recordings are answers to other questions, or shapes without content."""


@pytest.mark.shared
@pytest.mark.parametrize("slug", sorted(registry.adapters()))
def test_every_recording_of_a_source_passes(slug: str, shared):
    reads = shown.all_of(slug, shared / "payloads")
    assert [each for each in reads if not each.is_passed] == []
    is_recorded = any((shared / "payloads" / name).is_dir() for name in shown.FOLDERS.get(slug, (slug,)))
    assert bool(reads) == is_recorded
    assert any(each.claims for each in reads) == (
        is_recorded and slug not in SAYS_NOTHING | {"email_provider"}
    )


def test_no_folder_of_recordings_is_left_out(shared):
    read = {name for slug in registry.adapters() for name in shown.FOLDERS.get(slug, (slug,))}
    assert {folder.name for folder in (shared / "payloads").iterdir()} <= read


@pytest.mark.parametrize(
    ("status", "end", "is_passed"),
    [(200, "found", True), (404, "not_found", True), (401, "SourceRefused", True), (200, "broken", False), (404, "found", False)],
)  # fmt: skip
def test_what_has_passed(status: int, end: str, is_passed: bool):
    assert shown.Read("x/y.json", status, end, 0).is_passed is is_passed


def test_a_file_that_cannot_be_read_is_broken(tmp_path):
    told = shown.read("apollo", tmp_path / "gone.json", 200)
    assert (told.end, told.is_passed) == ("broken", False)
    assert "gone.json" in told.message


def test_a_row_has_files_ends_claims_and_lines():
    reads = [
        shown.Read("a", 200, "found", 3),
        shown.Read("b", 200, "found", 9),
        shown.Read("c", 404, "found", 1),
    ]
    assert shown.line("clay", reads).split()[:6] == ["clay", "2", "of", "3", "3", "0"]
    assert "no recording" in shown.line("clay", [])
