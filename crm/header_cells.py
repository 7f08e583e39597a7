"""What the cells of a column say about its name: names are not numbers, domains look like domains."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SAMPLED = 200
_FEW = 3
_LONGEST = 300
_DOMAIN = re.compile(
    r"(?:https?://)?(?:[\w-]{1,63}\.)+[a-z][a-z0-9-]{1,62}\.?(?::\d+)?(?:[/?#]\S*)?", re.IGNORECASE
)
_NUMBER = re.compile(r"[\d\s.,:+-]+")
_STAGE = re.compile(
    r"(?:pre-?)?seed|series [a-k]|angel|venture|ipo|public|post-ipo|private equity|acquired", re.IGNORECASE
)
_HEADCOUNT = re.compile(r"[~<>]?\s*\d[\d\s.,+–-]*(?:to\s*\d[\d\s.,]*)?", re.IGNORECASE)


class Cells:
    """A sample of rows, asked by column. Without cells every question is answered in favour of the name."""

    def __init__(self, rows: Sequence[Sequence[str]]) -> None:
        self._rows = rows[:_SAMPLED]

    def allow(self, index: int, field: str, *, is_doubtful: bool) -> bool:
        """Whether column `index` may be `field`; a doubtful name needs cells that speak for it."""
        cells = self._column(index)
        if not cells:
            return not is_doubtful or field == "external_id"
        match field:
            case "name" | "first_name" | "last_name":
                return not all(_NUMBER.fullmatch(cell) or cell[0] in "{[" for cell in cells)
            case "domain":
                return _share(_DOMAIN, cells) >= (0.5 if is_doubtful else 0.01)
            case "email":
                return any("@" in cell for cell in cells)
            case "external_id":
                return not is_doubtful or len(set(cells)) > 0.95 * len(cells)
            case "funding_stage":
                return not is_doubtful or _share(_STAGE, cells) >= 0.5
            case "headcount":
                return _share(_HEADCOUNT, cells) >= (0.8 if is_doubtful else 0.01)
            case "phone":
                return any(character.isdigit() for cell in cells for character in cell)
        return True

    def hold_domains(self, index: int) -> bool:
        """Whether nearly all of a column are domains: then it is no column of names."""
        cells = self._column(index)
        return len(cells) >= _FEW and _share(_DOMAIN, cells) >= 0.8

    def hold_profiles(self, index: int, path: str) -> bool:
        """Whether most LinkedIn addresses of a column lead to `path`, such as "/in/" or "/company/"."""
        cells = self._column(index)
        return sum(path in cell for cell in cells) * 2 > len(cells)

    def _column(self, index: int) -> list[str]:
        """The cells of a column that hold anything; of long ones the beginning."""
        return [cell for row in self._rows if index < len(row) and (cell := row[index][:_LONGEST].strip())]


def _share(pattern: re.Pattern[str], cells: list[str]) -> float:
    """The share of cells that are what a pattern describes."""
    return sum(1 for cell in cells if pattern.fullmatch(cell)) / len(cells)
