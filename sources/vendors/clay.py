"""What a Clay table sends back about a row: its columns, read by the slugs and aliases of our attributes.

A table is its owner's own, so columns may have any name. A cell is a value, or an object with the value and the
provider that filled it; the provider may also stand in a column of its own (`Headcount provider`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sources.attributes import BY_SLUG, Attribute, Kind, find, slug_of
from sources.contract import Claim, Finding, Subject, Wanted
from sources.errors import PayloadChanged
from sources.vendors.firmographics import address, claims, company_page, land, profile_page, site
from sources.vendors.json_answers import MAX_TEXT, count, text

Json = Mapping[str, Any]

ACCOUNT = (
    *("name", "industry", "headcount", "revenue_range", "tech_stack", "cms", "analytics_tools"),
    *("funding_stage", "last_funding_date", "last_funding_amount", "total_funding", "investors"),
    *("employee_growth_6mo", "recent_job_postings", "open_job_titles", "executives", "ceo_name", "ceo_email"),
    *("ceo_linkedin_url", "company_description", "founded_year", "headquarters", "city", "country", "phone"),
    *("email", "follower_count", "company_linkedin_url", "twitter_url", "facebook_url", "crunchbase_url"),
)
"""What a row about a company may claim; the domain is what was asked for, and only sent back."""
CONTACT = (
    *("name", "email", "phone", "linkedin_url", "headline", "job_title", "current_company", "location"),
    *("city", "country", "follower_count"),
)
"""What a row about a person may claim."""

_WRAPPERS = (
    "data",
    "row",
    "record",
    "fields",
    "company",
    "account",
    "person",
    "contact",
    "enrichment",
    "output",
)
_ABOUT_US = frozenset(
    (
        "request_id",
        "lookup_id",
        "callback_url",
        "kind",
        "type",
        "status",
        "error",
        "id",
        "created_at",
        "updated_at",
    )
)
_PERSON = (
    "full_name",
    "person_name",
    "contact_name",
    "first_name",
    "job_title",
    "headline",
    "person_linkedin_url",
)
_COMPANY_NAMES = ("company_name", "account_name", "organization_name", "company", "organization")
_PERSON_NAMES = ("full_name", "person_name", "contact_name")
_VALUE, _PROVIDER = ("value", "result", "output"), ("provider", "source", "data_provider")
_PREFIXES = {Kind.ACCOUNT: ("company_", "account_"), Kind.CONTACT: ("person_", "contact_")}
_FAILED = re.compile(
    r"\W*(?:no (?:data|results?|match(?:es)?|value|info(?:rmation)?)(?: (?:was |were )?(?:found|available))?"
    r"|not found|error(?:[:\s].*)?|failed.*|could not .*|missing input.*|run condition not met|n/?a)\W*",
    re.IGNORECASE | re.DOTALL,
)


def findings(body: Json, wanted: Wanted) -> list[Finding]:
    """What the columns claim about a company and about a person; [] when all of them are blank.

    `wanted` holds the attributes that users added. Raises PayloadChanged when no column has a known name.
    """
    columns = _columns(body)
    asked = text(body.get("kind")).lower()
    kinds = [kind for kind in Kind if asked in ("", kind.value)]
    if asked == "" and not any(name in columns for name in _PERSON):
        kinds = [Kind.ACCOUNT]
    custom = [attribute for slug, attribute in wanted.items() if slug not in BY_SLUG]
    said = {kind: _said(columns, kind, custom) for kind in kinds}
    if not any(said.values()) and columns.keys() - _ABOUT_US:
        raise PayloadChanged("Clay's row has no column that is called like an attribute")
    number = text(body.get("request_id")) or text(body.get("lookup_id"))
    found = [_finding(kind, columns, said[kind], f"clay:{number or 'row'}", asked) for kind in kinds]
    return [each for each in found if each]


def _columns(body: Json) -> dict[str, Any]:
    """The cells of a row by the slugs of their columns, those of nested objects too; the outer ones count."""
    found: dict[str, Any] = {}
    waiting = [body]
    while waiting and len(found) < 500:
        item = waiting.pop(0)
        for key, value in item.items():
            name = slug_of(str(key)[:100]).replace("linked_in", "linkedin")
            if (name in _WRAPPERS or "enrich" in name) and (
                value is None or (isinstance(value, dict) and not _is_cell(value))
            ):
                waiting.append(value or {})
            else:
                found.setdefault(name, value)
    return found


def _said(columns: Json, kind: Kind, custom: Iterable[Attribute]) -> dict[str, tuple[str, Any, str]]:
    """By attribute: the column, its value (None when it is blank) and the provider behind it."""
    found: dict[str, tuple[str, Any, str]] = {}
    custom = tuple(custom)
    may = ACCOUNT if kind is Kind.ACCOUNT else CONTACT
    for column, cell in columns.items():
        attribute = None if column in _ABOUT_US else _attribute(column, kind, custom)
        if attribute is None or not (attribute.slug in may or attribute in custom):
            continue
        value = _value(attribute, cell)
        if attribute.slug not in found or found[attribute.slug][1] is None:
            found[attribute.slug] = (column, value, _provider(columns, column, cell))
    return found


def _attribute(column: str, kind: Kind, custom: Iterable[Attribute]) -> Attribute | None:
    names = [column, *(column.removeprefix(each) for each in _PREFIXES[kind] if column.startswith(each))]
    return next((found for name in names if (found := find(name, kind, custom))), None)


def _finding(
    kind: Kind, columns: Json, said: Mapping[str, tuple[str, Any, str]], row: str, asked: str
) -> Finding | None:
    found: list[Claim] = []
    for slug, (_, value, provider) in said.items():
        if slug != "name":
            found += claims({slug: value}, f"{row}/{provider}" if provider else row)
    name = _name(kind, columns, asked)
    found += claims({"name": name}, row)
    if not found:
        return None
    subject = _subject(kind, columns, name, {slug: value for slug, (_, value, _) in said.items()})
    keys = (subject.name, subject.domain, subject.linkedin_url, subject.email)
    return Finding(subject=subject, claims=tuple(found), names_nobody=not any(keys))


def _subject(kind: Kind, columns: Json, name: str, values: Json) -> Subject:
    cells = (
        _plain(columns.get(column)) for column in ("domain", "company_domain", "website", "company_website")
    )
    domain = next((found for cell in cells if (found := site(cell))), "")
    where: dict[str, Any] = {"city": text(values.get("city")), "country": land(values.get("country"))}
    if kind is Kind.ACCOUNT:
        page = company_page(values.get("company_linkedin_url"))
        return Subject(name=name, domain=domain, linkedin_url=page, **where)
    page, mail = profile_page(values.get("linkedin_url")), address(values.get("email"))
    return Subject(kind=kind, name=name, domain=domain, linkedin_url=page, email=mail, **where)


def _name(kind: Kind, columns: Json, asked: str) -> str:
    """The company's or person's name; a column that is only called `name` is that of whom was asked about."""
    if kind is Kind.CONTACT:
        parts = (_shown(columns.get("first_name")), _shown(columns.get("last_name")))
        names = [_shown(columns.get(column)) for column in _PERSON_NAMES] + [" ".join(filter(None, parts))]
    else:
        names = [_shown(columns.get(column)) for column in _COMPANY_NAMES]
    is_own = asked == kind.value or not any(column in columns for column in _PERSON)
    return next(filter(None, names), "") or (_shown(columns.get("name")) if is_own else "")


def _value(attribute: Attribute, cell: Any) -> Any:
    """The value of a cell, None when it is blank or says that nothing was found."""
    plain = _plain(cell)
    if isinstance(plain, list):
        shown = [_shown(each.get("name") if isinstance(each, dict) else each) for each in plain[:500]]
        return list(dict.fromkeys(filter(None, shown))) or None
    if attribute.slug == "headcount":
        return count(_shown(plain) if isinstance(plain, str) else plain)
    if attribute.slug == "company_linkedin_url":
        return company_page(plain) or None
    if attribute.slug in ("linkedin_url", "ceo_linkedin_url"):
        return profile_page(plain) or None
    if isinstance(plain, str):
        return _shown(plain) or None
    return plain if isinstance(plain, int | float) else None


def _provider(columns: Json, column: str, cell: Any) -> str:
    """Who filled a cell, as the cell or the column beside it tells."""
    given = [cell.get(name) for name in _PROVIDER] if isinstance(cell, dict) else []
    given += [columns.get(f"{column}_{name}") for name in _PROVIDER]
    return next((found for each in given if (found := slug_of(text(_plain(each))[:60].lower()))), "")


def _is_cell(value: Json) -> bool:
    return any(name in value for name in _VALUE)


def _plain(cell: Any) -> Any:
    """The value of a cell: bare, or in an object."""
    if isinstance(cell, dict):
        return next((cell[name] for name in _VALUE if name in cell), None)
    return cell


def _shown(cell: Any) -> str:
    """A cell's text; "" when it says that nothing was found or something failed."""
    shown = text(_plain(cell))
    return "" if len(shown) < MAX_TEXT and _FAILED.fullmatch(shown[:300]) else shown
