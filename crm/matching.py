"""Rows to records: which record a row names, or which row before it, with strategy, score and reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from crm.duplicates import Companies, People, Row
from crm.models import Account, Contact
from sources.attributes import Kind
from sources.contract import Subject
from sources.identity import (
    BY_KEY,
    Candidate,
    Entry,
    Judgement,
    NameIndex,
    Verdict,
    is_junk_name,
    judge,
    name_key,
)

_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Match:
    """Whom a row names: a record, an earlier row (`same_as`, its position), or nobody known.

    `verdict` is confirmed, review (see `candidates`), none, or junk: the row names nobody at all.
    """

    verdict: str
    record: int | None = None
    same_as: int | None = None
    strategy: str = ""
    score: float | None = None
    reasons: tuple[str, ...] = ()
    candidates: tuple[dict[str, Any], ...] = ()


_KEYS: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("external id", lambda row: f"{row.external_source}\0{row.external_id}" if row.external_id else ""),
    ("linkedin_url", lambda row: row.subject.linkedin_url),
    ("email", lambda row: row.subject.email),
)


class _Search(Protocol):
    """What finds a record, or an earlier row, when no key does."""

    def match(self, row: Row) -> Match: ...

    def note(self, row: Row, first: Row) -> None: ...


def match_rows(kind: Kind, rows: Sequence[Row]) -> list[Match]:
    """A match for each row, in order; rows of one company are the same record."""
    known = _known_keys(kind, rows)
    search: _Search = _CompanySearch(rows, known) if kind is Kind.ACCOUNT else _PersonSearch(rows)
    seen: dict[tuple[str, str], Row] = {}
    by_position = {row.position: row for row in rows}
    matches: list[Match] = []
    for row in rows:
        match = _by_key(row, known) or _by_row(row, seen) or search.match(row)
        if match.verdict in ("confirmed", "none"):
            first = by_position[row.position if match.same_as is None else match.same_as]
            search.note(row, first)
            for strategy, key_of in _KEYS:
                if key_of(row):
                    seen.setdefault((strategy, key_of(row)), first)
        matches.append(match)
    return _named(matches)


def _named(matches: list[Match]) -> list[Match]:
    """The same; those whom rows may name are shown with their name and domain."""
    ids = sorted({each["id"] for match in matches for each in match.candidates})
    known = {
        row["pk"]: {"name": row["name"], "domain": row["domain"]}
        for part in _parts(ids)
        for row in Account.objects.filter(pk__in=part).values("pk", "name", "domain")
    }
    nobody = {"name": "", "domain": ""}
    return [
        replace(match, candidates=tuple(each | known.get(each["id"], nobody) for each in match.candidates))
        if match.candidates
        else match
        for match in matches
    ]


def _by_key(row: Row, known: Mapping[tuple[str, str], int]) -> Match | None:
    for strategy, key_of in _KEYS:
        key = key_of(row)
        if key and (strategy, key) in known:
            return Match(
                "confirmed",
                known[strategy, key],
                None,
                strategy,
                1.0,
                (f"same {strategy.replace('_', ' ')}",),
            )
    return None


def _by_row(row: Row, seen: Mapping[tuple[str, str], Row]) -> Match | None:
    for strategy, key_of in _KEYS:
        key = key_of(row)
        if key and (strategy, key) in seen:
            return _again(row, seen[strategy, key], strategy, 1.0, (f"same {strategy.replace('_', ' ')}",))
    return None


def _again(row: Row, first: Row, strategy: str, score: float, reasons: tuple[str, ...]) -> Match:
    """The match of a row that names again whom `first` names; of two ids of one CRM the record keeps the first."""
    who = "company" if row.subject.kind is Kind.ACCOUNT else "person"
    told = [f"same {who} as row {first.position}", *reasons]
    if row.external_id and first.external_id and row.external_id != first.external_id:
        told.append(f"its id {row.external_id} stays with the row, the record has {first.external_id}")
    return Match("confirmed", None, first.position, strategy, score, tuple(told))


def _known_keys(kind: Kind, rows: Sequence[Row]) -> dict[tuple[str, str], int]:
    """Records that carry a key of the rows, by strategy and key."""
    model: Any = Account if kind is Kind.ACCOUNT else Contact
    known: dict[tuple[str, str], int] = {}
    ids = sorted({row.external_id for row in rows if row.external_id})
    for part in _parts(ids):
        found = model.objects.filter(external_id__in=part).values_list("external_source", "external_id", "pk")
        known |= {("external id", f"{source}\0{external}"): pk for source, external, pk in found}
    for column in ("linkedin_url", "email"):
        values = sorted({getattr(row.subject, column) for row in rows} - {""})
        for part in _parts(values):
            found = model.objects.filter(**{f"{column}__in": part}).values_list(column, "pk")
            known |= {(column, value): pk for value, pk in found}
    return known


def _parts(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))


class _CompanySearch:
    """Domains and names: against the records, then against the rows of the file before."""

    def __init__(self, rows: Sequence[Row], known: Mapping[tuple[str, str], int]) -> None:
        named = [row for row in rows if not _is_junk(row)]
        unknown = [row for row in named if _by_key(row, known) is None]
        self.records = _on_record(unknown)  # first: what finds them needs much room, and is gone afterwards
        self.file = Companies(named if unknown else ())
        self.is_needed = bool(unknown)

    def match(self, row: Row) -> Match:
        """A match by domain or name, or none; a company of the file is the first row that names it."""
        if _is_junk(row):
            name = f"'{row.subject.name}'" if row.subject.name else "the row"
            return Match("junk", reasons=(f"{name} names no company",))
        if known := self.records.get(row.position):
            return known
        again = self.file.find(row)
        if again:
            return _again(row, again.first, again.strategy, again.score, again.reasons)
        return _NEW

    def note(self, row: Row, first: Row) -> None:
        """`row` names the company of `first`, an earlier row or itself."""
        if self.is_needed and not _is_junk(row):
            self.file.note(row, first)


def _on_record(rows: Sequence[Row]) -> dict[int, Match]:
    """By position, the match of each row that names a company on record, or may name one."""
    index = NameIndex(known_companies() if rows else (), asked=(row.subject for row in rows))
    if not len(index):
        return {}
    found = ((row.position, _judged(judge(index.search(row.subject)))) for row in rows)
    return {position: match for position, match in found if match}


def _judged(judgement: Judgement) -> Match | None:
    if judgement.verdict is Verdict.CONFIRMED and judgement.candidate:
        best = judgement.candidate
        return Match("confirmed", int(best.id), None, best.strategy, best.score, best.reasons)
    if judgement.verdict is Verdict.REVIEW:
        candidates = tuple(_told(candidate) for candidate in judgement.candidates[:5])
        return Match("review", None, None, "review", candidates[0]["score"], judgement.reasons, candidates)
    return None


class _PersonSearch:
    """People by name and company: on record, then in the rows of the file before."""

    def __init__(self, rows: Sequence[Row]) -> None:
        companies = sorted({row.company[1] for row in rows if row.company and row.company[0] == "record"})
        self.records = People(_colleagues(companies))
        self.file = People(())

    def match(self, row: Row) -> Match:
        """A match by name and company, or none."""
        subject = row.subject
        if not (subject.name or subject.email or subject.linkedin_url):
            return _JUNK
        reasons = ("same name at the same company",)
        if known := self.records.find(row):
            return Match("confirmed", known.position, None, "name+company", BY_KEY, reasons)
        if first := self.file.find(row):
            return _again(row, first, "name+company", BY_KEY, reasons)
        return Match("none", reasons=("no record has its keys",))

    def note(self, row: Row, first: Row) -> None:
        """Rows that name somebody new can be named again."""
        if row is first:
            self.file.note(row)


def _colleagues(companies: list[int]) -> Iterable[Row]:
    """The contacts of accounts; `position` is the contact's id."""
    for part in _parts(companies):
        found = Contact.objects.filter(account_id__in=part)
        for pk, account, name, email, page in found.values_list(
            "pk", "account_id", "name", "email", "linkedin_url"
        ):
            subject = Subject(kind=Kind.CONTACT, name=name, email=email, linkedin_url=page)
            yield Row(pk, subject, company=("record", account))


_PLACEHOLDERS = frozenset({"example.com", "example.net", "example.org"})  # kept for documents, RFC 2606
_JUNK = Match("junk", reasons=("the row names nobody",))
_NEW = Match("none", reasons=("no record is alike",))


def _is_junk(row: Row) -> bool:
    subject = row.subject
    if (subject.domain and subject.domain not in _PLACEHOLDERS) or subject.email or subject.linkedin_url:
        return False
    return not name_key(subject.name) or is_junk_name(subject.name)


def known_companies() -> Iterable[Entry]:
    """All accounts as an index of names takes them, with their legal and former names."""
    columns = (
        "pk",
        "name",
        "domain",
        "city",
        "country",
        "current_values__legal_name__value",
        "current_values__former_names__value",
    )
    for pk, name, domain, city, country, legal, former in Account.objects.values_list(*columns).iterator(
        chunk_size=5000
    ):
        aliases = [legal] if isinstance(legal, str) else []
        aliases += [old for old in former if isinstance(old, str)] if isinstance(former, list) else []
        yield Entry(id=pk, name=name, domain=domain, city=city, country=country, aliases=tuple(aliases))


def _told(candidate: Candidate) -> dict[str, Any]:
    return {"id": candidate.id, "score": round(candidate.score, 3), "reasons": list(candidate.reasons)}
