"""How adapters are found."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from sources import registry
from sources.contract import Source


class Good(Source):
    slug = "good"
    label = "Good"

    def fetch(self, call, http):
        return []

    def parse(self, payload, wanted):
        return []


class Twin(Good):
    slug = "company_website"


NOT_A_SOURCE = 1


@pytest.fixture
def installed(monkeypatch):
    """Pretend that packages registered the given entry points: name → object of this module."""

    def pretend(**entries: str) -> None:
        points = [EntryPoint(name, f"{__name__}:{value}", registry.GROUP) for name, value in entries.items()]
        monkeypatch.setattr(registry, "entry_points", lambda group: points if group == registry.GROUP else [])
        registry.adapters.cache_clear()

    yield pretend
    registry.adapters.cache_clear()


def test_every_file_of_the_folder_is_a_source():
    assert {"company_website", "email_provider"} <= set(registry.adapters())
    assert list(registry.adapters()) == sorted(registry.adapters())
    assert registry.get("email_provider") is registry.adapters()["email_provider"]


def test_an_unknown_slug_names_those_there_are():
    with pytest.raises(KeyError, match="company_website"):
        registry.get("nope")


def test_a_package_adds_its_source(installed):
    installed(good="Good")
    assert isinstance(registry.get("good"), Good)


@pytest.mark.parametrize(
    "entry", [{"bad": "MISSING"}, {"bad": "NOT_A_SOURCE"}, {"bad": "Good"}, {"bad": "Source"}]
)
def test_a_broken_package_is_reported_and_left_out(installed, caplog, entry):
    installed(good="Good", **entry)
    assert "good" in registry.adapters()
    assert "bad" not in registry.adapters()
    assert "'bad'" in caplog.text


def test_a_package_cannot_replace_a_source_of_ours(installed, caplog):
    installed(company_website="Twin")
    assert not isinstance(registry.get("company_website"), Twin)
    assert "exists already" in caplog.text


@pytest.mark.parametrize("members", [{}, {"A": Good, "B": Twin}, {"A": Twin}])
def test_a_broken_file_of_ours_raises(monkeypatch, members):
    module = ModuleType("sources.adapters.good")
    for name, member in members.items():
        setattr(module, name, type(name, (member,), {"__module__": module.__name__}))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(TypeError, match="one Source with the slug 'good'"):
        registry._adapter_of(module, "good")
