"""Bytes of a web page → text, by the rules browsers follow to find its character set."""

from __future__ import annotations

import codecs
import re

from sources.vendors.markup import read_attributes, read_tags

_SNIFFED = 16_384
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([a-z0-9_:.-]+)", re.IGNORECASE)

# Labels that the Encoding standard reads as a wider set than their name says.
_READ_AS = {
    **dict.fromkeys(("ascii", "us-ascii", "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "l1"), "cp1252"),
    **dict.fromkeys(("gb2312", "gb_2312-80", "gbk", "x-gbk"), "gb18030"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "ms_kanji"), "cp932"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "korean"), "cp949"),
    **dict.fromkeys(("tis-620", "iso-8859-11"), "cp874"),
    **dict.fromkeys(("iso-8859-9", "latin5", "l5"), "cp1254"),
    **dict.fromkeys(("x-user-defined",), "cp1252"),
}
_KNOWN = re.compile(
    r"utf-?8|cp\d{3,4}|windows-\d{3,4}|iso[-_]?8859[-_]\d{1,2}|koi8-[ru]|macintosh|mac-?cyrillic|big5(-hkscs)?"
    r"|euc-jp|iso-2022-jp|gb18030|latin\d{1,2}"
)


def decode(body: bytes, content_type: str = "") -> str:
    """The text of `body`: by its byte order mark, the header, its own meta tag, else UTF-8 or Windows-1252.

    Bytes that fit no character become U+FFFD; unknown and dangerous codecs are never used.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    header = _CHARSET.search(content_type)
    name = (header and _codec(header[1])) or declared(body)
    if name:
        return body.decode(name, "replace")
    try:
        # The body may have been cut in the middle of a character.
        return codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def declared(body: bytes) -> str:
    """The codec that a meta tag near the start of `body` names; "" when there is none."""
    for tag in read_tags(body[:_SNIFFED].decode("latin-1")):
        if (
            tag.name == "meta"
            and not tag.closes
            and (name := _codec(_label(read_attributes(tag.attributes))))
        ):
            return name
    return ""


def _label(meta: dict[str, str]) -> str:
    """The character set that the attributes of a meta tag name; "" when it is about something else."""
    if "charset" in meta:
        return meta["charset"]
    found = _CHARSET.search(meta.get("content", ""))
    return found[1] if found and meta.get("http-equiv", "").lower() == "content-type" else ""


def _codec(label: str) -> str:
    """The Python codec for a label of the Encoding standard; "" for an unknown one."""
    label = label.strip().lower()
    if label.startswith("utf-16"):
        return "utf-8"  # a page that can be read as ASCII so far is not UTF-16
    name = _READ_AS.get(label, label)
    if not _KNOWN.fullmatch(name):
        return ""
    try:
        return codecs.lookup(name).name
    except LookupError:
        return ""
