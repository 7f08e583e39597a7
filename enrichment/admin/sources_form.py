"""The form of a source: cadences by priority as small rows, segments one a line."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, Literal

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from crm.models import Account, Contact
from enrichment import http_apis
from enrichment.admin.waterfall import WaterfallField
from enrichment.models import EnrichmentSource
from enrichment.models.source import by_priority, texts
from enrichment.queries import texts_in_use

BLANK_ROWS = 2
SUGGESTED = 50
CADENCES = (
    "never",
    "daily",
    "weekly monday",
    "monthly",
    "quarterly",
    "yearly",
    "every 10 days",
    "cron 0 3 * * 1",
)


class RankForm(forms.ModelForm):  # type: ignore[type-arg]
    """What is edited in the list."""

    def clean_rank(self) -> int:
        """A rank begins at 1; said here, since the database says it less clearly."""
        rank: int = self.cleaned_data["rank"]
        if rank < 1:
            raise forms.ValidationError("The best rank is 1.")
        return rank


class PriorityCadencesWidget(forms.Widget):
    """A row for each priority and its cadence, and blank ones; read as pairs."""

    def render(
        self, name: str, value: Any, attrs: Mapping[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """The rows; `value` is a dict, or pairs that were typed and refused."""
        rows = [*(value.items() if isinstance(value, dict) else value or ()), *[("", "")] * BLANK_ROWS]
        box = UnfoldAdminTextInputWidget()
        context = {
            "cadences": CADENCES,
            "priorities": in_use("priority"),
            "rows": [
                (
                    box.render(f"{name}_priority", priority, {"list": "priorities", "aria-label": "Priority", "maxlength": 50}),
                    box.render(f"{name}_cadence", cadence, {"list": "cadences", "aria-label": "Cadence", "maxlength": 60}),
                )
                for priority, cadence in rows
            ],
        }  # fmt: skip
        return render_to_string("footnote/priority_cadences.html", context)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> tuple[tuple[str, str], ...]:
        """The rows in which anything stands."""
        if not isinstance(data, QueryDict):
            return ()
        boxes = (data.getlist(f"{name}_priority"), data.getlist(f"{name}_cadence"))
        rows = (
            (priority.strip(), cadence.strip()) for priority, cadence in zip_longest(*boxes, fillvalue="")
        )
        return tuple(row for row in rows if any(row))

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Blank rows are an answer, too: no cadences."""
        return f"{name}_priority" not in data


class PriorityCadencesField(forms.Field):
    """Cadences by priority."""

    widget = PriorityCadencesWidget

    def to_python(self, value: Any) -> dict[str, str]:
        """Pairs as a dict in normal form; one sentence for what makes no sense."""
        blank = next((priority for priority, cadence in value if not cadence), None)
        if blank:
            raise ValidationError(f"{blank[:50]} has no cadence: write one, or empty the row.")
        try:
            return by_priority(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the rows say something else than before."""
        return tuple((initial or {}).items()) != tuple(data or ())


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        """The list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """The lines as a list without doubles."""
        try:
            return texts((value or "").splitlines() if not isinstance(value, list) else value)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the lines say something else than before."""
        return list(initial or []) != (data or "").splitlines()


class SourceForm(RankForm):
    """What people steer of a source; the model's `clean` checks cadence and time zone."""

    priority_cadences = PriorityCadencesField(
        label="Cadences by priority", required=False,
        help_text="For example high: weekly monday. Records of other priorities use the cadence above.",
    )  # fmt: skip
    by_attribute = WaterfallField(
        label="Waterfall by attribute", required=False,
        help_text="Where this source has another place than above: for an attribute its rank, and when it is asked.",
    )  # fmt: skip
    segments = LinesField(label="Only these segments", required=False)
    lift_pause = forms.BooleanField(
        label="Ask it again at once", required=False,
        help_text="For example after its key was replaced. Changed settings and limits lift the pause, too.",
    )  # fmt: skip

    def clean_settings(self) -> Any:
        """Settings of an API make sense, or say what does not."""
        settings = self.cleaned_data["settings"]
        if self.instance.adapter == http_apis.ADAPTER:
            try:
                return http_apis.checked(settings if isinstance(settings, dict) else {})
            except http_apis.Wrong as wrong:
                raise ValidationError([f"{name}: {text}" for name, text in wrong.fields.items()]) from None
        return settings

    class Meta:
        model = EnrichmentSource
        fields = "__all__"  # noqa: DJ007  the admin's fieldsets choose
        widgets = {
            "cadence": UnfoldAdminTextInputWidget(attrs={"list": "cadences"}),
            "time_zone": UnfoldAdminTextInputWidget,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "segments" in self.fields:
            self.fields["segments"].widget.attrs["rows"] = 3
            names = ", ".join(in_use("segment")[:SUGGESTED])
            self.fields["segments"].help_text = (
                "One a line; scheduled refreshes take no others. Empty: all."
                + (f" In use: {names}." if names else "")
            )


def in_use(column: Literal["priority", "segment"]) -> list[str]:
    """The priorities or segments that records have."""
    return sorted({text for model in (Account, Contact) for text in texts_in_use(model, column, SUGGESTED)})
