"""Does the key of a source work? Asked where that costs nothing; nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass

from enrichment.clients import client_of
from enrichment.keys import key_of, key_variable
from enrichment.models import EnrichmentSource, Lookup
from enrichment.registration import adapter_of
from sources.contract import Source
from sources.errors import SourceError, SourceRefused
from sources.vendors import key_checks


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a key works (None: that could not be found out), in a sentence."""

    works: bool | None
    text: str


def try_key(source: EnrichmentSource) -> Verdict:
    """Ask the vendor's free question about the key, where it has one; never one that costs something."""
    adapter = adapter_of(source)
    if adapter is None or adapter.secret is None:
        return Verdict(None, f"{source.label} needs no key.")
    key = key_of(source.slug, adapter)
    if not key:
        return Verdict(False, f"{source.label} has no key: set {key_variable(source.slug, adapter)}.")
    check = key_checks.check_of(adapter)
    if check is None:
        return _by_evidence(source, adapter)
    try:
        with client_of(adapter) as http:
            accepted = key_checks.ask(check, key, http)
    except SourceRefused as error:
        return Verdict(False, f"The key does not work: {error}.")
    except SourceError as error:
        return Verdict(None, f"Whether the key works could not be found out: {error}.")
    left = "" if accepted.left is None else f", {accepted.left:,} {accepted.unit} are left"
    return Verdict(True, f"The key works{left}.")


def _by_evidence(source: EnrichmentSource, adapter: Source) -> Verdict:
    """What the last question says, where none is free."""
    free = f"{adapter.label} has no question that costs nothing"
    last = Lookup.objects.filter(source=source).exclude(sent_at=None).order_by("-sent_at").first()
    if last is None or last.sent_at is None:
        return Verdict(None, f"{free}; the first record that is asked about will tell.")
    when = f"{last.sent_at:%Y-%m-%d %H:%M} UTC"
    if last.state == Lookup.State.FAILED:
        return Verdict(None, f"{free}; the last, on {when}, failed: {last.error}.")
    return Verdict(None, f"{free}; the last was answered on {when}.")
