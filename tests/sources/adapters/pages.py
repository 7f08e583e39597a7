"""Pages as payloads, and what the adapter of company websites reads in them."""

from __future__ import annotations

import json

from sources.adapters.company_website import CompanyWebsite
from sources.contract import Finding, Payload

HTML = {"content-type": "text/html; charset=utf-8"}


def page(
    body: bytes | str, *, url: str = "https://acme.example/", status: int = 200, **headers: str
) -> Payload:
    """An answer with an HTML body."""
    raw = body.encode() if isinstance(body, str) else body
    return Payload(status=status, body=raw, url=url, headers={**HTML, **headers})


def parse(payload: Payload) -> Finding | None:
    """The one finding of a page, or None."""
    findings = CompanyWebsite().parse(payload, {})
    assert len(findings) <= 1
    return findings[0] if findings else None


def claims(payload: Payload) -> dict[str, object]:
    """What a page claims, by attribute."""
    finding = parse(payload)
    return {claim.attribute: claim.value for claim in finding.claims} if finding else {}


def structured(*documents: object) -> str:
    """JSON-LD scripts of `documents`."""
    return "".join(
        f'<script type="application/ld+json">{json.dumps(document)}</script>' for document in documents
    )
