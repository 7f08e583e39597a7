"""The one table from error to consequence, for lookup and item."""

from __future__ import annotations

from dataclasses import dataclass, replace

from config.logs import redact
from enrichment.models import Lookup
from sources.errors import (
    NotAllowed,
    PayloadChanged,
    RateLimited,
    SourceError,
    SourceRefused,
    SourceUnavailable,
    Unreachable,
)


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an error does: to the lookup of a paid and of a free question, and to the item.

    `is_charged`: the question counts as spent. `tries`: how often the question is asked at most before
    its item fails; what is uncertain is never asked again by itself. What an error does to its source
    is `limits.note_error`'s business.
    """

    paid_state: Lookup.State
    free_state: Lookup.State
    tries: int = 1
    is_charged: bool = False


_FAILED, _UNCERTAIN = Lookup.State.FAILED, Lookup.State.UNCERTAIN

# Order matters: a subclass stands before its base.
TABLE: tuple[tuple[type[SourceError], Consequence], ...] = (
    (RateLimited, Consequence(_FAILED, _FAILED, tries=20)),
    # No connection came about, so nothing was sent and nothing is charged.
    (Unreachable, Consequence(_FAILED, _FAILED, tries=3)),
    # Sent, and no answer: whether a paid question was charged cannot be known.
    (SourceUnavailable, Consequence(_UNCERTAIN, _FAILED, tries=3, is_charged=True)),
    (SourceRefused, Consequence(_FAILED, _FAILED)),
    # Forbidden for this record only, and nothing was sent.
    (NotAllowed, Consequence(_FAILED, _FAILED)),
    # An answer came, so the vendor charges for it; it is kept, and a better parser may read it.
    (PayloadChanged, Consequence(_FAILED, _FAILED, is_charged=True)),
    (SourceError, Consequence(_FAILED, _FAILED)),
)


def consequence(error: SourceError) -> Consequence:
    """What `error` means."""
    found = next(entry for kind, entry in TABLE if isinstance(error, kind))
    return replace(found, paid_state=_FAILED, is_charged=False) if error.is_free else found


def without_keys(error: SourceError) -> SourceError:
    """The same error, without the keys that a vendor or an adapter put into its words: these are kept and shown."""
    error.args = tuple(redact(each) if isinstance(each, str) else each for each in error.args)
    return error
