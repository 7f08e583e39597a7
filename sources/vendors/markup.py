"""HTML text → its tags in order, in linear time and without a tree.

HTML parsers that build a tree need minutes for some pages of one megabyte (measured: 300,000 nested `<div>`
take lexbor 507 s), so this reads tags once from left to right, as the tokenizer of the HTML standard does:
nothing it has passed is looked at again.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_TAGS = 200_000
MAX_VALUE = 5_000

_SPACE = r"[ \t\n\f\r]"
_MARKUP = re.compile(r"<(?:(/?)([a-zA-Z][^ \t\n\f\r/>]*+)|(!--)|[!?/])")
_REST_OF_TAG = re.compile(rf"((?:[^>=]++|={_SPACE}*+(?:\"[^\"]*+\"|'[^']*+')?+)*+)>")
_ATTRIBUTE = re.compile(
    rf"([^ \t\n\f\r/>=][^ \t\n\f\r/>=]*+)(?:{_SPACE}*+={_SPACE}*+(?:\"([^\"]*+)\"|'([^']*+)'|([^ \t\n\f\r>]*+)))?+"
)
_END_OF_COMMENT = re.compile(r"--!?>")
_END_OF_OTHER = re.compile(">")
_RAW = frozenset(("script", "style", "title", "textarea", "iframe", "xmp", "noembed", "noframes"))
_END_OF_RAW = {name: re.compile(rf"</{name}(?=[ \t\n\f\r/>])", re.IGNORECASE) for name in _RAW}


@dataclass(slots=True)
class Tag:
    """A tag: its name in lower case, its attributes as written, the text `before` it, the raw text `inside` it.

    Only scripts, titles and their like have an inside; what follows the last tag comes before one without name.
    """

    name: str
    closes: bool
    attributes: str
    inside: str
    before: str


def read_tags(source: str) -> Iterator[Tag]:
    """The tags of a page in order, each with the text before it; ends at the first one that is cut off."""
    position = 0
    for _ in range(MAX_TAGS):
        start = _MARKUP.search(source, position)
        if not start:
            yield Tag("", False, "", "", source[position:])
            return
        before, inside = source[position : start.start()], ""
        name, closes = (start[2] or "").lower(), bool(start[1])
        if name:
            end = _REST_OF_TAG.match(source, start.end())
        elif start[3]:  # `<!-->` is a whole comment, so its end may begin inside its start
            end = _END_OF_COMMENT.search(source, start.end() - 2)
        else:
            end = _END_OF_OTHER.search(source, start.end())
        if not end:
            yield Tag("", False, "", "", before)
            return
        position = end.end()
        if name in _RAW and not closes:
            close = _END_OF_RAW[name].search(source, position)
            position = close.start() if close else len(source)
            inside = source[end.end() : position]
        yield Tag(name, closes, end[1] if name else "", inside, before)


def read_attributes(source: str) -> dict[str, str]:
    """The attributes of a tag, names in lower case, the first of each name; values cut at MAX_VALUE."""
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(source):
        value = match[2] or match[3] or match[4] or ""
        found.setdefault(match[1].lower(), html.unescape(value[:MAX_VALUE]))
        if len(found) >= 100:
            break
    return found
