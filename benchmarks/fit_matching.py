"""Fits the match score (sources/data/match_model.json) to labelled pairs; needs numpy, which nothing else here does.

    python -m benchmarks.fit_matching --accounts accounts.csv --queries queries.csv --pairs company_name_pairs_listed.csv

Gradient boosting (Newton steps on the logistic loss) of trees that ask one question a level, over
`sources.identity.evidence.FEATURES`. The figures are cross-fitted: companies are split in two halves by a hash of
their first truth id, each half is scored by trees fitted to the other. The shipped trees are then fitted to all; the
file carries the held-out figures.
"""

from __future__ import annotations

import argparse
import csv
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.matching import SHARED, Query, ask, figures, make_distractors, read_accounts, read_queries
from sources.identity import NameIndex, name_key, similarity
from sources.identity.candidates import clean_domain
from sources.identity.evidence import FEATURES, Facts, evidence, fold_place, in_company
from sources.identity.model import DEPTH, Model

TARGET = Path(__file__).resolve().parent.parent / "sources" / "data" / "match_model.json"
_PAIR_WEIGHT = 0.5
_TREES = 48
_RATE = 0.25
_CALM = 3.0
_MOST_BINS = 48
_SHARE_OF_FEATURES = 0.5
_SHARE_OF_ROWS = 0.7

Array = Any
"""A numpy array; numpy is not among the packages that types are checked with."""


class Sample(NamedTuple):
    """A compared pair: its evidence, whether it is one company, the query it belongs to, and its half."""

    evidence: list[float]
    same: bool
    query: int
    half: int
    weight: float


def half_of(company: str) -> int:
    """0 or 1, the same for all queries about one company."""
    return zlib.crc32(company.encode()) % 2


def half_of_query(query: Query) -> int:
    """The half of the company a query means; an absent one is known by its name."""
    return half_of(min(query.truth, default=f"absent {query.subject.name}"))


def sample_queries(index: NameIndex, queries: Sequence[Query]) -> list[Sample]:
    """Every pair that a search compares, labelled."""
    samples = []
    for number, query in enumerate(queries):
        subject = query.subject
        asked = Facts(name_key(subject.name), clean_domain(subject.domain), fold_place(subject.city), "")
        half = half_of_query(query)
        rows = index.pool(asked)
        for row, pair in zip(
            rows, in_company([evidence(asked, index.facts(row)) for row in rows]) if rows else (), strict=True
        ):
            samples.append(Sample(pair, index.id_of(row) in query.truth, number, half, 1.0))
    return samples


def sample_pairs(path: Path) -> list[Sample]:
    """The labelled pairs of names of a CSV with name_a, name_b, label, entity_a."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Sample(
                in_company([evidence(Facts(name_key(row["name_a"])), Facts(name_key(row["name_b"])))])[0],
                row["label"] == "1",
                -1,
                half_of(row["entity_a"]),
                _PAIR_WEIGHT,
            )
            for row in csv.DictReader(file)
        ]


class Tree(NamedTuple):
    """DEPTH questions (feature, above) and the 2 ** DEPTH values their answers pick from."""

    splits: list[tuple[int, float]]
    values: Array


class Trees(NamedTuple):
    """The start of the sum, in log odds, and the trees."""

    start: float
    trees: list[Tree]

    def probabilities(self, x: Array) -> Array:
        """The probability of each row of `x`."""
        return _as_probability(self.start + sum(tree.values[_places(tree.splits, x)] for tree in self.trees))


def _as_probability(log_odds: Any) -> Any:
    return 1 / (1 + np.exp(-log_odds))


def _places(splits: Sequence[tuple[int, float]], x: Array) -> Array:
    places = np.zeros(len(x), int)
    for feature, above in splits:
        places = places * 2 + (x[:, feature] > above)
    return places


def _cuts(column: Array) -> Array:
    """Where a feature may be split: between its values, or at quantiles when it has many."""
    values = np.unique(column)
    if len(values) > _MOST_BINS:
        values = np.unique(np.quantile(column, np.linspace(0, 1, _MOST_BINS + 1)[1:-1]))
        return np.unique(np.round(values, 3))
    return np.unique(np.round((values[:-1] + values[1:]) / 2, 3))


def fit(samples: Sequence[Sample], seed: int = 1) -> Trees:
    """Trees fitted to `samples`."""
    chance = np.random.default_rng(seed)
    x = np.array([sample.evidence for sample in samples])
    y = np.array([sample.same for sample in samples], float)
    weight = np.array([sample.weight for sample in samples])
    cuts = [_cuts(column) for column in x.T]
    bins = np.stack([np.searchsorted(cut, column) for cut, column in zip(cuts, x.T, strict=True)], 1)
    start = float(np.log((weight * y).sum() / (weight * (1 - y)).sum()))
    log_odds = np.full(len(y), start)
    trees = []
    for _ in range(_TREES):
        p = _as_probability(log_odds)
        rows = np.flatnonzero(chance.random(len(y)) < _SHARE_OF_ROWS)
        features = chance.choice(len(cuts), int(_SHARE_OF_FEATURES * len(cuts)), replace=False)
        gradient, curvature = (weight * (y - p))[rows], (weight * p * (1 - p))[rows]
        tree = _grow(bins[rows], cuts, features, gradient, curvature)
        log_odds += tree.values[_places(tree.splits, x)]
        trees.append(tree)
    return Trees(start, trees)


def _grow(bins: Array, cuts: Sequence[Array], features: Array, gradient: Array, curvature: Array) -> Tree:
    """One tree: at each level the question that lowers the loss most over all leaves."""
    leaves, splits = np.zeros(len(bins), int), []
    for level in range(DEPTH):
        gains = {
            int(f): _gain(leaves, 1 << level, bins[:, f], len(cuts[f]), gradient, curvature) for f in features
        }
        feature = max(gains, key=lambda f: gains[f][0])
        cut = gains[feature][1]
        splits.append((feature, float(cuts[feature][cut])))
        leaves = leaves * 2 + (bins[:, feature] > cut)
    sums = [np.bincount(leaves, part, 1 << DEPTH) for part in (gradient, curvature)]
    return Tree(splits, _RATE * sums[0] / (sums[1] + _CALM))


def _gain(
    leaves: Array, count: int, column: Array, cuts: int, gradient: Array, curvature: Array
) -> tuple[float, int]:
    """The best gain of one feature at this level, and the cut that has it."""
    if not cuts:
        return -1.0, 0
    places = leaves * (cuts + 1) + column
    g, h = (
        np.bincount(places, p, count * (cuts + 1)).reshape(count, -1).cumsum(1) for p in (gradient, curvature)
    )
    total_g, total_h = g[:, -1:], h[:, -1:]
    gain = (g**2 / (h + _CALM) + (total_g - g) ** 2 / (total_h - h + _CALM)).sum(0)[:cuts]
    best = int(gain.argmax())
    return float(gain[best]), best


def as_json(trees: Trees, note: dict[str, Any]) -> str:
    """The trees as the text that `sources.identity.model` reads, one tree a line."""
    head = json.dumps({"note": note, "features": list(FEATURES), "start": round(trees.start, 4)})
    lines = [json.dumps([tree.splits, [round(float(v), 4) for v in tree.values]]) for tree in trees.trees]
    return head[:-1] + ', "trees": [\n' + ",\n".join(lines) + "\n]}\n"


def cross_fit(index: NameIndex, samples: Sequence[Sample], queries: Sequence[Query]) -> dict[str, Any]:
    """The figures of each half under trees fitted to the other, and of both together."""
    halves = []
    for half in (0, 1):
        trees = fit([sample for sample in samples if sample.half != half])
        similarity._MODEL = Model(as_json(trees, {}), FEATURES)
        halves.append(ask(index, [query for query in queries if half_of_query(query) == half]))
    wanted = (
        "queries",
        "precision",
        "recall",
        "f1",
        "automatic_share",
        "automatic_precision",
        "review_share",
        "false_accepts",
    )
    first, second, both = (
        {name: value for name, value in figures(answers).items() if name in wanted}
        for answers in (halves[0], halves[1], halves[0] + halves[1])
    )
    return {**both, "halves": [first, second]}


def main() -> None:
    """Fit, write the model, print its cross-fitted figures as one JSON line."""
    parser = argparse.ArgumentParser(description="Fit the match score.")
    parser.add_argument("--accounts", type=Path, default=SHARED / "accounts.csv")
    parser.add_argument("--queries", type=Path, default=SHARED / "queries.csv")
    parser.add_argument("--pairs", type=Path, default=SHARED / "company_name_pairs_listed.csv")
    parser.add_argument("--distractors", type=int, default=200_000)
    options = parser.parse_args()
    accounts, queries = read_accounts(options.accounts), read_queries(options.queries)
    index = NameIndex([*accounts, *make_distractors(accounts, options.distractors)])
    samples = sample_queries(index, queries) + sample_pairs(options.pairs)
    held_out = cross_fit(index, samples, queries)
    note = {"fitted_by": "benchmarks.fit_matching", "pairs": len(samples), "held_out": held_out}
    TARGET.write_text(as_json(fit(samples), note), encoding="utf-8")
    print(json.dumps(note))


if __name__ == "__main__":
    main()
