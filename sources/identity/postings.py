"""A lean inverted index: from a text to the rows that hold it, twelve bytes a text and four bytes a row."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from itertools import accumulate, pairwise

_ROW_BITS = 24
_ROW_MASK = (1 << _ROW_BITS) - 1
_HASH_BITS = 64 - _ROW_BITS
_HASH_MASK = (1 << _HASH_BITS) - 1
_PART_BITS = 6
_PART_SHIFT = _HASH_BITS - _PART_BITS
_AT_ONCE = 1 << 18
_ASKED_BITS = 26
_ASKED_MASK = (1 << _ASKED_BITS) - 1
_NO_ROWS = memoryview(array("I"))

MOST_ROWS = 1 << _ROW_BITS
"""How many rows one index can hold: 16.7 million."""


class Asked:
    """The texts that an index will be asked for, eight megabytes however many; it may take another for one of them."""

    def __init__(self) -> None:
        self._bits = bytearray(1 << (_ASKED_BITS - 3))

    def add(self, texts: Iterable[str]) -> None:
        """Note that `texts` will be asked for."""
        for text in texts:
            place = hash(text) & _ASKED_MASK
            self._bits[place >> 3] |= 1 << (place & 7)

    def among(self, texts: Iterable[str]) -> Iterator[str]:
        """Those of `texts` that may be asked for."""
        bits = self._bits
        for text in texts:
            place = hash(text) & _ASKED_MASK
            if bits[place >> 3] >> (place & 7) & 1:
                yield text


class Draft:
    """Postings being collected; `finish` sorts them once.

    They are kept in parts by their hashes, and sorted a part at a time: a list of numbers takes five times their array.
    """

    def __init__(self) -> None:
        self._parts = [array("Q") for _ in range(1 << _PART_BITS)]

    def add(self, texts: Iterable[str], row: int) -> None:
        """Note that `row` holds `texts`."""
        parts = self._parts
        for text in texts:
            if text:
                head = hash(text) & _HASH_MASK
                parts[head >> _PART_SHIFT].append(head << _ROW_BITS | row)

    def finish(self) -> Postings:
        """The finished index; the draft is empty afterwards."""
        return Postings(self._sorted())

    def _sorted(self) -> Iterator[int]:
        self._parts.reverse()
        while self._parts:
            part = self._parts.pop()
            starts = range(0, len(part), _AT_ONCE)  # a text that every row holds makes its part a long one
            yield from merge(*[array("Q", sorted(part[start : start + _AT_ONCE])) for start in starts])


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
        self._heads, self._starts, self._rows = heads, starts, memoryview(rows)
        bits = max(1, len(heads).bit_length() - 2)
        self._shift = _HASH_BITS - bits
        counts = array("I", bytes(array("I").itemsize * ((1 << bits) + 1)))
        for head in heads:
            counts[(head >> self._shift) + 1] += 1
        self._directory = array("I", accumulate(counts))

    def rows(self, text: str) -> memoryview[int]:
        """The rows that hold `text`, ascending; not copied, for a common word is in very many."""
        head = hash(text) & _HASH_MASK
        part = head >> self._shift
        end = self._directory[part + 1]
        place = bisect_left(self._heads, head, self._directory[part], end)
        if place == end or self._heads[place] != head:
            return _NO_ROWS
        return self._rows[self._starts[place] : self._starts[place + 1]]


class Crowded:
    """Rows by texts that are few and each in many rows: four bytes a row, and no more than that while they are made."""

    def __init__(self, texts_of: Callable[[int], Iterable[str]], count: int) -> None:
        """`texts_of` gives the texts of each of `count` rows, each once; it is asked twice."""
        sizes: Counter[str] = Counter()
        for row in range(count):
            sizes.update(iter(texts_of(row)))
        ends = list(accumulate(sizes.values(), initial=0))
        self._ranges = dict(zip(sizes, pairwise(ends), strict=True))
        free = dict(zip(sizes, ends, strict=False))
        rows = array("I", bytes(array("I").itemsize * ends[-1]))
        for row in range(count):
            for text in texts_of(row):
                place = free[text]
                rows[place] = row
                free[text] = place + 1
        self._rows = memoryview(rows)

    def rows(self, text: str) -> memoryview[int]:
        """The rows that hold `text`, ascending; not copied."""
        start, end = self._ranges.get(text, (0, 0))
        return self._rows[start:end]
