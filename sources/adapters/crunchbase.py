"""Crunchbase: companies and the rounds they raised, found by their domain or their page on Crunchbase."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Finding, Http, Limits, Payload, Secret, Source, Subject, Wanted
from sources.errors import NotAllowed, PayloadChanged, SourceRefused
from sources.vendors.crunchbase import CARD, FIELDS, at_home, finding
from sources.vendors.firmographics import is_miss
from sources.vendors.json_answers import mapping, mappings, raise_for_status, read_json, read_object, text

PATH = "api/v4"
_PATH = re.compile(r"[a-z0-9]+(?:/[a-z0-9]+)*")
_PAGE = re.compile(
    r"(?:https?://)?(?:www\.)?crunchbase\.com/organization/([^\s/?#]{1,200})(?:[/?#].*)?", re.I
)
_CODE = re.compile(r"[A-Z]{2}([45]\d\d)", re.ASCII)
_MOST = 5


class Crunchbase(Source):
    """Asks for the organization whose page is known, else searches by domain.

    The setting `path` names where the API lives below its host: `api/v4`, or `v4/data` for the newer packages.
    """

    slug = "crunchbase"
    label = "Crunchbase"
    version = 2
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("domain",), ("crunchbase_url",))
    provides = (
        *("funding_stage", "last_funding_date", "last_funding_amount", "total_funding", "investors", "name"),
        *("legal_name", "domain", "industry", "headcount", "revenue_range", "company_description"),
        *("founded_year", "headquarters", "city", "country", "phone", "email", "ticker"),
        *("company_linkedin_url", "twitter_url", "facebook_url", "crunchbase_url"),
    )
    cadence = Cadence.parse("weekly monday")
    limits = Limits(per_minute=200, deadline=30.0)
    secret = Secret(env="CRUNCHBASE_API_KEY", help_url="https://data.crunchbase.com/docs/using-the-api")
    base_url = "https://api.crunchbase.com"

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The organization with its rounds, or the organizations at the domain.

        Raises NotAllowed when neither is known, SourceRefused when the setting is no path.
        """
        path, key = _path(call.settings), {"X-cb-user-key": call.key}
        if name := _permalink(call.subject):
            params = {"field_ids": ",".join(FIELDS), "card_ids": CARD}
            url = f"{path}/entities/organizations/{quote(name, safe='')}"
            return [http.get(url, params=params, headers=key)]
        if not call.subject.domain:
            raise NotAllowed("Crunchbase finds companies by their domain or their page on Crunchbase only")
        return [http.post(f"{path}/searches/organizations", json=_search(call.subject.domain), headers=key)]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """A finding for each organization; () when there is none."""
        if is_miss(payload):
            return ()
        raise_for_status(payload)
        if status := _told_status(payload):
            return self.parse(replace(payload, status=status), wanted)
        answer = read_object(payload)
        if "properties" in answer or isinstance(answer.get("cards"), dict):
            organizations: Sequence[Mapping[str, Any]] = [answer]
        elif isinstance(answer.get("entities"), list):
            organizations = at_home(mappings(answer["entities"]))
            if answer["entities"] and not organizations:
                raise PayloadChanged("Crunchbase's entities are no JSON objects")
        else:
            raise PayloadChanged("Crunchbase's answer is neither an organization nor a list of them")
        return [found for found in map(finding, organizations) if found]


def _told_status(payload: Payload) -> int:
    """The status that the code of an error names, such as CS404 or LA401; 0 when the body is no error."""
    body = read_json(payload)
    error = mapping(next(iter(mappings(body)), {}) if isinstance(body, list) else body)
    found = (
        _CODE.fullmatch(text(error.get("code")))
        if {"properties", "entities", "cards"}.isdisjoint(error)
        else None
    )
    return int(found[1]) if found else 0


def _search(domain: str) -> dict[str, Any]:
    """The question for the organizations at a domain, the best known first."""
    at_domain = {
        "type": "predicate",
        "field_id": "website_url",
        "operator_id": "domain_eq",
        "values": [domain],
    }
    return {
        "field_ids": list(FIELDS),
        "query": [at_domain],
        "order": [{"field_id": "rank_org", "sort": "asc"}],
        "limit": _MOST,
    }


def _path(settings: Mapping[str, Any]) -> str:
    path = str(settings.get("path") or PATH).strip("/ ")
    if not _PATH.fullmatch(path):
        raise SourceRefused("Crunchbase's setting 'path' is not a path: write it like api/v4")
    return path


def _permalink(subject: Subject) -> str:
    """The name in the address of the company's page on Crunchbase, or ""."""
    page = _PAGE.fullmatch(text(subject.known.get("crunchbase_url")))
    return unquote(page[1]) if page else ""
