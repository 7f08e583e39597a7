"""P6: rows matched to known companies, against fuzzy matching alone and what the candidates allow."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rapidfuzz import fuzz, process

from benchmarks import matching
from benchmarks.table import Row

ROOT = Path(__file__).resolve().parent.parent
NOTE = (
    "peer is rapidfuzz over all names, best score of at least {cutoff}, asked {asked} of the rows; "
    "limit is the share of companies among the five best candidates"
)
CUTOFF = 88  # of 100: the best F1 of the peer lies near it


def rows(*, quick: bool) -> list[Row]:
    """F1, precision of automatic acceptance, speed and memory, among 200,000 accounts."""
    accounts, queries = matching.SHARED / "accounts.csv", matching.SHARED / "queries.csv"
    if not (accounts.is_file() and queries.is_file()):
        return [
            Row(
                number="P6",
                path="not measured",
                note="the labelled rows are in the folder ../shared beside the project, which is not there",
            )
        ]
    total = 0 if quick else 200_000
    print("measuring p6 …", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.matching", "--distractors", str(total)],
        cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True,
    )  # fmt: skip
    ours = json.loads(done.stdout)
    asked = 20 if quick else 200
    peer_f1, peer_speed = _rapidfuzz(accounts, queries, total, asked)
    what = f"match {ours['queries']:,} rows to {ours['accounts']:,} accounts"
    note = NOTE.format(cutoff=CUTOFF, asked=asked)
    return [
        Row(number="P6", path=what, ours=ours["f1"], peer=peer_f1, limit=ours["recall_top_5"], unit="F1", at_least=0.90, note=note),
        Row(number="P6", path="of these accepted unseen", ours=ours["automatic_precision"], unit="precision", at_least=0.98),
        Row(number="P6", path="speed on one core", ours=ours["rows_per_second"], peer=peer_speed, unit="rows/s", at_least=2000),
        Row(number="P6", path="process at its largest", ours=ours["peak_mb"], unit="MiB", at_most=500),
    ]  # fmt: skip


def _rapidfuzz(accounts: Path, queries: Path, total: int, asked: int) -> tuple[float, float]:
    """F1 and rows per second of CPU of comparing a sample of the rows with every name."""
    known = matching.read_accounts(accounts)
    known += matching.make_distractors(known, total)
    names = [entry.name.casefold() for entry in known]
    sample = random.Random(7).sample(matching.read_queries(queries), asked)
    started = time.process_time()
    answers = [
        process.extractOne(query.subject.name.casefold(), names, scorer=fuzz.token_sort_ratio, score_cutoff=CUTOFF)
        for query in sample
    ]  # fmt: skip
    seconds = time.process_time() - started
    correct = [
        known[answer[2]].id in query.truth for query, answer in zip(sample, answers, strict=True) if answer
    ]
    return _f1(correct, sum(bool(query.truth) for query in sample)), asked / seconds


def _f1(correct: Sequence[bool], present: int) -> float:
    return 2 * sum(correct) / (len(correct) + present) if correct or present else 0.0
