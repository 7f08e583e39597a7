"""Names that people type: which attribute or source is meant, and what it may have been when none is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from enrichment.models import CustomAttribute, EnrichmentSource
from sources import registry
from sources.attributes import CATALOGUE, Attribute, Kind, find, slug_of

_MOST_LISTED = 60
_ALIASES = {
    "linkedin_profile": "datagen_linkedin",
    "web_research": "datagen_web_research",
    "find_ceo": "datagen_find_ceo",
    "apollo_enrich": "apollo",
    "clearbit_enrich": "clearbit",
    "builtwith_enrich": "builtwith",
    "crunchbase_enrich": "crunchbase",
    "hunter_enrich": "hunter",
    "pdl": "people_data_labs",
    "proxycurl": "enrich_layer",
}
"""Other words for sources, those of the modules that the product was conceived from among them."""

_PROFILE = ("headline", "current_company", "location", "follower_count")
_COLUMNS = {
    "linkedin_profile": _PROFILE,
    "datagen_linkedin": _PROFILE,
    "web_research": ("company_description", "tech_stack", "employee_count"),
    "find_ceo": ("ceo_name", "ceo_linkedin_url"),
}
"""What those modules called their answers."""


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


def sources_called(names: Iterable[str]) -> list[str]:
    """The slugs of the sources that names mean, each once; a name is a slug, or another word for one.

    Raises UnknownName with the names that are near, or with why a module of that name is left out.
    """
    known = list(EnrichmentSource.objects.exclude(adapter="").order_by("slug").values_list("slug", flat=True))
    slugs: dict[str, None] = {}
    for name in names:
        slug = name if name in known else slug_meant(name)
        if slug not in known:
            raise no_source(name, known)
        slugs[slug] = None
    return list(slugs)


def no_source(name: str, known: Sequence[str]) -> UnknownName:
    """What to say of a name that no source has: why a module of that name is left out, what is near, or what there is."""
    if why := registry.left_out().get(f"{name}.py"):
        return UnknownName(f"The module {name}.py is left out. {why}")
    near = get_close_matches(name, [*known, *_ALIASES], n=3, cutoff=0.6)
    return UnknownName(f"There is no source {name} that can be asked{_hint(near, known)}")


def slug_meant(name: str) -> str:
    """The slug of the adapter that a name means: its own, or of the one it is another word for."""
    return name if name in registry.adapters() else _ALIASES.get(name, name)


def columns_of(names: Iterable[str]) -> list[str]:
    """The columns that sources called so give by their own account, whatever they find."""
    adapters = registry.adapters()
    given = [
        column
        for name in names
        for column in (adapters[name].columns if name in adapters else _COLUMNS.get(name, ()))
    ]
    return list(dict.fromkeys(given))


def did_you_mean(near: Iterable[str]) -> str:
    """A question that follows a sentence; "" when nothing is near."""
    unique = list(dict.fromkeys(near))
    return f" Did you mean {' or '.join(unique)}?" if unique else ""


def _hint(near: Iterable[str], known: Sequence[str]) -> str:
    """The end of a sentence: the names that are near, else those there are."""
    if question := did_you_mean(near):
        return f".{question}"
    return f"; there are {', '.join(known[:_MOST_LISTED])}."
