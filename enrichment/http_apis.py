"""JSON APIs that users set up as sources: checked, tried on one record, saved."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from crm.models import Account, Contact, Record
from enrichment.clients import client_of
from enrichment.keys import key_of
from enrichment.models import EnrichmentSource
from enrichment.names import UnknownName, attribute_called, custom_attributes
from enrichment.subjects import has_inputs, subject_of
from enrichment.tables import SLUG
from enrichment.verifying import Cleaned, Judged, clean_claims, judge_findings
from sources import registry
from sources.adapters.http_api import HttpApi
from sources.attributes import BY_SLUG, Kind
from sources.cleaning import Refused, domain
from sources.contract import Call, Payload, Question, Subject
from sources.errors import SourceError
from sources.vendors import configured_api

ADAPTER = HttpApi.slug
_MASK = "***"


class Wrong(ValueError):
    """What was filled in makes no sense; `fields` says why, one sentence a field."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(next(iter(fields.values())))
        self.fields = dict(fields)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of asking an API about one subject: nothing of it is stored.

    `request` holds the lines that were sent, with the key masked. `error` is the sentence of a source error.
    """

    subject: Subject
    request: tuple[str, ...]
    payload: Payload | None = None
    judged: Judged | None = None
    cleaned: Cleaned | None = None
    error: str = ""

    @property
    def body(self) -> str:
        """The start of the answer as text."""
        return self.payload.body[:20_000].decode("utf-8", "replace") if self.payload else ""


def checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the attributes' own slugs. Raises Wrong."""
    wrong = configured_api.check(settings)
    if wrong:
        raise Wrong(wrong)
    api = configured_api.read(settings)
    paths: dict[str, str] = {}
    for name, path in api.attributes.items():
        try:
            slug = attribute_called(name, api.kind).slug
        except UnknownName as error:
            raise Wrong(
                {"attributes": f"{error} Attributes of your own are made under Attributes."}
            ) from None
        if slug in paths:
            raise Wrong({"attributes": f"{slug} stands there twice: leave one."})
        paths[slug] = path.text
    # Settings belong to what was asked: those of a GET stay as they were before there was a choice.
    left_out = () if api.method == configured_api.POST else ("method", "body")
    told = {name: value for name, value in settings.items() if name not in left_out}
    return {**told, "attributes": paths}


def save(
    settings: Mapping[str, Any],
    *,
    slug: str,
    label: str,
    known: EnrichmentSource | None = None,
    **fields: Any,
) -> EnrichmentSource:
    """Make an API a source, off until somebody turns it on, or change the `known` one. Raises Wrong."""
    told = checked(settings)
    if known is None:
        _check_slug(slug)
        known = EnrichmentSource(slug=slug, adapter=ADAPTER)
    known.label, known.settings = label, told
    for name, value in fields.items():
        setattr(known, name, value)
    known.only_when_missing = known.cost > 0 if known.pk is None else known.only_when_missing
    known.save()
    return known


def _check_slug(slug: str) -> None:
    if not SLUG.fullmatch(slug):
        raise Wrong({"slug": "Write up to 59 lower case letters, digits and _."})
    if slug in registry.adapters() or EnrichmentSource.objects.filter(slug=slug).exists():
        raise Wrong({"slug": f"There is another source called {slug}: choose another slug."})


def subject_called(text: str, kind: Kind) -> Subject:
    """The record that a domain, e-mail address, name or number means, else the company of a domain. Raises Wrong."""
    found = _record(text.strip(), kind)
    if found:
        return subject_of(found)
    try:
        site = domain(text)
    except Refused:
        site = ""
    if not site or kind is Kind.CONTACT:
        raise Wrong(
            {
                "record": f"No {kind.value} is called {text.strip()[:60] or 'nothing'}: write a domain or a name."
            }
        )
    return Subject(kind=kind, domain=site)


def _record(text: str, kind: Kind) -> Record | None:
    model: Any = Account if kind is Kind.ACCOUNT else Contact
    found = model.objects.order_by("pk")
    try:
        site = domain(text) if kind is Kind.ACCOUNT else ""
    except Refused:
        site = ""
    wishes: Sequence[dict[str, Any]] = (
        *([{"pk": int(text)}] if text.isdecimal() and len(text) < 18 else []),
        *([{"domain": site}] if site else []),
        *([{"email__iexact": text}, {"name__iexact": text}] if text else []),
    )
    return next((record for wish in wishes if (record := found.filter(**wish).first())), None)


def try_out(settings: Mapping[str, Any], subject: Subject, *, slug: str) -> Trial:
    """Ask an API about a subject and read its answer; nothing is stored. Raises Wrong."""
    adapter = HttpApi().configured(checked(settings))
    api = configured_api.read(settings)
    if not has_inputs(subject, adapter.needs):
        raise Wrong(
            {"record": f"The API is asked with {' and '.join(api.inputs)}, which is not known of it."}
        )
    sent = _shown(api.request(subject, _MASK))
    catalogue = {**BY_SLUG, **{each.slug: each for each in custom_attributes()}}
    call = Call(
        questions=[Question(subject=subject)], wanted=catalogue, settings=settings, key=key_of(slug, adapter)
    )
    payload: Payload | None = None
    try:
        with client_of(adapter) as http:
            (answer,) = adapter.fetch(call, http)
        payload = answer if isinstance(answer, Payload) else None
        findings = adapter.parse(payload, catalogue) if payload else ()
    except SourceError as error:
        return Trial(subject, sent, payload, error=str(error))
    judged = judge_findings(subject, findings)
    cleaned = clean_claims(findings[0], catalogue) if findings else None
    return Trial(subject, sent, payload, judged, cleaned)


def _shown(request: configured_api.Request) -> tuple[str, ...]:
    """The lines of a request."""
    lines = [f"{request.method} {request.url.replace(quote(_MASK, safe=''), _MASK)}"]
    lines += [f"{name}: {text}" for name, text in request.headers.items()]
    if request.body is not None:
        lines += ["", *json.dumps(request.body, indent=2, ensure_ascii=False).splitlines()]
    return tuple(lines)
