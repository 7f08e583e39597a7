"""Open roles in the structured data of a page (schema.org JobPosting)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urljoin

from sources.cleaning import Refused, url
from sources.vendors.firmographics import site
from sources.vendors.job_roles import Role
from sources.vendors.structured_data import Node, node, postings, text, texts


def roles(documents: Iterable[Any], base: str, domain: str) -> list[Role]:
    """The postings among JSON-LD documents of a page at `base`, without those of companies at other domains."""
    found: dict[tuple[str, str], Role] = {}
    for posting in postings(documents):
        role = _role(posting, base)
        if role.title and _domains(posting) <= {domain}:
            found.setdefault((role.title, role.url), role)
    return list(found.values())


def _role(item: Node, base: str) -> Role:
    try:
        link = url(urljoin(base, text(item.get("url"))))
    except (Refused, ValueError):
        link = base
    return Role(
        title=text(item.get("title")), url=link, departments=tuple(texts(item.get("occupationalCategory")))
    )


def _domains(item: Node) -> set[str]:
    """The domains that the hiring company gives as its own."""
    company = node(item.get("hiringOrganization"))
    links = (*texts(company.get("url")), *texts(company.get("sameAs")))
    return {found for link in links if link.startswith("http") and (found := site(link))}
