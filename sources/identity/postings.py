"""A lean inverted index: from a text to the rows that hold it, twelve bytes a text and four bytes a row."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate

_ROW_BITS = 24
_ROW_MASK = (1 << _ROW_BITS) - 1
_HASH_BITS = 64 - _ROW_BITS
_HASH_MASK = (1 << _HASH_BITS) - 1
_SORT_BITS = 2
_NO_ROWS: array[int] = array("I")

MOST_ROWS = 1 << _ROW_BITS
"""How many rows one index can hold: 16.7 million."""


class Draft:
    """Postings being collected; `finish` sorts them once."""

    def __init__(self) -> None:
        self._packed = array("Q")

    def add(self, texts: Iterable[str], row: int) -> None:
        """Note that `row` holds `texts`."""
        self._packed.extend([(hash(text) & _HASH_MASK) << _ROW_BITS | row for text in texts if text])

    def finish(self) -> Postings:
        """The finished index; the draft is empty afterwards."""
        packed, self._packed = self._packed, array("Q")
        return Postings(_sort(packed))


def _sort(packed: array[int]) -> Iterator[int]:
    """The numbers in order, sorted a part at a time: whole lists of numbers cost four times their arrays."""
    shift = 64 - _SORT_BITS
    for part in range(1 << _SORT_BITS):
        yield from sorted([entry for entry in packed if entry >> shift == part])


class Postings:
    """Rows by text. Texts are kept as 40-bit hashes only, so a wrong row is possible, about once in 10⁵ lookups.

    Hashes are sorted and spread evenly, so that a directory by their first bits leaves a handful to search.
    """

    def __init__(self, packed: Iterable[int]) -> None:
        """`packed` is sorted: hash in the upper bits, row in the lower ones."""
        heads, starts, rows = array("Q"), array("I"), array("I")
        last = -1
        for entry in packed:
            head = entry >> _ROW_BITS
            if head != last:
                heads.append(head)
                starts.append(len(rows))
                last = head
            rows.append(entry & _ROW_MASK)
        starts.append(len(rows))
        self._heads, self._starts, self._rows = heads, starts, rows
        bits = max(1, len(heads).bit_length() - 2)
        self._shift = _HASH_BITS - bits
        counts = Counter(head >> self._shift for head in heads)
        self._directory = array("I", accumulate((counts[part] for part in range(1 << bits)), initial=0))

    def rows(self, text: str) -> array[int]:
        """The rows that hold `text`, ascending."""
        head = hash(text) & _HASH_MASK
        part = head >> self._shift
        end = self._directory[part + 1]
        place = bisect_left(self._heads, head, self._directory[part], end)
        if place == end or self._heads[place] != head:
            return _NO_ROWS
        return self._rows[self._starts[place] : self._starts[place + 1]]
