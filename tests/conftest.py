"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sources import registry
from tests.fakes import FakeSource

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of corpora beside the project; without it the test is skipped, in CI it fails."""
    if SHARED.is_dir():
        return SHARED
    if os.environ.get("CI"):
        pytest.fail("CI needs the shared folder beside the project")
    pytest.skip("needs the shared folder beside the project")


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeSource]:
    """Adapters that the registry finds, by slug; tests put theirs in."""
    found: dict[str, FakeSource] = {}
    monkeypatch.setattr(registry, "adapters", lambda: found)
    return found
