"""References as people read them: web addresses become links, everything else stays text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference: the text to show, its full form, and where it leads ("" for nowhere)."""

    text: str
    full: str
    href: str = ""


def read_reference(reference: str) -> Reference:
    """What to show for a reference; only http and https addresses become links, since a click on any
    other scheme may do anything."""
    if reference == "csv_import":
        return Reference("imported file", reference)
    scheme, _, rest = reference.partition(":")
    if scheme == "table" and "#" in rest:
        slug, _, row = rest.rpartition("#")
        return Reference(f"row {row} of {slug}", reference)
    if scheme == "user":
        return Reference(f"typed by {rest}", reference)
    if scheme == "record":
        return Reference("came with the record", reference)
    try:
        parts = urlsplit(reference)
    except ValueError:
        return Reference(_shorten(reference), reference)
    if parts.scheme in ("http", "https") and parts.hostname and "\\" not in reference:
        return Reference(_shorten(parts.netloc + parts.path.rstrip("/")), reference, reference)
    return Reference(_shorten(reference), reference)


def read_references(references: Iterable[str]) -> list[Reference]:
    """As `read_reference`, for each."""
    return [read_reference(reference) for reference in references]


def links(references: Iterable[str]) -> SafeString:
    """References as HTML, one a line."""
    return format_html_join("", "<div>{}</div>", ((_as_html(read_reference(each)),) for each in references))


def _as_html(reference: Reference) -> str:
    if not reference.href:
        return reference.text
    return format_html(
        '<a class="fn-link" href="{}" target="_blank" rel="noopener noreferrer nofollow" title="{}">{}</a>',
        reference.href,
        reference.full,
        reference.text,
    )


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
