"""Keys of sources come from the environment, or from a file it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from enrichment.keys import key_of, key_variable


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key is set."""
    for name in ("VENDOR_API_KEY", "VENDOR_API_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_a_key_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch):
    assert key_of("vendor") == ""
    monkeypatch.setenv(key_variable("vendor"), "sesame")
    assert key_of("vendor") == "sesame"


def test_a_key_is_read_from_the_file_its_variable_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    path = tmp_path / "key"
    path.write_text("sesame\n", encoding="utf-8")
    monkeypatch.setenv("VENDOR_API_KEY_FILE", str(path))
    assert key_of("vendor") == "sesame"


def test_a_file_that_cannot_be_read_holds_no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("VENDOR_API_KEY_FILE", str(tmp_path / "gone"))
    assert key_of("vendor") == ""
