"""Names that people type: which attribute or source is meant, and what it may have been when none is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from enrichment.models import CustomAttribute, EnrichmentSource
from sources.attributes import CATALOGUE, Attribute, Kind, find, slug_of

_MOST_LISTED = 60


class UnknownName(ValueError):
    """Nothing is called so; the text names what there is."""


def custom_attributes() -> list[Attribute]:
    """The attributes that users added."""
    return [row.as_attribute() for row in CustomAttribute.objects.all()]


def attribute_called(name: str, *kinds: Kind) -> Attribute:
    """The attribute that a slug, label or alias means; where kinds differ the first of `kinds` counts.

    Raises UnknownName with the names that are near, or with all there are.
    """
    custom = custom_attributes()
    for kind in kinds:
        if found := find(name, kind, custom):
            return found
    known = [each for each in (*CATALOGUE, *custom) if each.kinds & set(kinds)]
    words = sorted({word for each in known for word in (each.slug, *each.aliases)})
    near = get_close_matches(slug_of(name), words, n=3, cutoff=0.75)
    raise UnknownName(f"There is no attribute {name}{_hint(near, sorted(each.slug for each in known))}")


def check_sources(names: Sequence[str]) -> None:
    """Raises UnknownName unless each name is the slug of a source that can be asked."""
    known = list(EnrichmentSource.objects.exclude(adapter="").order_by("slug").values_list("slug", flat=True))
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=3, cutoff=0.6)
            raise UnknownName(f"There is no source {name} that can be asked{_hint(near, known)}")


def did_you_mean(near: Iterable[str]) -> str:
    """A question that follows a sentence; "" when nothing is near."""
    unique = list(dict.fromkeys(near))
    return f" Did you mean {' or '.join(unique)}?" if unique else ""


def _hint(near: Iterable[str], known: Sequence[str]) -> str:
    """The end of a sentence: the names that are near, else those there are."""
    if question := did_you_mean(near):
        return f".{question}"
    return f"; there are {', '.join(known[:_MOST_LISTED])}."
