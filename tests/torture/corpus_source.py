"""The adapter that the corpora of misbehaviours are put to: it reads the made-up vendor they were written for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sources.contract import Call, Claim, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import PayloadChanged
from sources.vendors.firmographics import is_miss, site
from sources.vendors.json_answers import count, mapping, raise_for_status, read_json, text

_ERRORS = frozenset(("error", "errors", "statusCode"))
DEADLINE = 0.6  # seconds


class CorpusSource(Source):
    """`{"company": {"name": …, "domain": …, "employees": …, "founded": …}}`; null, false, 0 and {} are nobody."""

    slug = "corpus"
    label = "Corpus"
    provides = ("name", "domain", "headcount", "founded_year")
    limits = Limits(deadline=DEADLINE, max_bytes=2_000_000)
    base_url = "https://api.corpus.example"

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """One call for each question."""
        return [http.get("company", params={"domain": call.subject.domain})]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """The company; () when nobody is known."""
        if is_miss(payload):
            return ()
        raise_for_status(payload)
        answer = read_json(payload)
        if not answer or (isinstance(answer, dict) and _names_nobody(answer)):
            return ()
        if not isinstance(answer, dict) or _is_error(answer) or not isinstance(answer.get("company"), dict):
            raise PayloadChanged("the corpus' vendor sent something other than a company")
        found = _finding(mapping(answer["company"]), payload.url)
        return [found] if found else ()


def _names_nobody(answer: dict[str, Any]) -> bool:
    return answer.get("results") == [] or ("company" in answer and answer["company"] is None)


def _is_error(answer: dict[str, Any]) -> bool:
    return bool(_ERRORS & answer.keys()) or answer.get("status") == "error" or answer.get("ok") == 0


def _finding(company: Mapping[str, Any], url: str) -> Finding | None:
    name, domain = text(company.get("name")), site(company.get("domain"))
    if not name and not domain:
        return None
    values = {
        "name": name, "domain": domain, "headcount": count(company.get("employees")),
        "founded_year": company.get("founded"),
    }  # fmt: skip
    claims = tuple(
        Claim(attribute=slug, value=value, references=(url,)) for slug, value in values.items() if value
    )
    return Finding(
        subject=Subject(name=name, domain=domain), claims=claims, confidence=company.get("confidence")
    )
