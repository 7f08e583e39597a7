"""What a benchmark says: one row for each path, and the table of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

HEAD = (
    "row", "path", "database", "ours", "peer", "limit", "unit", "to peer", "to limit", "target", "reached",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One path on one database.

    `ours`, `peer` and `limit` are in `unit`; None where there is none. Targets: the least ratio to the
    peer, the least share of the limit, or bounds of the figure itself. `note` says what peer and limit
    are, or why nothing was measured.
    """

    number: str
    path: str
    database: str = "–"
    ours: float | None = None
    peer: float | None = None
    limit: float | None = None
    unit: str = ""
    peer_target: float | None = None
    limit_target: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    def because(self, reason: str) -> Row:
        """The same row with the reason why nothing was measured."""
        return replace(self, note=reason)

    @property
    def to_peer(self) -> float | None:
        """How many times the peer."""
        return self.ours / self.peer if self.ours and self.peer else None

    @property
    def to_limit(self) -> float | None:
        """Which part of the limit."""
        return self.ours / self.limit if self.ours and self.limit else None

    @property
    def is_reached(self) -> bool | None:
        """Whether every target is reached; None when nothing was measured or aimed at."""
        lower = [
            (self.to_peer, self.peer_target),
            (self.to_limit, self.limit_target),
            (self.ours, self.at_least),
        ]
        kept = [figure is not None and figure >= bound for figure, bound in lower if bound is not None]
        if self.ours is not None and self.at_most is not None:
            kept.append(self.ours <= self.at_most)
        return all(kept) if kept and self.ours is not None else None

    def target(self) -> str:
        """The targets in words."""
        words = {
            "peer ≥ ": _times(self.peer_target),
            "limit ≥ ": _share(self.limit_target),
            "≥ ": _number(self.at_least),
            "≤ ": _number(self.at_most),
        }
        return ", ".join(word + figure for word, figure in words.items() if figure != "–") or "–"

    def cells(self) -> tuple[str, ...]:
        """The row as the table prints it."""
        reached = {None: "–", True: "yes", False: "no"}[self.is_reached]
        return (
            self.number, self.path, self.database, _number(self.ours), _number(self.peer), _number(self.limit),
            self.unit, _times(self.to_peer), _share(self.to_limit), self.target(), reached,
        )  # fmt: skip


def render(rows: Sequence[Row]) -> str:
    """The table, and below it what each peer and limit is."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    table.insert(1, "  ".join("─" * width for width in widths))
    notes = list(dict.fromkeys(f"{row.number} {row.path}: {row.note}" for row in rows if row.note))
    return "\n".join([*(line.rstrip() for line in table), "", *notes])


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.3g}×"


def _share(ratio: float | None) -> str:
    return "–" if ratio is None else f"{100 * ratio:.3g} %"
