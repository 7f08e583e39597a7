"""Tables that users register as sources."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings

from crm.headers import HeaderError, recognise
from enrichment.models import EnrichmentSource
from enrichment.names import attribute_called, custom_attributes
from sources import registry
from sources.attributes import BY_SLUG, Kind, find, slug_of
from sources.cadence import Cadence
from sources.cleaning import Refused, domain
from sources.identity import is_junk_name
from sources.tables import Table, read

ADAPTER = "reference_table"
KEYS = ("domain", "name", "legal_name")
"""The attributes by which a row is found."""

_LINKS = frozenset({"reference", "references", "source", "source_url", "url", "link"})
SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,58}")
"""What a source that users make may be called."""

_SAMPLE = 200  # rows
_MOST_ALIKE = 0.5  # the share of distinct domains up to which a column holds pages of a list


def register(
    path: Path,
    *,
    slug: str,
    label: str = "",
    key: str = "",
    mapping: Mapping[str, str] | None = None,
    reference: str | None = "",
    rank: int | None = None,
    name: str = "",
    city: str = "",
    country: str = "",
    origin: str = "",
    cadence: str = "",
) -> EnrichmentSource:
    """Keep a copy of a table and make it a source that is on, or replace the table of that slug.

    `mapping` maps column headers to attribute slugs; without one, columns named like an attribute map by
    themselves. `key` is the column that says whom a row is about; `name`, `city`, `country` name further such
    columns, where the mapping does not. `origin` is a URL for rows without a reference. A source that is replaced
    keeps the label, rank and cadence that are not given. Raises ValueError with one sentence.
    """
    check_slug(slug)
    table = read(path)
    columns = dict(mapping) if mapping is not None else guess_mapping(table)
    for column, attribute in ((name, "name"), (city, "city"), (country, "country")):
        if column and not columns.get(column):
            columns[column] = attribute
    _check_columns(table, columns, key, reference or "")
    told: dict[str, Any] = {"path": str(_keep(path, slug)), "slug": slug, "mapping": columns}
    told |= {"reference": reference or "", "origin": origin}
    given = {"label": label, "rank": rank, "cadence": Cadence.parse(cadence).text if cadence else ""}
    said: dict[str, Any] = {field: value for field, value in given.items() if value}
    said |= {"adapter": ADAPTER, "is_enabled": True, "settings": told}
    new = {"label": slug.replace("_", " ").capitalize(), "rank": 30, "cadence": "monthly"}
    return EnrichmentSource.objects.update_or_create(slug=slug, defaults=said, create_defaults=new | said)[0]


def guess_mapping(table: Table) -> dict[str, str]:
    """Columns whose header is an attribute of accounts, one of its aliases, or else a known synonym.

    Of two columns for one attribute the one with the better name counts, then the first.
    """
    mapping: dict[str, str] = {}
    for readings in _readings(table):
        for header, slug in readings.items():
            is_free = header not in mapping and slug not in mapping.values()
            if is_free and not (slug == "domain" and _is_one_site(table, table.header.index(header))):
                mapping[header] = slug
    return {header: mapping[header] for header in table.header if header in mapping}


def _readings(table: Table) -> Iterator[dict[str, str]]:
    """What headers may mean, the surest reading first."""
    custom = custom_attributes()
    known = {*BY_SLUG, *(attribute.slug for attribute in custom)}
    found = {header: meant.slug for header in table.header if (meant := find(header, Kind.ACCOUNT, custom))}
    yield {header: slug for header, slug in found.items() if slug_of(header) == slug}
    yield found
    with suppress(HeaderError):  # no column says whom a row is about: the user may
        columns = recognise(table.header, rows=table.rows[:_SAMPLE], kind=Kind.ACCOUNT, custom=custom).columns
        yield {
            each.header: each.field for each in columns if each.kind is Kind.ACCOUNT and each.field in known
        }


def guess_reference(table: Table, mapping: Mapping[str, str]) -> str:
    """The column that holds a link for each row, by its header and its cells; "" when none does."""
    for place, header in enumerate(table.header):
        cells = [row[place] for row in table.rows[:_SAMPLE] if row[place]]
        is_link = bool(cells) and all(cell.startswith(("http://", "https://")) for cell in cells)
        if slug_of(header) in _LINKS and not mapping.get(header) and is_link:
            return header
    return ""


def count_usable(table: Table, mapping: Mapping[str, str]) -> int:
    """The rows that name a company: by a domain, or by a name that is none of the words for "unknown"."""
    places = [(table.header.index(column), slug) for column, slug in mapping.items() if slug in KEYS]
    return sum(
        any(
            _domain(row[place]) if slug == "domain" else not is_junk_name(row[place])
            for place, slug in places
        )
        for row in table.rows
    )


def check_slug(slug: str) -> None:
    """Raises ValueError when a table cannot be called so."""
    if not SLUG.fullmatch(slug):
        better = slug_of(slug)[:59].strip("_")
        hint = f", such as {better}" if better else ""
        raise ValueError(f"'{slug}' is not a slug: write up to 59 lower case letters, digits and _{hint}.")
    taken = EnrichmentSource.objects.filter(slug=slug).exclude(adapter=ADAPTER).first()
    if taken or slug in registry.adapters():
        label = taken.label if taken else registry.adapters()[slug].label
        raise ValueError(f"There is another source called {slug}, {label}: choose another slug.")


def _check_columns(table: Table, mapping: Mapping[str, str], key: str, reference: str) -> None:
    missing = [column for column in (*mapping, key, reference) if column and column not in table.header]
    if missing:
        raise ValueError(f"The table has no column {missing[0]}; it has {', '.join(table.header[:20])}.")
    owners: dict[str, str] = {}
    for column, slug in mapping.items():
        if not slug:
            continue
        attribute = attribute_called(slug, Kind.ACCOUNT)
        if attribute.slug != slug:
            raise ValueError(f"{column}: write {attribute.slug} for {slug}.")
        if slug in owners:
            raise ValueError(f"Two columns are given to {slug}, {owners[slug]} and {column}: leave one out.")
        owners[slug] = column
    if key and mapping.get(key) not in KEYS:
        found = mapping.get(key)
        held = f"holds {found}, by which no row is found" if found else "is not mapped"
        raise ValueError(f"The key column {key} {held}: map it to {', '.join(KEYS[:-1])} or {KEYS[-1]}.")
    if not owners.keys() & set(KEYS):
        raise ValueError("Say which column holds the domain or the name of the company.")


def _is_one_site(table: Table, place: int) -> bool:
    """Whether the links of a column lead to few sites, or to shared ones: a list's own pages, not the companies'."""
    cells = [row[place] for row in table.rows[:_SAMPLE] if row[place]]
    sites = {site for cell in cells if (site := _domain(cell))}
    return len(cells) > 1 and len(sites) <= _MOST_ALIKE * len(cells)


def _domain(text: str) -> str:
    try:
        return domain(text)
    except Refused:
        return ""


def _keep(path: Path, slug: str) -> Path:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    folder = Path(settings.MEDIA_ROOT) / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{slug}-{digest}{path.suffix.lower()}"
    if not kept.exists():
        shutil.copyfile(path, kept)
    return kept
