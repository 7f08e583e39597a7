"""How well and how fast rows are matched to known companies, on any pair of files: one JSON line.

    python -m benchmarks.matching --accounts accounts.csv --queries queries.csv

Accounts are a CSV with id, name, domain, city, country; queries with kind, name, domain, city, truth_ids. The truth ids,
separated by blanks, are all records of the company meant; a query without any means a company that is absent.
Distractors, made from recombined parts of the accounts' names with a fixed seed, fill the accounts up to --distractors.

Definitions, over all queries:
proposed             the verdict is confirmed or review; its candidate is the system's answer
correct              the answer's id is among the truth ids
precision            correct ÷ proposed
recall               correct ÷ queries whose company is present
f1                   their harmonic mean
automatic            the verdict is confirmed; automatic_precision = correct ÷ confirmed
review_share         verdicts of review ÷ queries; several candidates as near as the best are review too
false_accepts        absent companies confirmed as some record (false_accepts_of: how many were asked)
recall_top_5         present companies among the five best candidates ÷ present
cross_fitted         f1 and automatic precision of the shipped score on companies it was not fitted to: the score is
                     fitted to the labelled rows beside this project, so for those rows believe this figure
rows_per_second      queries ÷ seconds of CPU for search and judge: one core
build_seconds        seconds of CPU for the index, making the distractors included; peak_mb is the process at its largest, in MiB
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sources.contract import Subject
from sources.identity import Entry, Judgement, NameIndex, Verdict, judge, name_key
from sources.identity.model import shipped_note

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "matching"
_ENDINGS = (".com", ".com", ".com", ".net", ".org", ".co.uk", ".de", ".io")


class Query(NamedTuple):
    """A row to match and the ids that would be right (none: the company is absent)."""

    kind: str
    subject: Subject
    truth: frozenset[str]


def read_accounts(path: Path) -> list[Entry]:
    """The accounts of a CSV file with id, name, domain, city, country."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Entry(r["id"], r["name"], r["domain"], r["city"], r["country"]) for r in csv.DictReader(file)]


def read_queries(path: Path) -> list[Query]:
    """The queries of a CSV file with kind, name, domain, city, truth_ids."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Query(
                row["kind"],
                Subject(name=row["name"], domain=row["domain"], city=row["city"]),
                frozenset(row["truth_ids"].split()),
            )
            for row in csv.DictReader(file)
        ]


def make_distractors(accounts: Sequence[Entry], total: int, *, seed: int = 7) -> Iterator[Entry]:
    """Companies that do not exist, until there are `total` with `accounts`: names and places of real ones, recombined.

    None has a name key or a domain of an account or of another distractor.
    """
    chance = random.Random(seed)
    keys = {name_key(entry.name) for entry in accounts}
    domains = {entry.domain for entry in accounts}
    made, tries = 0, 0
    while len(accounts) + made < total and tries < 20 * total:
        tries += 1
        first, second, place = (chance.choice(accounts) for _ in range(3))
        name = _recombine(first.name.split(), second.name.split(), chance)
        key = name_key(name)
        if not key or key in keys:
            continue
        keys.add(key)
        domain = (
            key.replace(" ", "") + chance.choice(_ENDINGS) if key.isascii() and chance.random() < 0.5 else ""
        )
        domain = "" if domain in domains else domain
        domains.add(domain)
        made += 1
        yield Entry(f"distractor-{made}", name, domain, place.city, place.country)


def _recombine(first: list[str], second: list[str], chance: random.Random) -> str:
    """The start of one name with the end of another; single words are cut in the middle half of the time."""
    if len(first) > 1 and len(second) > 1:
        words = first[: chance.randint(1, len(first) - 1)] + second[chance.randint(1, len(second) - 1) :]
    elif first and second and len(first) == 1 and (len(second) == 1 or chance.random() < 0.5):
        start, end = first[0], second[0]
        words = [start[: max(2, len(start) // 2)] + end[len(end) // 2 :].lower(), *second[1:2]]
    else:
        words = first[:1] + second[-1:]
    return " ".join(words)


class Answer(NamedTuple):
    """What the system said to a query."""

    query: Query
    judgement: Judgement

    @property
    def is_correct(self) -> bool:
        """Whether the proposed record is one of those meant."""
        candidate = self.judgement.candidate
        return candidate is not None and candidate.id in self.query.truth


def measure(accounts: Iterable[Entry], queries: Sequence[Query]) -> dict[str, Any]:
    """Build an index of `accounts`, ask it all `queries`, and return the figures named in the module docstring."""
    started = time.process_time()
    index = NameIndex(accounts)
    built = time.process_time()
    answers = ask(index, queries)
    asked = time.process_time()
    return {
        "accounts": len(index),
        **figures(answers),
        "rows_per_second": round(len(queries) / (asked - built)),
        "build_seconds": round(built - started, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def ask(index: NameIndex, queries: Iterable[Query]) -> list[Answer]:
    """Search and judge each query."""
    return [Answer(query, judge(index.search(query.subject))) for query in queries]


def figures(answers: Sequence[Answer]) -> dict[str, Any]:
    """The figures of quality named in the module docstring."""
    present = [answer for answer in answers if answer.query.truth]
    proposed = [answer for answer in answers if answer.judgement.verdict is not Verdict.NONE]
    automatic = [answer for answer in answers if answer.judgement.verdict is Verdict.CONFIRMED]
    right = sum(answer.is_correct for answer in proposed)
    found = sum(any(c.id in answer.query.truth for c in answer.judgement.candidates) for answer in present)
    return {
        "queries": len(answers),
        "precision": _share(right, len(proposed)),
        "recall": _share(right, len(present)),
        "f1": _share(2 * right, len(proposed) + len(present)),
        "automatic_share": _share(len(automatic), len(answers)),
        "automatic_precision": _share(sum(answer.is_correct for answer in automatic), len(automatic)),
        "review_share": _share(len(proposed) - len(automatic), len(answers)),
        "false_accepts": sum(not answer.query.truth for answer in automatic),
        "false_accepts_of": len(answers) - len(present),
        "recall_top_5": _share(found, len(present)),
        "recall_by_kind": _recall_by_kind(present),
    }


def _recall_by_kind(present: Sequence[Answer]) -> dict[str, float]:
    kinds: dict[str, list[bool]] = {}
    for answer in present:
        is_proposed = answer.judgement.verdict is not Verdict.NONE
        kinds.setdefault(answer.query.kind, []).append(is_proposed and answer.is_correct)
    return {kind: _share(sum(found), len(found)) for kind, found in sorted(kinds.items())}


def _share(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, measure, print one JSON line."""
    parser = argparse.ArgumentParser(description="Measure the matching of rows to known companies.")
    parser.add_argument("--accounts", type=Path, default=SHARED / "accounts.csv")
    parser.add_argument("--queries", type=Path, default=SHARED / "queries.csv")
    parser.add_argument(
        "--distractors", type=int, default=200_000, help="accounts in all, distractors included"
    )
    parser.add_argument("--seed", type=int, default=7, help="of the distractors")
    options = parser.parse_args(arguments)
    for path in (options.accounts, options.queries):
        if not path.is_file():
            parser.error(f"{path} is not there: name a CSV file with --accounts and one with --queries")
    accounts = read_accounts(options.accounts)
    queries = read_queries(options.queries)

    def entries() -> Iterator[Entry]:
        yield from accounts
        yield from make_distractors(accounts, options.distractors, seed=options.seed)

    print(json.dumps({**measure(entries(), queries), "cross_fitted": shipped_note().get("held_out", {})}))


if __name__ == "__main__":
    main()
