"""The fitted score: boosted trees from a small data file, evaluated in plain Python."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_FILE = Path(__file__).resolve().parent.parent / "data" / "match_model.json"
_GLANCE = 12
_HOPELESS = -3.5

_Tree = tuple[int, float, int, float, int, float, int, float, tuple[float, ...]]

DEPTH = 4
"""Questions that each tree asks; the four answers pick one of its 16 values."""


class Model:
    """A sum of trees as a probability. The file says how it was fitted; `benchmarks.fit_matching` writes it.

    A tree asks the same question at all nodes of a level ("is feature f above t?"), so that its answers are the bits
    of a place in its list of values.
    """

    def __init__(self, text: str, features: Sequence[str]) -> None:
        """Read the JSON of a model; raises ValueError when it was fitted to other features than `features`."""
        content = json.loads(text)
        if content["features"] != list(features):
            raise ValueError(
                "the match model was fitted to other features: run benchmarks.fit_matching again"
            )
        self._start = float(content["start"])
        trees: list[_Tree] = [
            (
                int(a),
                float(above_a),
                int(b),
                float(above_b),
                int(c),
                float(above_c),
                int(d),
                float(above_d),
                tuple(values),
            )
            for ((a, above_a), (b, above_b), (c, above_c), (d, above_d)), values in content["trees"]
        ]
        self._first, self._rest = trees[:_GLANCE], trees[_GLANCE:]

    def probability(self, evidence: Sequence[float]) -> float:
        """How probable it is, 0 to 1, that a pair with this evidence is one company.

        A pair that the first trees find hopeless is not asked the rest.
        """
        total = self._sum(evidence, self._start, self._first)
        if total > _HOPELESS:
            total = self._sum(evidence, total, self._rest)
        return 1 / (1 + math.exp(-total))

    @staticmethod
    def _sum(x: Sequence[float], total: float, trees: Sequence[_Tree]) -> float:
        for a, above_a, b, above_b, c, above_c, d, above_d, values in trees:
            total += values[
                (x[a] > above_a) << 3 | (x[b] > above_b) << 2 | (x[c] > above_c) << 1 | (x[d] > above_d)
            ]
        return total


def load(features: Sequence[str]) -> Model:
    """The model that ships with the library."""
    return Model(_FILE.read_text(encoding="utf-8"), features)


def shipped_note() -> dict[str, Any]:
    """How the shipped model was fitted, and how well it does on rows it was not fitted to."""
    note: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))["note"]
    return note
