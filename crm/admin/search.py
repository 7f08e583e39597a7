"""The search box of the record lists."""

from __future__ import annotations

from typing import TypeVar, cast

from django.db.models import F, Func, QuerySet, TextField
from django.utils.text import smart_split, unescape_string_literal

from crm.models import Record

R = TypeVar("R", bound=Record)

SEARCHED = ("name", "domain", "email", "external_id")


class _Texts(Func):
    """The searched columns in one text, as the trigram index of PostgreSQL has them (crm/migrations)."""

    template = "(%(expressions)s)"
    arg_joiner = " || ' ' || "

    def __init__(self) -> None:
        super().__init__(*map(F, SEARCHED), output_field=TextField())


def search(records: QuerySet[R], text: str) -> QuerySet[R]:
    """The records that hold each word of `text` in a searched column, whatever its case; "two words" stay together."""
    found = records.alias(searched=_Texts())
    for word in smart_split(text):
        if word[0] in "\"'" and word[0] == word[-1] and len(word) > 1:
            word = unescape_string_literal(word)
        found = found.filter(searched__icontains=word)
    return cast("QuerySet[R]", found)
