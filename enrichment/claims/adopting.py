"""Identity fields that code wrote on a record without a claim become claims of the source `record`.

Identity columns are projections of what people, imports and the API claimed. A column that says something
although none of them claims it was filled past the ledger. When others begin to claim its attribute, its own text
becomes a claim as well, so that it survives them and has a footnote like every other value.
"""

from __future__ import annotations

from collections.abc import Mapping

from crm.models import Account, Contact
from enrichment import bulk
from enrichment.claims.state import NEW, VALUES, Live, Owner, Speakers, canonical, owner_column
from enrichment.models import EnrichmentSource
from enrichment.winner import RECORD, WRITERS, Rank
from sources.attributes import BY_SLUG, IDENTITY, Kind, identity_slug
from sources.cleaning import Refused, clean

_LABEL = "Came with the record"
_RANK = 140  # behind whoever names the record on purpose


def adopt(
    kind: Kind, owners: Mapping[int, Owner], standing: Mapping[int, dict[str, list[Live]]], speak: Speakers
) -> None:
    """Write claims for identity fields that nobody claimed of the attributes in `standing`, and add them to it.

    Needs the records as they were: afterwards a field that lost its claim looks the same.
    """
    slugs = [identity_slug(kind, column) for column in IDENTITY]
    untold = [
        (owner_id, slug, text)
        for owner_id, attributes in standing.items()
        for slug, text in zip(slugs, owners[owner_id].identity, strict=False)  # the name's key comes last
        if text and slug in attributes and not _is_told(slug, owners[owner_id], attributes[slug], speak)
    ]
    for claim in _write(kind, untold, speak) if untold else ():
        standing[claim.owner][claim.attribute].append(claim)


def _is_told(slug: str, owner: Owner, claims: list[Live], speak: Speakers) -> bool:
    """Whether a writer claimed the field before now: the record shows it, or the claim stands."""
    shown = owner.current.get(slug)
    return bool(shown and shown["source"] in WRITERS) or any(
        claim.id != NEW and speak.ranks[claim.source].slug in WRITERS for claim in claims
    )


def _write(kind: Kind, untold: list[tuple[int, str, str]], speak: Speakers) -> list[Live]:
    source = _source(speak).pk
    model = Account if kind is Kind.ACCOUNT else Contact
    made = dict(model.objects.filter(pk__in={pk for pk, _, _ in untold}).values_list("pk", "created_at"))
    claims = []
    for owner, slug, text in untold:
        value = _clean(slug, text)
        claims.append(
            Live(
                NEW, owner, slug, source, canonical(value), canonical([f"record:{owner}"]),
                text if text != value else "", made[owner],
            )
        )  # fmt: skip
    bulk.insert(
        VALUES,
        (owner_column(kind), "attribute", "source_id", "value", "references", "original", "first_seen_at"),
        [(*claim[1:7], bulk.moment(claim.first_seen)) for claim in claims],
    )
    return claims


def _clean(slug: str, text: str) -> str:
    """The text as the catalogue wants it; one that it refuses stays as it is, since it is the team's own."""
    try:
        return str(clean(BY_SLUG[slug], text) or text)
    except Refused:
        return text


def _source(speak: Speakers) -> EnrichmentSource:
    """The source's row, made when it is first needed."""
    row, _ = EnrichmentSource.objects.get_or_create(
        slug=RECORD, defaults={"label": _LABEL, "rank": _RANK, "is_enabled": True, "cadence": "never"}
    )
    speak.sources[row.pk] = row
    speak.ranks[row.pk] = Rank(row.slug, row.rank, row.by_attribute)
    return row
