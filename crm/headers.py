"""Which field of which record each column of a file fills: exports of five CRMs, and lists made by hand."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from crm import header_names as names
from crm.header_cells import Cells
from sources.attributes import BY_SLUG, CATALOGUE, Attribute, Kind, find, identity_slug, slug_of

FIELDS = ("external_id", "priority", "segment", "status", "comments", "first_name", "last_name")
"""The fields of a record beside its attributes; `first_name` and `last_name` are a contact's only."""

_IDENTIFYING = {
    Kind.ACCOUNT: {"name", "domain", "external_id", "company_linkedin_url", "email"},
    Kind.CONTACT: {"name", "first_name", "last_name", "email", "external_id", "linkedin_url"},
}
_PERSON_FIELDS = {"first_name", "last_name"}
_PERSON_SIGNS = {"external_id", "email", "linkedin_url", "job_title"}
_NOTE = re.compile(r"\(([^()]*)\)$")
_EXACT = -1
_FROM_CATALOGUE = 50
_MARKS_NEEDED = 3


class HeaderError(ValueError):
    """The columns cannot be used; str() is one sentence: which column or field, and what to do."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file and the field it fills; field "" and kind None: kept in the row only.

    `field` is an attribute slug or one of FIELDS; `kind` is the record it belongs to, since a file of contacts
    also has columns of their accounts.
    """

    index: int
    header: str
    field: str = ""
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Headers:
    """A header as understood: what one row is, which CRM wrote it ("" when unknown), its columns in order."""

    kind: Kind
    dialect: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to understand a name: whose field it is (None: the row's own), and how good a name (0 is best).

    `is_alone`: only where the rows are of that kind. `is_doubtful`: only when the cells agree.
    """

    field: str
    kind: Kind | None
    rank: int
    is_alone: bool = False
    is_doubtful: bool = False
    index: int = -1


_Target = tuple[Kind, str]
_Index = dict[str, list[_Reading]]


def recognise(
    header: Sequence[str],
    *,
    rows: Sequence[Sequence[str]] = (),
    mapping: Mapping[str, str] | None = None,
    kind: Kind | None = None,
    custom: Iterable[Attribute] = (),
) -> Headers:
    """What the columns of a file are.

    rows      some rows below the header, which decide doubtful columns
    mapping   column → field given by the user, which wins over everything; "" leaves a column out,
              "account.city" or "contact.city" says whose field it is
    kind      what one row is, when the user says so
    custom    attributes beside the catalogue

    Raises HeaderError: a mapped column or field does not exist, or no column says which record a row is about.
    """
    custom = tuple(custom)
    dialect = _find_dialect(header)
    chosen = _read_mapping(header, mapping or {}, custom)
    index = _extend(_INDEX, custom)
    readings = [
        replace(reading, index=number)
        for number, text in enumerate(header)
        if number not in chosen
        for reading in _read(text, dialect, index)
    ]
    if len(names.DEAL_MARKS & set(map(_compact, header))) > 1:
        readings = [reading for reading in readings if reading.kind and not reading.is_alone]
    kind = kind or _find_kind(readings, [field for _, field in chosen.values()])
    settled = _settle(header, chosen, kind, custom)
    claims = settled | _claim(readings, kind, Cells(rows), set(settled.values()))
    _refuse_anonymous(claims, kind)
    return Headers(kind, dialect, tuple(_column(number, text, claims) for number, text in enumerate(header)))


def _column(index: int, text: str, claims: Mapping[int, _Target]) -> Column:
    """The column at `index` with what it claims."""
    if index not in claims:
        return Column(index, text)
    kind, field = claims[index]
    return Column(index, text, field, kind)


# --- what a name may mean


def _compact(text: str) -> str:
    """A name without anything but letters and digits, so that every spelling of it is the same."""
    return slug_of(text).replace("_", "")


def _build_index() -> _Index:
    """Every known name, compact, with its readings; the names listed for headers go before the catalogue's."""
    index: _Index = {}
    tables = (
        (names.COMPANY, Kind.ACCOUNT, False),
        (names.COMPANY_ALONE, Kind.ACCOUNT, True),
        (names.PERSON, Kind.CONTACT, False),
        (names.PERSON_ALONE, Kind.CONTACT, True),
        (names.OWN, None, False),
    )
    for table, kind, is_alone in tables:
        for field, spellings in table.items():
            for rank, spelling in enumerate(spellings):
                reading = _Reading(field, kind, rank, is_alone, spelling in names.DOUBTFUL)
                index.setdefault(_compact(spelling), []).append(reading)
    for key, reading in _read_attributes(CATALOGUE):
        index.setdefault(key, [reading])
    return index


def _read_attributes(attributes: Iterable[Attribute]) -> Iterator[tuple[str, _Reading]]:
    """The names of attributes with what they mean: a company's are said of it in any file, a person's are not."""
    for attribute in attributes:
        (only,) = attribute.kinds if len(attribute.kinds) == 1 else (None,)
        for rank, name in enumerate(
            (attribute.slug, attribute.label, *attribute.aliases), start=_FROM_CATALOGUE
        ):
            yield _compact(name), _Reading(attribute.slug, only, rank, is_alone=only is Kind.CONTACT)


_INDEX = _build_index()
_RESERVED = frozenset(map(_compact, (*BY_SLUG, *FIELDS)))


def _extend(index: _Index, custom: Iterable[Attribute]) -> _Index:
    """The index with custom attributes: their slugs go before aliases of the catalogue, their other names behind."""
    extended = dict(index)
    for key, reading in _read_attributes(custom):
        if key not in index or (key == _compact(reading.field) and key not in _RESERVED):
            extended[key] = [reading]
    return extended


def _read(text: str, dialect: str, index: _Index) -> list[_Reading]:
    """The readings of one column name; [] when it is not known."""
    text = unicodedata.normalize("NFKC", text).strip()
    note = _NOTE.search(text)
    text = text[: note.start()].strip() if note else text
    if not text.isascii() or (note and slug_of(note[1]) not in names.PLAIN_NOTES):
        return []
    words = _split(text, dialect)
    readings = index.get("".join(words)) or _read_scoped(words[0], index.get("".join(words[1:]), []))
    if dialect == "salesforce" and words == ["site"]:
        return []  # which office of the company it is
    return [replace(r, rank=_EXACT) if slug_of(text) == r.field else r for r in readings]


def _split(text: str, dialect: str) -> list[str]:
    """The words of a name, without what a CRM adds to it."""
    words = slug_of(text).split("_")
    if dialect == "salesforce" and text.lower().endswith("__c"):
        words = words[:-1] or [""]
    if dialect == "attio" and words[:2] == ["parent", "record"]:
        words = words[2:]  # what an entry of a list is about
    if dialect == "attio" and words in ([], ["record"]):
        return ["name"]
    return words


def _read_scoped(scope: str, readings: list[_Reading]) -> list[_Reading]:
    """The readings of a name behind a word that says whose it is, such as "Company" or "Person"."""
    if scope in names.DEAL_WORDS:
        return [reading for reading in readings if reading.kind and not reading.is_alone]
    if scope in names.COMPANY_WORDS:
        kind = Kind.ACCOUNT
    elif scope in names.PERSON_WORDS:
        kind = Kind.CONTACT
    else:
        return []
    own = [
        replace(reading, kind=kind, is_alone=False) for reading in readings if reading.kind in (kind, None)
    ]
    return own or [reading for reading in readings if kind is Kind.CONTACT and not reading.is_alone]


def _find_dialect(header: Sequence[str]) -> str:
    """Which CRM wrote the file, "" when nothing tells."""
    if sum(text.startswith(("Organization - ", "Person - ", "Deal - ", "Lead - ")) for text in header) > 1:
        return "pipedrive"
    if any(" > " in text for text in header):
        return "attio"
    if any(text.lower().endswith("__c") for text in header):
        return "salesforce"
    found = set(map(_compact, header))
    counts = {dialect: len(marks & found) for dialect, marks in names.DIALECT_MARKS.items()}
    first, second = sorted(counts, key=lambda dialect: -counts[dialect])[:2]
    return first if counts[first] >= _MARKS_NEEDED and counts[first] > counts[second] else ""


def _find_kind(readings: list[_Reading], chosen: list[str]) -> Kind:
    """What one row is: a contact when it names a person, or has several signs of one; else an account."""
    people = {reading.field for reading in readings if reading.kind is Kind.CONTACT} | set(chosen)
    own = {reading.field for reading in readings if reading.kind is None}
    named = {r.field for r in readings if r.kind is Kind.CONTACT and not r.is_alone} | set(
        chosen
    ) & _PERSON_FIELDS
    has_company = any(r.kind is Kind.ACCOUNT and r.field == "name" for r in readings)
    if named & (_PERSON_FIELDS | {"name"}) or (has_company and "name" in own):
        return Kind.CONTACT
    if "job_title" in people and "name" in own:
        return Kind.CONTACT
    signs = people & _PERSON_SIGNS
    return Kind.CONTACT if signs and len(signs | own & {"email", "linkedin_url"}) > 1 else Kind.ACCOUNT


# --- which column gets which field


def _claim(readings: list[_Reading], kind: Kind, cells: Cells, taken: set[_Target]) -> dict[int, _Target]:
    """The best column for each field that is not taken; every column fills one field at most."""
    has_domain = any(reading.field == "domain" and not reading.is_doubtful for reading in readings)
    if kind is Kind.ACCOUNT and any(r.kind is kind and r.field == "name" for r in readings):
        readings = [
            r for r in readings if r.kind or r.field != "name"
        ]  # beside "Company", "Name" is a person's
    offers = []
    for reading in readings:
        target = _aim(reading, kind, cells, has_domain=has_domain)
        if target and cells.allow(reading.index, target[1], is_doubtful=reading.is_doubtful):
            offers.append((reading.rank, reading.index, target))
    claims: dict[int, _Target] = {}
    taken = set(taken)
    for _, index, target in sorted(offers):
        if index not in claims and target not in taken:
            claims[index] = target
            taken.add(target)
    return claims


def _aim(reading: _Reading, kind: Kind, cells: Cells, *, has_domain: bool) -> _Target | None:
    """The record and field a reading stands for in rows of `kind`; None when it means nothing there."""
    if reading.is_alone and reading.kind is not kind:
        return None
    owner = reading.kind or kind
    field = reading.field
    if owner is Kind.ACCOUNT and field == "name" and not has_domain and cells.hold_domains(reading.index):
        field = "domain"
    if reading.kind is None and field == "linkedin_url":
        if cells.hold_profiles(reading.index, "/company/"):
            owner = Kind.ACCOUNT
        elif owner is Kind.ACCOUNT and cells.hold_profiles(reading.index, "/in/"):
            return None
    if owner is Kind.CONTACT and kind is Kind.ACCOUNT:
        return None  # an account keeps no person's fields
    return owner, identity_slug(owner, field)


def _read_mapping(
    header: Sequence[str], mapping: Mapping[str, str], custom: tuple[Attribute, ...]
) -> dict[int, tuple[Kind | None, str]]:
    """What the user chose, by column: the owner where one is named, and the field. Raises HeaderError."""
    chosen = {}
    for text, wish in mapping.items():
        index = _find_column(header, text)
        owner, field = _find_field(wish.strip(), custom)
        chosen[index] = owner, field
    return chosen


def _find_column(header: Sequence[str], text: str) -> int:
    """The index of the column called `text`, by its spelling or else by its letters. Raises HeaderError."""
    for spell in (str, str.strip, _compact):
        wanted = spell(text)
        if found := [index for index, name in enumerate(header) if wanted and spell(name) == wanted]:
            return found[0]
    raise HeaderError(f'There is no column "{text}": the file has {_list(header)}.')


def _find_field(wish: str, custom: tuple[Attribute, ...]) -> tuple[Kind | None, str]:
    """The field called `wish`, which may begin with "account." or "contact.". Raises HeaderError."""
    scope, dot, rest = wish.rpartition(".")
    owner = Kind(scope) if dot and scope in (Kind.ACCOUNT, Kind.CONTACT) else None
    word = rest if owner else wish
    if not word or word in FIELDS:
        return owner, word
    for kind in (owner,) if owner else Kind:
        if attribute := find(word, kind, custom):
            return owner, attribute.slug
    raise HeaderError(f'There is no field "{wish}": use the slug of an attribute, or one of {_list(FIELDS)}.')


def _settle(
    header: Sequence[str],
    chosen: Mapping[int, tuple[Kind | None, str]],
    kind: Kind,
    custom: tuple[Attribute, ...],
) -> dict[int, _Target]:
    """The user's choices with the record each belongs to. Raises HeaderError when two fill one field."""
    settled: dict[int, _Target] = {}
    for index, (owner, field) in chosen.items():
        if not field:
            continue
        owner = owner or _find_owner(field, kind, custom)
        if owner is Kind.CONTACT and kind is Kind.ACCOUNT:
            raise HeaderError(
                f'Column "{header[index]}": {field} is a field of contacts, but the rows are accounts.'
            )
        target = owner, identity_slug(owner, field)
        if target in settled.values():
            other = next(place for place, earlier in settled.items() if earlier == target)
            raise HeaderError(
                f'Columns "{header[other]}" and "{header[index]}" both fill {field}: leave one of them out.'
            )
        settled[index] = target
    return settled


def _find_owner(field: str, kind: Kind, custom: tuple[Attribute, ...]) -> Kind:
    """Whose field it is in rows of `kind`: the row's own where possible; a domain is always the company's."""
    if field in FIELDS:
        return Kind.CONTACT if field in _PERSON_FIELDS else kind
    kinds = {attribute.slug: attribute.kinds for attribute in custom} | {a.slug: a.kinds for a in CATALOGUE}
    if field == "domain" or kind not in kinds[field]:
        return Kind.ACCOUNT if Kind.ACCOUNT in kinds[field] else Kind.CONTACT
    return kind


def _refuse_anonymous(claims: Mapping[int, _Target], kind: Kind) -> None:
    """Refuse a file in which nothing says which record a row is about."""
    if not any(owner is kind and field in _IDENTIFYING[kind] for owner, field in claims.values()):
        wanted = (
            "a name, domain or id"
            if kind is Kind.ACCOUNT
            else "a name, e-mail address, LinkedIn profile or id"
        )
        raise HeaderError(
            f"No column says which {kind} a row is about: name one, or map a column to {wanted}."
        )


def _list(texts: Sequence[str]) -> str:
    """Some names in a sentence."""
    return ", ".join(f'"{text}"' for text in texts[:20]) + (" …" if len(texts) > 20 else "")
