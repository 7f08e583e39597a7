"""The organisation a company has on GitHub: what it says of itself, and the languages of its public code."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Finding, Http, Limits, Payload, Secret, Source, Subject, Wanted
from sources.errors import PayloadChanged
from sources.vendors.firmographics import address, claims, is_miss, site
from sources.vendors.json_answers import mapping, mappings, raise_for_status, read_json, text

_LOGIN = re.compile(r"[a-z\d](?:[a-z\d]|-(?=[a-z\d])){0,38}", re.ASCII | re.IGNORECASE)
_TWITTER = re.compile(r"\w{1,50}", re.ASCII)
_MOST_LANGUAGES = 20


class GithubOrganization(Source):
    """Asks for the organisation named like the domain (acme of acme.com); its website tells whether it is the company's.

    Without a token GitHub answers 60 questions an hour, too few to be of use, so one is needed; it may be one
    without any permissions.
    """

    slug = "github_organization"
    label = "GitHub organisation"
    version = 2
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("domain",),)
    provides = ("name", "domain", "company_description", "headquarters", "email", "twitter_url", "tech_stack")
    cadence = Cadence.parse("monthly")
    limits = Limits(per_minute=40, in_flight=4, max_bytes=5_000_000)
    secret = Secret(
        env="GITHUB_ORGANIZATION_API_KEY", help_url="https://github.com/settings/personal-access-tokens"
    )
    base_url = "https://api.github.com"

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """`{"organization": …, "repositories": […]}`, or the first answer of the two that is an error."""
        login = call.subject.domain.partition(".")[0]
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if call.key:
            headers["Authorization"] = f"Bearer {call.key}"
        found = http.get(f"orgs/{login}", headers=headers)
        if found.status != 200:
            return [found]
        pushed_last = {"per_page": "100", "sort": "pushed"}
        repositories = http.get(f"orgs/{login}/repos", params=pushed_last, headers=headers)
        if repositories.status != 200:
            return [repositories]
        try:
            both = {"organization": read_json(found), "repositories": read_json(repositories)}
        except PayloadChanged:
            return [found]
        body = json.dumps(both).encode()
        return [Payload(status=200, body=body, url=found.url, headers=repositories.headers)]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """What the organisation and its repositories say; each of the two answers alone is understood as well."""
        if is_miss(payload):
            return ()
        raise_for_status(payload)
        answer = read_json(payload)
        if isinstance(answer, list):
            answer = {"repositories": answer}
        elif isinstance(answer, dict) and "login" in answer:
            answer = {"organization": answer}
        answer = mapping(answer)
        repositories = mappings(answer.get("repositories"))
        owners = [mapping(repository.get("owner")) for repository in repositories]
        organization = mapping(answer.get("organization")) or next(iter(owners), {})
        login = text(organization.get("login"))
        if not _LOGIN.fullmatch(login):
            if answer.get("repositories") == []:
                return ()
            raise PayloadChanged("GitHub sent something other than an organisation")
        if organization.get("type") == "User":  # a person of that name
            return ()
        return [_finding(login, organization, repositories)]


def _finding(
    login: str, organization: Mapping[str, Any], repositories: Sequence[Mapping[str, Any]]
) -> Finding:
    name, domain = text(organization.get("name")), site(organization.get("blog"))
    twitter = text(organization.get("twitter_username"))
    values = {
        "name": name,
        "domain": domain,
        "company_description": text(organization.get("description")),
        "headquarters": text(organization.get("location")),
        "email": address(organization.get("email")),
        "twitter_url": f"https://twitter.com/{twitter}" if _TWITTER.fullmatch(twitter) else "",
        "tech_stack": _languages(repositories),
    }
    return Finding(
        subject=Subject(name=name or login, domain=domain, aliases=(login,) if name else ()),
        claims=claims(values, f"https://github.com/{login}"),
    )


def _languages(repositories: Sequence[Mapping[str, Any]]) -> list[str]:
    """The main languages of its own repositories, the most used first; copies of others' code say nothing."""
    own = [each for each in repositories if not each.get("fork") and not each.get("archived")]
    used = Counter(language for each in own if (language := text(each.get("language"))))
    return [language for language, _ in used.most_common(_MOST_LANGUAGES)]
