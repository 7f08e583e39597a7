"""Keys of sources come from the environment, or from a file it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from enrichment.keys import key_of, key_variable, other_keys
from enrichment.runs import plan_for
from sources.attributes import Kind
from sources.contract import Secret
from tests.factories import make_source
from tests.fakes import FakeSource


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


class Shared(FakeSource):
    """Named like no other; its vendor's key opens several sources."""

    secret = Secret(env="VENDORS_API_KEY")


def test_sources_of_a_vendor_share_its_key_unless_they_have_their_own(monkeypatch: pytest.MonkeyPatch):
    adapter = Shared("vendor")
    monkeypatch.delenv("VENDORS_API_KEY", raising=False)
    assert (key_variable("vendor", adapter), key_of("vendor", adapter)) == ("VENDORS_API_KEY", "")
    monkeypatch.setenv("VENDORS_API_KEY", "shared")
    assert key_of("vendor", adapter) == "shared"
    monkeypatch.setenv("VENDOR_API_KEY", "own")
    assert key_of("vendor", adapter) == "own"


@pytest.mark.django_db
def test_a_shared_key_lets_a_source_be_asked(monkeypatch: pytest.MonkeyPatch, fakes: dict[str, FakeSource]):
    fakes["vendor"] = Shared("vendor")
    make_source("vendor")
    monkeypatch.delenv("VENDORS_API_KEY", raising=False)
    assert [left.reason for left in plan_for(Kind.ACCOUNT).left_out] == ["has no key"]
    monkeypatch.setenv("VENDORS_API_KEY", "shared")
    assert [step.source.slug for step in plan_for(Kind.ACCOUNT).steps] == ["vendor"]


def test_keys_of_others_are_handed_over_where_they_are_set(monkeypatch: pytest.MonkeyPatch):
    source = FakeSource("fake")
    source.other_secrets = (Secret(env="VENDOR_API_KEY"), Secret(env="NOBODY_API_KEY"))  # type: ignore[misc]
    assert other_keys(source) == {}
    monkeypatch.setenv("VENDOR_API_KEY", "sesame")
    assert other_keys(source) == {"VENDOR_API_KEY": "sesame"}
