"""Plain modules as sources: a folder of files with `INPUT_COLS`, `OUTPUT_COLS`, `enrich(row) -> (dict, error)`.

A module runs as it is, in the thread that asks: it opens the network by itself, without our guard, and is
trusted like code of our own. One that cannot be used is left out, with the reason in one sentence.
"""

from __future__ import annotations

import importlib
import inspect
import json
import math
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from types import MappingProxyType, ModuleType
from typing import Any, ClassVar

from sources.attributes import BY_SLUG, Attribute, Kind, Type, find, identity_slug, slug_of
from sources.cleaning import is_blank
from sources.contract import Call, Claim, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import PayloadChanged, SourceError

PACKAGE = "footnote_integrations"
"""The package that the modules of the folder are imported into, so that they may import each other."""

_SLUG = re.compile(r"[a-z][a-z0-9_]{0,59}")
_MOST_ERROR = 300
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL")
_LEAST_SECRET = 8  # characters; shorter ones would black out ordinary words
_WHOSE = {Kind.ACCOUNT: frozenset({"full_name"}), Kind.CONTACT: frozenset({"company_name", "account_name"})}
"""Other names of `name` that mean the name of the other kind."""

Enrich = Callable[[dict[str, Any]], Any]


class Unusable(Exception):
    """A file of the folder that is no source; the text says why."""


@dataclass(frozen=True, slots=True)
class Modules:
    """What a folder holds: sources by slug, and by file name why others are left out."""

    sources: Mapping[str, Source]
    left_out: Mapping[str, str]


NOTHING = Modules(MappingProxyType({}), MappingProxyType({}))


class ModuleSource(Source):
    """What all modules share; each one is a subclass with its own declarations."""

    limits = Limits(in_flight=16, deadline=120.0)
    inputs: ClassVar[tuple[str, ...]]
    enrich: ClassVar[Enrich]

    def question(self, subject: Subject) -> dict[str, Any]:
        """The columns that the module says it reads."""
        row = self.row_of(subject)
        return {column: row[column] for column in self.inputs if row.get(column)}

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """What the module says of each row; raises SourceError when it fails to say anything."""
        return [self._ask(question.subject) for question in call.questions]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """The module's columns as claims; () for no value at all. Raises SourceError with the module's own words."""
        try:
            told = json.loads(payload.body)
            kind, fields, error = Kind(told["kind"]), dict(told["fields"]), str(told["error"])
        except (ValueError, KeyError, TypeError, RecursionError) as problem:
            raise PayloadChanged(f"not an answer of a module: {problem}") from None
        if error:
            raise SourceError(error)
        reference = (f"integration:{self.slug}",)
        claims = tuple(
            Claim(
                attribute=slug,
                value=_shaped(fields[column], wanted.get(slug) or BY_SLUG.get(slug)),
                references=reference,
            )
            for column, slug in ((column, _meant(column, kind)) for column in self.columns)
            if not is_blank(fields.get(column))
        )
        return [Finding(subject=Subject(kind=kind), claims=claims, names_nobody=True)] if claims else ()

    def row_of(self, subject: Subject) -> dict[str, Any]:
        """The row that the module is handed: the spreadsheet's own, or the record's values under all their names.

        A column that the module reads and the spreadsheet lacks is filled with what is known by now.
        """
        known = _cells_of(subject)
        if not subject.row:
            return known
        found = {column: known.get(column) or subject.told(slug_of(column)) for column in self.inputs}
        return dict(subject.row) | {
            column: cell for column, cell in found.items() if cell and not subject.row.get(column)
        }

    def _ask(self, subject: Subject) -> Payload:
        fields, error = _checked(self.slug, self._ended(self.row_of(subject)))
        told = {"kind": subject.kind.value, "fields": fields, "error": error}
        try:
            body = json.dumps(told, ensure_ascii=False, allow_nan=False, default=str).encode()
        except (ValueError, TypeError, RecursionError) as problem:
            raise SourceError(f"{self.slug} returned what cannot be kept as JSON: {problem}") from None
        if len(body) > self.limits.max_bytes:
            raise SourceError(f"{self.slug} returned more than {self.limits.max_bytes:,} bytes")
        return Payload(status=200, body=body, url=f"integration:{self.slug}")

    def _ended(self, row: dict[str, Any]) -> Any:
        """What `enrich` returns for a row; a thread of its own lets a row end that the module never ends."""
        ends: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        Thread(target=_run, args=(type(self).enrich, row, ends), daemon=True).start()
        try:
            result, error = ends.get(timeout=self.limits.deadline)
        except Empty:
            raise SourceError(f"{self.slug} did not end within {self.limits.deadline:g} s") from None
        if error is not None:
            raise SourceError(f"{self.slug} raised {_named(error)}") from error
        return result


def load(folder: Path) -> Modules:
    """Import every module of a folder, in the order of names; files that begin with `_` are helpers of others."""
    if not folder.is_dir():
        return Modules({}, {"FOOTNOTE_INTEGRATIONS": f"{folder} is no folder."})
    _make_package(folder)
    found: dict[str, Source] = {}
    left_out: dict[str, str] = {}
    for path in sorted(folder.glob("*.py")):
        if path.name.startswith("_"):
            continue
        try:
            source = _source_of(path)
        except Unusable as reason:
            left_out[path.name] = str(reason)
        else:
            found[source.slug] = source
    return Modules(MappingProxyType(found), MappingProxyType(left_out))


def _make_package(folder: Path) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    package = ModuleType(PACKAGE)
    package.__path__ = [str(folder)]
    sys.modules[PACKAGE] = package
    importlib.invalidate_caches()


def _source_of(path: Path) -> Source:
    slug = slug_of(path.stem)
    if not _SLUG.fullmatch(slug):
        raise Unusable("A name of up to 60 letters, digits and _ that begins with a letter is needed.")
    try:
        module = importlib.import_module(f"{PACKAGE}.{path.stem}")
    except (Exception, SystemExit) as error:  # whatever a module of others does, the other sources go on
        raise Unusable(f"It cannot be imported: {_named(error)}") from error
    inputs, outputs = (_columns(module, name) for name in ("INPUT_COLS", "OUTPUT_COLS"))
    enrich = getattr(module, "enrich", None)
    if not callable(enrich) or inspect.iscoroutinefunction(enrich):
        raise Unusable("It has no plain function enrich(row).")
    kinds = _kinds(inputs, outputs)
    needs = {tuple(_input(column, kind) for column in inputs): None for kind in kinds}
    provides = {_meant(column, kind): None for kind in kinds for column in outputs}
    told: dict[str, Any] = {
        "__doc__": module.__doc__, "slug": slug, "label": _label(module, slug), "kinds": frozenset(kinds),
        "needs": tuple(needs), "provides": tuple(provides), "columns": outputs, "inputs": inputs,
        "enrich": staticmethod(enrich),
    }  # fmt: skip
    source: Source = type("Module", (ModuleSource,), told)()
    return source


def _columns(module: ModuleType, name: str) -> tuple[str, ...]:
    """The column names a module declares; raises Unusable."""
    told = getattr(module, name, None)
    if told is None:
        raise Unusable(f"It declares no {name}.")
    if not isinstance(told, list | tuple) or not told:
        raise Unusable(f"{name} is no list of column names.")
    for column in told:
        if not isinstance(column, str) or not _SLUG.fullmatch(slug_of(column)):
            raise Unusable(f"{name} holds {column!r:.80}, which is no name of a column.")
    return tuple(dict.fromkeys(told))


def _label(module: ModuleType, slug: str) -> str:
    """The first line of its description, as people read it."""
    first = (module.__doc__ or "").strip().partition("\n")[0]
    return (
        re.sub(r"^integration:\s*", "", first, flags=re.IGNORECASE) or slug.replace("_", " ").capitalize()
    )[:100]


def _kinds(inputs: Sequence[str], outputs: Sequence[str]) -> list[Kind]:
    """The kinds of records that a module speaks of: those that have most of its outputs, then of its inputs."""
    kinds = list(Kind)
    for columns in (outputs, inputs):
        fits = {kind: sum(_attribute(column, kind) is not None for column in columns) for kind in kinds}
        kinds = [kind for kind in kinds if fits[kind] == max(fits.values())]
    return kinds


def _attribute(column: str, kind: Kind) -> Attribute | None:
    return None if slug_of(column) in _WHOSE[kind] else find(column, kind)


def _meant(column: str, kind: Kind) -> str:
    """The attribute that a column gives: the catalogue's, or one of its own."""
    attribute = _attribute(column, kind)
    return attribute.slug if attribute else slug_of(column)


def _input(column: str, kind: Kind) -> str:
    """The input that a column asks for, as subjects know it."""
    slug = _meant(column, kind)
    return "linkedin_url" if slug == identity_slug(kind, "linkedin_url") else slug


def _cells_of(subject: Subject) -> dict[str, Any]:
    """What is known of a subject as cells, under its slugs and their other names; a slug's own value counts first."""
    values: dict[str, Any] = {}
    for name in ("name", "domain", "email", "city", "country", "linkedin_url"):
        if value := getattr(subject, name):
            values[identity_slug(subject.kind, name)] = value
    values |= {slug: value for slug, value in subject.known.items() if not is_blank(value)}
    cells: dict[str, Any] = {}
    for slug, value in values.items():
        attribute = BY_SLUG.get(slug)
        for name in attribute.aliases if attribute and subject.kind in attribute.kinds else ():
            if name not in _WHOSE[subject.kind]:
                cells.setdefault(name, _cell(value))
    return cells | {slug: _cell(value) for slug, value in values.items()}


def _cell(value: Any) -> str:
    """A value as a spreadsheet's cell."""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _run(enrich: Enrich, row: dict[str, Any], ends: SimpleQueue[tuple[Any, BaseException | None]]) -> None:
    """In a thread of its own: hand over what came, also what no caller should have to expect."""
    try:
        ends.put((enrich(row), None))
    except BaseException as error:
        ends.put((None, error))


def _checked(slug: str, result: Any) -> tuple[dict[str, Any], str]:
    """The fields and the error text of what `enrich` returned; raises SourceError for anything else."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise SourceError(f"{slug} returned {_kind_of(result)} where a pair (dict, error) is wanted")
    fields, error = result
    if not isinstance(fields, dict):
        raise SourceError(f"{slug} returned {_kind_of(fields)} where a dict of columns is wanted")
    if error is not None and not isinstance(error, str):
        raise SourceError(f"{slug} returned {_kind_of(error)} where the text of an error is wanted")
    return {str(column): _finite(value) for column, value in fields.items()}, _sentence(error or "")


def _shaped(value: Any, attribute: Attribute | None) -> Any:
    """A value as its attribute takes it: several of them as one text where a text is wanted."""
    if not isinstance(value, list | dict) or (attribute and attribute.type is not Type.TEXT):
        return value
    is_flat = isinstance(value, list) and not any(isinstance(each, list | dict) for each in value)
    return _cell(value) if is_flat else json.dumps(value, ensure_ascii=False)


def _kind_of(value: Any) -> str:
    if isinstance(value, tuple | list) and len(value) != 2:
        return f"{len(value)} values"
    return "nothing" if value is None else f"a value of type {type(value).__name__}"


def _finite(value: Any) -> Any:
    """What is no number is no value: tables write blanks so."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _named(error: BaseException) -> str:
    """An exception in one line."""
    text = _sentence(str(error))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _sentence(text: str) -> str:
    """A text on one line, cut, and without the secrets of the environment."""
    for name, value in os.environ.items():
        if len(value) >= _LEAST_SECRET and _SECRET_NAME.search(name):
            text = text.replace(value, "***")
    shown = " ".join(text.split())
    return shown if len(shown) <= _MOST_ERROR else f"{shown[: _MOST_ERROR - 1]}…"
