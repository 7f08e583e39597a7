"""The e-mail address of a company's chief executive: found by Hunter, else guessed and said to be a guess."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Cost, Finding, Http, Limits, Payload, Secret, Source, Subject, Wanted
from sources.errors import NotAllowed, PayloadChanged, RateLimited
from sources.identity.people import compare_people
from sources.vendors import email_guess
from sources.vendors.firmographics import address, claims, is_miss, site
from sources.vendors.hunter import is_confirmed, is_wrong, pages_of
from sources.vendors.json_answers import raise_for_status, read_object, retry_after, text, texts

_UNLIKE = 0.5
_LEAST_SCORE = 50


_HUNTER = Secret(env="HUNTER_API_KEY", help_url="https://hunter.io/api-keys")


class CeoEmail(Source):
    """With a Hunter key, its own or `HUNTER_API_KEY`, asks Hunter's finder; without one makes the address by the domain's pattern, when it takes mail.

    The pattern is the attribute `email_pattern` (Hunter's domain search tells it), else `{first}.{last}`. A guess
    has a reference `guess:pattern/confidence` beside that of the MX records.
    """

    slug = "ceo_email"
    label = "CEO e-mail (Hunter, or a guess)"
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("ceo_name", "domain"),)
    provides = ("ceo_email",)
    cadence = Cadence.parse("monthly")
    cost = Cost(credits=1)
    limits = Limits(per_minute=150)
    other_secrets = (_HUNTER,)
    base_url = "https://api.hunter.io/v2"

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """Hunter's answer, or the domain's MX records with the name and pattern; raises NotAllowed without a name."""
        name, domain = text(call.subject.known.get("ceo_name")), call.subject.domain
        if not (name and domain):
            raise NotAllowed("an address is found for the name of a chief executive and a domain only")
        if key := call.key or call.keys.get(_HUNTER.env):
            params = {"domain": domain, "full_name": name}
            return [http.get("email-finder", params=params, headers={"X-API-KEY": key})]
        known = email_guess.pattern_of(text(call.subject.known.get("email_pattern")))
        answer = {
            "domain": domain,
            "name": name,
            "pattern": known or email_guess.USUAL,
            "is_known": bool(known),
            "MX": http.records(domain, "MX"),
        }
        return [Payload(status=200, body=json.dumps(answer).encode(), url=f"dns:{domain}")]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """The address; () when Hunter knows none, when the domain takes no mail, or the name makes no address."""
        if is_miss(payload):
            return ()
        if payload.status == 403:  # Hunter's word for too many requests a second; a wrong key is 401
            raise RateLimited("api.hunter.io asks for a pause (403)", retry_after=retry_after(payload))
        raise_for_status(payload)
        answer = read_object(payload)
        found = _guessed(answer) if "MX" in answer else _found(answer, _asked_name(payload))
        return [found] if found else ()


def _guessed(answer: dict[str, Any]) -> Finding | None:
    """The address made by the pattern, when the domain takes mail."""
    domain, name = site(answer.get("domain")), text(answer.get("name"))
    pattern = email_guess.pattern_of(text(answer.get("pattern")))
    if not (domain and pattern):
        raise PayloadChanged("the kept DNS records are not the JSON that this version writes")
    guessed = email_guess.guess(name, domain, pattern)
    if not (guessed and email_guess.takes_mail(texts(answer["MX"]))):
        return None
    confidence = email_guess.KNOWN if answer.get("is_known") is True else email_guess.UNKNOWN
    return _finding(domain, guessed, f"guess:{pattern}/{confidence}", f"dns:{domain}/MX")


def _found(answer: dict[str, Any], asked: str) -> Finding | None:
    """The address that Hunter found; one that nothing confirms is a guess of Hunter's with its score."""
    data = answer.get("data", answer)
    if not isinstance(data, dict) or "email" not in data or "score" not in data:
        raise PayloadChanged("Hunter's answer is no address")
    found, score = address(data["email"]), data["score"]
    names = f"{text(data.get('first_name'))} {text(data.get('last_name'))}".strip()
    is_another = bool(asked and names) and compare_people(asked, names)[0] < _UNLIKE
    if not found or is_another or is_wrong(data):
        return None
    domain = site(data.get("domain"))
    if is_confirmed(data):
        return _finding(domain, found, *pages_of(data), f"hunter:{found}")
    if isinstance(score, bool) or not isinstance(score, int | float) or not _LEAST_SCORE <= score <= 100:
        return None
    return _finding(domain, found, f"guess:hunter/{score / 100:g}", f"hunter:{found}")


def _finding(domain: str, found: str, *references: str) -> Finding:
    return Finding(subject=Subject(domain=domain), claims=claims({"ceo_email": found}, *references))


def _asked_name(payload: Payload) -> str:
    """The name that Hunter was asked for."""
    try:
        return parse_qs(urlsplit(payload.url).query).get("full_name", [""])[0]
    except ValueError:
        return ""
