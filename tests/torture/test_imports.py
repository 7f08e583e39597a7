"""An import that is killed leaves all of its rows or none (reliability, F20); `make torture TORTURE=imports` is the long one."""

from __future__ import annotations

import os

from tests.torture.imports import FILLS, Imports, imports


def test_a_killed_import_leaves_all_rows_or_none_and_comes_in_whole_afterwards() -> None:
    database = os.environ.get("DATABASE_URL", "sqlite")
    outcome = imports(Imports(database=database, seed=20, rows=1000, kills=4))
    assert not outcome.broken
    assert outcome.counts["left nothing"] > 0
    assert outcome.counts["left nothing"] + outcome.counts.get("left all", 0) == 4 + FILLS
