"""Web research by DataGen: the question that is put, and what its answer claims about a company."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Cost, Finding, Http, Limits, Payload, Secret, Source, Subject, Wanted
from sources.errors import NotAllowed, PayloadChanged
from sources.vendors import datagen
from sources.vendors.datagen import first, links, objects, snake
from sources.vendors.firmographics import claims, profile_page, site
from sources.vendors.json_answers import count, mapping, text, texts

Json = Mapping[str, Any]

TOOL = "chatgpt_webresearch"
COMPANY = ("company_description", "tech_stack", "headcount")
CEO = ("ceo_name", "ceo_linkedin_url")

_SUBJECT = ("company_name", "official_name", "company")
_SITE = ("website", "company_website", "domain", "company_domain")
_WORDS: Mapping[str, tuple[str, ...]] = {
    "company_description": ("company_description", "description", "about", "summary"),
    "tech_stack": ("tech_stack", "technologies", "technology_stack"),
    "headcount": ("headcount", "employee_count", "employees", "number_of_employees", "company_size"),
    "ceo_name": ("ceo_name", "ceo", "chief_executive", "full_name"),
    "ceo_linkedin_url": (
        "ceo_linkedin_url",
        "ceo_linkedin",
        "linkedin_url",
        "linkedin",
        "linkedin_profile_url",
    ),
}


class Research(Source):
    """Puts one question about a domain to the research tool: what its subclass `provides`.

    The setting `tool` names another alias of the tool.
    """

    kinds = frozenset({Kind.ACCOUNT})
    needs = (("domain",),)
    cadence = Cadence.parse("monthly")
    cost = Cost(credits=1, charges_miss=True)
    limits = Limits(per_minute=50, in_flight=3, deadline=120.0)
    secret = Secret(env=datagen.KEY, help_url=datagen.HELP)
    base_url = datagen.BASE_URL

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The envelope of the tool's result; raises NotAllowed without a domain."""
        if not call.subject.domain:
            raise NotAllowed("DataGen's research needs the domain of a company")
        return [datagen.execute(call, http, TOOL, {"query": query(call.subject.domain, self.provides)})]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """What was found about the company that the answer names; () when nothing was."""
        result = datagen.result_of(payload)
        if result is datagen.MISSING:
            return ()
        found = finding(result, self.provides)
        return [found] if found else ()


def query(domain: str, asked: tuple[str, ...]) -> str:
    """The question about the company at `domain`: an answer in JSON with its sources."""
    what = {
        "company_description": "what the company does, in at most two sentences",
        "tech_stack": "list of technologies it is known to use",
        "headcount": "number of employees",
        "ceo_name": "full name of the current chief executive",
        "ceo_linkedin_url": "LinkedIn profile of that person, https://www.linkedin.com/in/...",
    }
    fields = "; ".join(f"{slug}: {what[slug]}" for slug in asked)
    return (
        f"Research the company whose website is {domain}. Answer with one JSON object and nothing else. Its keys: "
        f"company_name: as on its website; website: the website where you found it; {fields}; "
        "sources: list of the URLs that show it. Use null for what no source shows."
    )


def finding(result: Any, asked: tuple[str, ...]) -> Finding | None:
    """What a result claims of the `asked` attributes; None when it answers that nothing is known.

    Raises PayloadChanged for an answer without one of its keys, such as prose.
    """
    for item in objects(result):
        if not any(name in item for slug in asked for name in _WORDS[slug]):
            continue
        subject = Subject(name=_name(first(item, _SUBJECT)), domain=site(first(item, _SITE)))
        values = {slug: _value(slug, item) for slug in asked}
        shown = links(result) or [f"datagen:{TOOL}/{subject.domain or subject.name or 'unknown'}"]
        found = claims(values, *shown)
        return Finding(subject=subject, claims=found) if found else None
    raise PayloadChanged("DataGen's research answered without the JSON that was asked for")


def _value(slug: str, item: Json) -> Any:
    given = first(item, _WORDS[slug])
    if slug == "ceo_name":
        return _name(given)
    if slug == "ceo_linkedin_url":
        inner = snake(mapping(first(item, _WORDS["ceo_name"])))
        return profile_page(given) or profile_page(first(inner, _WORDS[slug]))
    if slug == "headcount":
        return count(given)
    if slug == "tech_stack":
        return texts(given) or text(given)
    return text(given)


def _name(value: Any) -> str:
    """A name, bare or within an object."""
    return text(first(snake(value), ("name", "full_name"))) if isinstance(value, dict) else text(value)
