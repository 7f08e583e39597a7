"""`manage.py parse`: a kept answer read again, as one JSON object; nobody is asked and no database is needed."""

from __future__ import annotations

import json
import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from enrichment.models import EnrichmentSource
from enrichment.models.check import Outcome
from enrichment.names import no_source, slug_meant
from enrichment.registration import adapter_of
from enrichment.terminal import existing_file
from enrichment.verifying import clean_claim
from sources import registry
from sources.attributes import BY_SLUG, Attribute, Kind, Type
from sources.cleaning import Refused, domain
from sources.contract import Finding, Payload, Source, Wanted
from sources.errors import RateLimited, SourceError
from sources.vendors.web_page import read_page

_STATUSES = ("status", "status_code", "statusCode")
_RECORDERS = frozenset((*_STATUSES, "headers", "body", "url", "ok", "statusText"))
"""What recorders call the parts of an answer."""


class Command(BaseCommand):
    """Read one recorded answer with the parser of a source."""

    help = "Read a recorded answer as a source would: prints outcome and findings, or the error, as one JSON object."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """SLUG FILE [--status N] [--headers FILE] [--url URL] [--configuration FILE]"""
        parser.add_argument("slug", help="the source; `manage.py sources` lists them")
        parser.add_argument("file", type=Path, help="the body of the answer")
        parser.add_argument(
            "--status", type=int, help="its HTTP status (default: what the headers say, or 200)"
        )
        parser.add_argument(
            "--headers", type=Path, help="its headers: a JSON object, or one `Name: value` a line"
        )
        parser.add_argument("--url", default="", help="what was asked (default: the source's own address)")
        parser.add_argument(
            "--configuration", type=Path, help="of a source that is configured: its settings, a JSON object"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the object; an error of the source is an answer, too."""
        try:
            with redirect_stdout(sys.stderr):  # modules of the team may print when they are imported
                adapter = _adapter(options["slug"], options["configuration"])
                payload = _payload(adapter, options)
                told = _told(adapter, payload)
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2, default=str))


def _adapter(name: str, configuration: Path | None) -> Source:
    """The adapter that a name means, with its settings; raises ValueError."""
    slug, known = slug_meant(name), registry.adapters()
    adapter = known.get(slug) or _set_up(slug)
    if adapter is None:
        raise no_source(name, list(known))
    return adapter.configured(_settings(configuration)) if configuration else adapter


def _set_up(slug: str) -> Source | None:
    """The adapter of a source that users set up, such as an API; None without one, or without a database."""
    try:
        row = EnrichmentSource.objects.filter(slug=slug).first()
    except DatabaseError:
        return None
    return adapter_of(row) if row else None


def _settings(path: Path) -> dict[str, Any]:
    """The settings in a file; raises ValueError."""
    try:
        told = json.loads(existing_file(path).read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} holds no JSON: {error}") from None
    if not isinstance(told, dict):
        raise ValueError(f"{path} holds no JSON object.")
    return told


def _payload(adapter: Source, options: Mapping[str, Any]) -> Payload:
    """The recorded answer; raises ValueError."""
    path: Path = options["file"]
    recorded = _unwrapped(existing_file(path).read_bytes())
    headers = recorded.headers | (_headers(existing_file(options["headers"])) if options["headers"] else {})
    said = headers.get("status", "").partition(" ")[0]
    status = options["status"] or (int(said) if re.fullmatch(r"[1-5]\d\d", said) else 200)
    if not 100 <= status <= 599:
        raise ValueError(f"--status is an HTTP status from 100 to 599, not {status}.")
    url = options["url"] or recorded.url or adapter.base_url or _address(path, recorded.body)
    return Payload(status=status, body=recorded.body, headers=headers, url=url)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What a file holds: the body, what was asked, and headers, with the status among them, where a recorder wrote them."""

    body: bytes
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def _unwrapped(body: bytes) -> _Recorded:
    """A body as it is, or out of what recorders write: `{"request": {"url": …}, "response": …}`, and an answer as
    `{"status": …, "headers": {…}, "body": …}`, alone or as that response.
    """
    told, url = _read_json(body), ""
    if isinstance(told, dict) and set(told) == {"request", "response"} and isinstance(told["response"], dict):
        request = told["request"]
        url = str(request.get("url", "")).partition("?")[0] if isinstance(request, dict) else ""
        told = told["response"]
        body = json.dumps(told).encode()
    if not isinstance(told, dict) or "body" not in told or not set(told) <= _RECORDERS:
        return _Recorded(body, url)
    inner = told["body"]
    text = inner if isinstance(inner, str) else json.dumps(inner)
    headers: Any = told.get("headers")
    status = next((told[name] for name in _STATUSES if name in told), "")
    kept = {
        str(name).lower(): _text(value)
        for name, value in (headers if isinstance(headers, dict) else {}).items()
    }
    return _Recorded(text.encode(), url or str(told.get("url", "")), kept | {"status": _text(status)})


def _read_json(body: bytes) -> Any:
    """The JSON of a body that begins like an object, or None."""
    try:
        return json.loads(body) if body.lstrip()[:1] == b"{" else None
    except (ValueError, RecursionError):
        return None


def _headers(path: Path) -> dict[str, str]:
    """Headers by their names in lower case, of a JSON object or of lines; raises ValueError for what holds none."""
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("HTTP/")]
        told = dict(line.split(":", 1) for line in lines) if all(":" in line for line in lines) else None
    if isinstance(told, dict) and isinstance(
        told.get("headers"), dict
    ):  # as recorders write: beside the status
        told = {"status": told.get("status", ""), **told["headers"]}
    if not isinstance(told, dict):
        raise ValueError(f"{path} holds no headers: write a JSON object, or one `Name: value` a line.")
    return {str(name).strip().lower(): _text(value) for name, value in told.items()}


def _text(value: Any) -> str:
    """A header's value; of several, one text."""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value).strip()


def _address(path: Path, body: bytes) -> str:
    """Where a page was found that does not say it: as its file is called, or as it calls itself."""
    try:
        if domain(path.stem):
            return f"https://{path.stem}/"
    except Refused:
        pass
    said = read_page(body).meta.get("og:url", "")
    return said if said.startswith(("http://", "https://")) else f"file:{path.name}"


def _told(adapter: Source, payload: Payload) -> dict[str, Any]:
    """What the command prints."""
    told: dict[str, Any] = {"source": adapter.slug, "version": adapter.version, "status": payload.status}
    try:
        findings = list(adapter.parse(payload, BY_SLUG))
    except SourceError as error:
        return told | {"outcome": Outcome.FAILED.value, "findings": [], "error": _error(error)}
    outcome = Outcome.FOUND if findings else Outcome.NOT_FOUND
    return told | {"outcome": outcome.value, "findings": [_finding(each) for each in findings], "error": None}


def _error(error: SourceError) -> dict[str, Any]:
    said: dict[str, Any] = {"class": type(error).__name__, "message": str(error)}
    return said | {"retry_after": error.retry_after} if isinstance(error, RateLimited) else said


def _finding(finding: Finding) -> dict[str, Any]:
    subject = {name: value for name, value in asdict(finding.subject).items() if value}
    told = list(_claims(finding))
    return {
        "subject": {**subject, "kind": finding.subject.kind.value},
        "confidence": finding.confidence,
        "claims": [claim for claim in told if "refused" not in claim],
        "refused": [claim for claim in told if "refused" in claim],
    }


def _claims(finding: Finding) -> Iterator[dict[str, Any]]:
    """Each claim as received and as it would be kept; of two for an attribute the first that can be kept."""
    kept: set[str] = set()
    for claim in finding.claims:
        told = {"attribute": claim.attribute, "raw": claim.value, "references": list(claim.references)}
        try:
            value = clean_claim(claim, finding.subject.kind, _catalogue(claim.attribute))
        except Refused as error:
            yield told | {"refused": str(error)}
            continue
        if value is not None and claim.attribute not in kept:
            kept.add(claim.attribute)
            yield {"attribute": claim.attribute, "value": value.value, **told}


def _catalogue(slug: str) -> Wanted:
    """The catalogue; what it does not name is a text of the team's own."""
    if slug in BY_SLUG:
        return BY_SLUG
    return {slug: Attribute(slug, slug, Type.TEXT, frozenset(Kind))}
