"""Many short texts in little memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable


class Texts:
    """A list of texts that only grows: their bytes one after the other, and four bytes a text; a str takes fifty more."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("I", [0])

    def append(self, text: str) -> None:
        """Add a text at the end."""
        self._bytes += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._bytes))

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self._ends) - 1

    def __getitem__(self, place: int) -> str:
        """The text at a place from 0."""
        return self._bytes[self._ends[place] : self._ends[place + 1]].decode("utf-8", "surrogatepass")

    def at(self, places: Iterable[int]) -> list[str]:
        """The texts at several places."""
        data, ends = self._bytes, self._ends
        return [data[ends[place] : ends[place + 1]].decode("utf-8", "surrogatepass") for place in places]
