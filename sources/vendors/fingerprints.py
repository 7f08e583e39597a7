"""A user's own rules in Wappalyzer's format: a JSON object of technologies with regular expressions.

Rules over headers, meta tags, addresses of scripts and DNS records are used. Those over the text of a page are not: on
a page made for it, an expression of somebody else's may take for ever.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sources.errors import SourceRefused
from sources.vendors.json_answers import mapping
from sources.vendors.technologies import ANALYTICS, CMS, Evidence, Technology

_CATEGORIES = {1: CMS, 10: ANALYTICS}
_OTHER = "other"
_MOST_BYTES = 60_000_000
_MOST_TEXT = 500
_MOST_SCRIPTS = 100
_MOST_PATTERN = 300


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A technology and the expressions that show it: by header, meta tag, kind of DNS record; over scripts."""

    technology: Technology
    headers: Mapping[str, re.Pattern[str]]
    metas: Mapping[str, re.Pattern[str]]
    records: Mapping[str, tuple[re.Pattern[str], ...]]
    scripts: tuple[re.Pattern[str], ...]

    def is_shown(self, evidence: Evidence) -> bool:
        """Whether one expression fits."""
        headers = {name.lower(): value for name, value in evidence.headers.items()}
        scripts = [link[:_MOST_TEXT] for link in evidence.resources[:_MOST_SCRIPTS]]
        return (
            any(_fits(each, headers[name]) for name, each in self.headers.items() if name in headers)
            or any(_fits(self.metas[name], said) for name, said in evidence.metas if name in self.metas)
            or any(each.search(script) for each in self.scripts for script in scripts)
            or any(
                _fits(each, record)
                for kind, several in self.records.items()
                for record in evidence.records.get(kind, ())
                for each in several
            )
        )


def found(path: str, evidence: Evidence) -> list[Technology]:
    """The technologies that the rules of the file at `path` find; raises SourceRefused when it holds none."""
    file = Path(path)
    try:
        changed = file.stat()
        rules = _load(path, changed.st_mtime_ns, changed.st_size)
    except (OSError, ValueError, RecursionError) as error:
        raise SourceRefused(
            "the setting 'fingerprints' names no JSON file of technologies that can be read"
        ) from error
    return [rule.technology for rule in rules if rule.is_shown(evidence)]


@lru_cache(maxsize=4)
def _load(path: str, changed: int, size: int) -> tuple[Fingerprint, ...]:
    """The rules of a file as it was when `changed`; raises OSError and ValueError."""
    if size > _MOST_BYTES:
        raise ValueError("too large")
    whole = mapping(json.loads(Path(path).read_bytes()))
    known = mapping(whole.get("technologies")) or mapping(whole.get("apps")) or whole
    rules = tuple(_read(name, mapping(said)) for name, said in known.items() if mapping(said))
    if not rules:
        raise ValueError("no technologies")
    return rules


def _read(name: str, said: Mapping[str, Any]) -> Fingerprint:
    numbers = said.get("cats") if isinstance(said.get("cats"), list) else []
    category = next(
        (_CATEGORIES[n] for n in numbers or [] if isinstance(n, int) and n in _CATEGORIES), _OTHER
    )
    return Fingerprint(
        technology=Technology(name[:100], category),
        headers=_by_name(said.get("headers")),
        metas=_by_name(said.get("meta")),
        records={
            str(kind).upper(): tuple(_patterns(several)) for kind, several in mapping(said.get("dns")).items()
        },
        scripts=tuple(_patterns(said.get("scriptSrc"))),
    )


def _by_name(said: Any) -> dict[str, re.Pattern[str]]:
    """Expressions by name; of several for one name the first."""
    found = ((str(name).lower(), next(_patterns(several), None)) for name, several in mapping(said).items())
    return {name: pattern for name, pattern in found if pattern}


def _patterns(said: Any) -> Iterator[re.Pattern[str]]:
    """The expressions of a text or list of them, without the tags after `\\;`; those Python cannot read are left out."""
    several: Sequence[Any] = said if isinstance(said, list) else [said]
    for each in several:
        if isinstance(each, str) and len(each) <= _MOST_PATTERN:
            try:
                yield re.compile(each.partition("\\;")[0], re.IGNORECASE)
            except (re.error, OverflowError, RecursionError):
                continue


def _fits(pattern: re.Pattern[str], text: str) -> bool:
    return bool(pattern.search(text[:_MOST_TEXT]))
