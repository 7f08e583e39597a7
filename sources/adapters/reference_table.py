"""A table that a user registered as a source: rows found by domain or name, cells given as claims."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from sources.cadence import Cadence
from sources.cleaning import Refused, country, domain
from sources.contract import Call, Claim, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import PayloadChanged, SourceRefused
from sources.identity import Candidate, Entry, NameIndex, Verdict, is_junk_name, judge, name_key, worth
from sources.tables import TableError, read

_MOST_CANDIDATES = 5
_DOUBTFUL = 0.5  # a candidate for review is never taken for sure
_ALIKE = 0.85  # names spelt differently that a person is asked about
_BY_DOMAIN = 0.99  # the key itself agrees
_SPEAKING = 1.5  # what a name must be worth to be one company's in its country: two words that are not common
_MOVED = 0.95
"""For the only such name in its country, in another city: a judgement, not a fit. Of 97 pairs in five tables 85 have one
domain; the domains of the other 12, read one by one, look like two addresses of one group (career pages, investors)."""
_ALIASES = ("legal_name", "former_names")


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A table in memory: its cells by attribute, and an index of whom the rows are about."""

    rows: tuple[dict[str, str], ...]
    lines: tuple[int, ...]
    references: tuple[str, ...]
    index: NameIndex


class ReferenceTable(Source):
    """CSV, XLSX, JSON or Parquet; `settings` name the file, its columns and what they mean."""

    slug = "reference_table"
    label = "Reference table"
    needs = (("domain",), ("name",))
    cadence = Cadence.parse("monthly")
    limits = Limits(batch=1000, in_flight=1)
    template = True

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """One payload for each question: the row that is the subject, those that may be, or none."""
        text = json.dumps(dict(call.settings), sort_keys=True)
        try:
            found = Path(call.settings["path"]).stat()
            table = _load(text, found.st_mtime_ns, found.st_size)
        except KeyError as missing:
            raise SourceRefused(f"The settings name no {missing}: register the table again.") from None
        except (OSError, TableError) as error:
            raise SourceRefused(f"The table cannot be read: {error}") from None
        return [_answer(table, question.subject, call.settings) for question in call.questions]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """A finding for each row of the answer."""
        try:
            rows = json.loads(payload.body)["rows"]
            return [_finding(row) for row in rows]
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise PayloadChanged(f"not an answer of a reference table: {error}") from None


@lru_cache(maxsize=16)
def _load(settings: str, _changed: int, _size: int) -> _Loaded:
    """The table as it is on disk; read once in each process until the file or its settings change."""
    told = json.loads(settings)
    table = read(Path(told["path"]))
    mapping = {
        place: told["mapping"][header]
        for place, header in enumerate(table.header)
        if told["mapping"].get(header)
    }
    rows = tuple({slug: row[place] for place, slug in mapping.items() if row[place]} for row in table.rows)
    column = table.header.index(told["reference"]) if told.get("reference") in table.header else None
    references = tuple(row[column] if column is not None else "" for row in table.rows)
    index = NameIndex(_entry(number, row) for number, row in enumerate(rows))
    return _Loaded(rows, tuple(table.lines), references, index)


def _entry(number: int, row: Mapping[str, str]) -> Entry:
    return Entry(
        id=number, name=row.get("name") or row.get("legal_name", ""), domain=_domain(row.get("domain", "")), city=row.get("city", ""),
        country=_country(row.get("country", "")), aliases=_aliases(row),
    )  # fmt: skip


def _aliases(row: Mapping[str, str]) -> tuple[str, ...]:
    names = (alias.strip() for slug in _ALIASES for alias in row.get(slug, "").split("|"))
    return tuple(name for name in names if name)


def _domain(text: str) -> str:
    try:
        return domain(text)
    except Refused:
        return ""


def _country(text: str) -> str:
    try:
        return country(text)
    except Refused:
        return text


def _answer(table: _Loaded, subject: Subject, settings: Mapping[str, Any]) -> Payload:
    rows: list[dict[str, Any]] = []
    if subject.domain or not is_junk_name(subject.name):
        judgement = judge(_one_each(table, table.index.search(subject, limit=_MOST_CANDIDATES)))
        if judgement.verdict is Verdict.CONFIRMED and judgement.candidate:
            rows = [_told(table, judgement.candidate, settings, "confirmed")]
        elif moved := _moved(table, subject, judgement.candidates):
            rows = [_told(table, replace(moved, score=_MOVED), settings, "confirmed")]
        elif judgement.verdict is Verdict.REVIEW:
            # A name that is merely similar is somebody else's far more often than not: no question for a person.
            likely = [
                each
                for each in judgement.candidates
                if each.strategy != "fuzzy" or (not each.caution and each.likeness >= _ALIKE)
            ]
            rows = [_told(table, candidate, settings, "review") for candidate in likely]
    body = json.dumps({"rows": rows}, ensure_ascii=False).encode()
    return Payload(status=200 if rows else 404, body=body, url=f"table:{settings['slug']}")


def _moved(table: _Loaded, subject: Subject, candidates: Sequence[Candidate]) -> Candidate | None:
    """The only candidate of a telling name in the subject's country: offices and headquarters move."""
    namesakes = [each for each in candidates if each.likeness == 1.0]
    if len(namesakes) != 1 or namesakes[0].caution or worth(name_key(subject.name).split()) < _SPEAKING:
        return None
    row = table.rows[namesakes[0].id]
    names = (row.get("name", ""), *_aliases(row))
    is_same = name_key(subject.name) in map(name_key, names)
    country_of_row = _country(row.get("country", ""))
    return namesakes[0] if is_same and country_of_row and country_of_row == subject.country else None


def _one_each(table: _Loaded, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Of several rows with one domain the best, then the first: a company listed twice is no rival of itself."""
    kept: dict[str, Candidate] = {}
    for candidate in sorted(candidates, key=lambda c: (-c.score, c.id)):
        kept.setdefault(_domain(table.rows[candidate.id].get("domain", "")) or f"#{candidate.id}", candidate)
    return list(kept.values())


def _told(table: _Loaded, candidate: Candidate, settings: Mapping[str, Any], verdict: str) -> dict[str, Any]:
    row = int(candidate.id)
    return {
        "row": table.lines[row],
        "cells": table.rows[row],
        "references": [
            *filter(None, [table.references[row] or settings.get("origin", "")]),
            f"table:{settings['slug']}#{table.lines[row]}",
        ],
        "score": round(max(candidate.score, _BY_DOMAIN if candidate.strategy == "domain" else 0.0), 4),
        "verdict": verdict,
        "reasons": list(candidate.reasons),
    }


def _finding(row: Mapping[str, Any]) -> Finding:
    cells: dict[str, str] = row["cells"]
    references = tuple(str(reference) for reference in row["references"])
    identity: dict[str, Any] = {slug: str(cells[slug]) for slug in ("name", "city") if cells.get(slug)}
    identity["country"] = _country(str(cells.get("country", "")))
    identity.setdefault("name", str(cells.get("legal_name", "")))
    score = float(row["score"])
    if not math.isfinite(score):
        raise ValueError("the score is not a number")
    return Finding(
        subject=Subject(domain=_domain(str(cells.get("domain", ""))), aliases=_aliases(cells), **identity),
        claims=tuple(
            Claim(attribute=slug, value=text, references=references) for slug, text in cells.items()
        ),
        confidence=score if row["verdict"] == "confirmed" else min(score, _DOUBTFUL),
    )
