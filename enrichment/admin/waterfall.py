"""The field of a source's form for its place in the waterfalls of single attributes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from enrichment.models.waterfall import rules_of
from enrichment.queries import attributes_of
from sources.attributes import Kind

_BLANK_ROWS = 2
_ALWAYS, _GAPS = "", "gaps"
_PARTS = ("attribute", "rank", "when", "age")

Row = tuple[str, ...]


class WaterfallWidget(forms.Widget):
    """A row for each attribute: its slug, rank, when it is asked, minimum age; read as rows of texts."""

    def render(
        self, name: str, value: Any, attrs: Mapping[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """The rows; `value` is a dict of rules, or rows that were typed and refused."""
        rows = [
            *(
                map(_row, *zip(*value.items(), strict=True))
                if isinstance(value, dict) and value
                else value or ()
            )
        ]
        context = {
            "attributes": sorted({slug for kind in Kind for slug in attributes_of(kind)}),
            "rows": [_boxes(name, row) for row in [*rows, *[("", "", _ALWAYS, "")] * _BLANK_ROWS]],
        }
        return render_to_string("footnote/waterfall.html", context)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> tuple[Row, ...]:
        """The rows in which anything stands."""
        if not isinstance(data, QueryDict):
            return ()
        boxes = zip_longest(*(data.getlist(f"{name}_{part}") for part in _PARTS), fillvalue="")
        rows = (tuple(box.strip() for box in row) for row in boxes)
        return tuple(row for row in rows if any(row))

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Blank rows are an answer, too: no rules."""
        return f"{name}_attribute" not in data


class WaterfallField(forms.Field):
    """Rules by attribute."""

    widget = WaterfallWidget

    def to_python(self, value: Any) -> dict[str, Any]:
        """Rows as rules in normal form; one sentence for what makes no sense."""
        rules: dict[str, Any] = {}
        for attribute, rank, when, age in value:
            if not attribute or attribute in rules:
                raise ValidationError(
                    f"{attribute[:60]} stands there twice: leave one."
                    if attribute
                    else "A row names no attribute: write one, or empty the row."
                )
            rules[attribute] = {"rank": _number(rank), "only_when_missing": when == _GAPS}
            rules[attribute] |= {"min_age": _number(age)} if age else {}
        try:
            return rules_of(rules)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the rows say something else than before."""
        return [_row(*each) for each in (initial or {}).items()] != list(data or ())


def _row(attribute: str, rule: Mapping[str, Any]) -> Row:
    when = _GAPS if rule["only_when_missing"] else _ALWAYS
    return attribute, str(rule["rank"]), when, str(rule["min_age"] or "")


def _boxes(name: str, row: Row) -> list[SafeString]:
    attribute, rank, when, age = row
    choices = [(_ALWAYS, "always"), (_GAPS, "only when the ones before had nothing")]
    return [
        _text(f"{name}_attribute", attribute, "Attribute", list="attributes", placeholder="attribute", maxlength=60),
        _text(f"{name}_rank", rank, "Rank", placeholder="rank", inputmode="numeric", maxlength=5),
        UnfoldAdminSelectWidget(choices=choices).render(f"{name}_when", when, {"aria-label": "When it is asked"}),
        _text(
            f"{name}_age", age, "Minimum age in days",
            placeholder="or older than … days", inputmode="numeric", maxlength=5,
        ),
    ]  # fmt: skip


def _text(name: str, value: str, label: str, **attributes: str | int) -> SafeString:
    html: SafeString = UnfoldAdminTextInputWidget().render(name, value, {"aria-label": label, **attributes})
    return html


def _number(text: str) -> int | str:
    """A whole number, or the text that is none, for the rules to refuse."""
    return int(text) if text.isascii() and text.isdigit() else text
