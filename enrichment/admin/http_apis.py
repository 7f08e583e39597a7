""" "Set up an HTTP API": what it is asked, what is read of its answer; tried on one record before it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from enrichment import http_apis, schedule
from enrichment.admin.base import require
from enrichment.http_apis import Trial, Wrong
from enrichment.models import EnrichmentSource
from enrichment.models.source import normal_cadence
from sources.attributes import Kind
from sources.vendors.configured_api import GET, POST

if TYPE_CHECKING:
    from enrichment.admin.sources import EnrichmentSourceAdmin

_TITLE = "Set up an HTTP API"
_LINES = {"headers": ":", "attributes": "=", "identity": "="}
"""The fields that hold pairs, one a line, and what stands between the two."""

_ROW = ("rank", "cost", "charges_miss", "cadence")


class HttpApiForm(forms.Form):
    """One API; errors of the settings are shown at their fields."""

    label = forms.CharField(label="Name of the source", max_length=100)
    slug = forms.CharField(max_length=59, help_text="The word to type for it, such as acme_api.")
    kind = forms.ChoiceField(
        label="It is asked about",
        choices=[("account", "companies"), ("contact", "people")],
        initial="account",
    )
    rank = forms.IntegerField(label="Rank, 1 is trusted most", min_value=1, initial=100)
    url = forms.CharField(
        label="Address", max_length=4000,
        help_text="What it is asked by stands in braces: https://api.example.com/company?domain={domain}",
    )  # fmt: skip
    method = forms.ChoiceField(
        label="Asked by",
        choices=[(GET, GET), (POST, f"{POST}, with a JSON body")],
        required=False,
        initial=GET,
    )
    body = forms.CharField(
        label="Body", required=False, widget=forms.Textarea(attrs={"rows": 4}), max_length=20_000,
        help_text='JSON for a POST, with what it is asked by in its values: {"domain": "{domain}", "limit": 1}',
    )  # fmt: skip
    headers = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line: Authorization: Bearer {secret}",
    )  # fmt: skip
    secret = forms.CharField(
        label="Variable of the key", required=False, max_length=80,
        help_text="The environment variable that holds it, such as ACME_API_KEY; {secret} stands for it above.",
    )  # fmt: skip
    attributes = forms.CharField(
        label="What it answers", widget=forms.Textarea(attrs={"rows": 5}),
        help_text="One a line, an attribute and a JMESPath: headcount = company.size",
    )  # fmt: skip
    identity = forms.CharField(
        label="Whom the answer is about", required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One a line: domain = company.website. Empty: it is believed to be about whoever was asked about.",
    )  # fmt: skip
    reference = forms.CharField(
        required=False, max_length=4000,
        help_text="Where a person can look: https://example.com/company/{id}, with JMESPath in braces. Empty: the address.",
    )  # fmt: skip
    miss_statuses = forms.CharField(
        label="Not found: statuses",
        required=False,
        max_length=100,
        initial="404",
        help_text="Separated by commas.",
    )
    miss = forms.CharField(
        label="Not found: JMESPath",
        required=False,
        max_length=2000,
        help_text="True when nobody was found: company == null",
    )
    cost = forms.IntegerField(label="Credits a question", min_value=0, initial=0)
    charges_miss = forms.BooleanField(label="A question without an answer is charged too", required=False)
    cadence = forms.CharField(label="Refreshed", max_length=60, initial="monthly")
    record = forms.CharField(
        label="Try it on",
        required=False,
        max_length=300,
        help_text="The domain, name or number of one account or contact.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if not isinstance(field, forms.BooleanField):
                field.widget.attrs["class"] = "fn-input"

    def clean_cadence(self) -> str:
        """Its normal form."""
        try:
            return normal_cadence(self.cleaned_data["cadence"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None

    def clean_miss_statuses(self) -> list[int]:
        """The statuses as numbers."""
        words = self.cleaned_data["miss_statuses"].replace(",", " ").split()
        if not all(word.isdecimal() and len(word) == 3 for word in words):
            raise forms.ValidationError("Write HTTP statuses separated by commas, such as 404, 204.")
        return [int(word) for word in words]

    def clean(self) -> dict[str, Any]:
        """Lines become pairs, pairs settings, and settings are checked."""
        told = super().clean() or self.cleaned_data
        for name, sign in _LINES.items():
            try:
                told[name] = _pairs(told.get(name, ""), sign)
            except ValueError as error:
                self.add_error(name, str(error))
        if not self.errors:
            self.note(lambda: http_apis.checked(self.settings))
        return told

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the source, as the adapter knows them."""
        told = self.cleaned_data
        names = (
            "url",
            "method",
            "body",
            "kind",
            "headers",
            "secret",
            "attributes",
            "identity",
            "reference",
            "miss_statuses",
            "miss",
        )
        return {name: told[name] for name in names}

    def note(self, act: Any) -> Any:
        """What `act` returns; None when it says that fields are wrong, which is shown at them."""
        try:
            return act()
        except Wrong as wrong:
            for field, sentence in wrong.fields.items():
                self.add_error(field if field in self.fields else None, sentence)
            return None


def http_api_page(
    model_admin: EnrichmentSourceAdmin, request: HttpRequest, pk: int | None = None
) -> HttpResponse:
    """One page to set an API up or change it: "Test" asks it about one record, "Save" keeps it."""
    known = get_object_or_404(EnrichmentSource, pk=pk, adapter=http_apis.ADAPTER) if pk else None
    require(request, f"enrichment.{'change' if known else 'add'}_enrichmentsource")
    form = HttpApiForm(request.POST or None, initial=_initial(known) if known else None)
    form.fields["slug"].disabled = known is not None
    trial: Trial | None = None
    if request.method == "POST" and form.is_valid():
        if "test" in request.POST:
            trial = form.note(lambda: _tried(form))
        elif source := form.note(lambda: _saved(form, known)):
            transaction.on_commit(lambda: schedule.source_saved(source))
            messages.success(request, _saved_text(source, is_new=known is None))
            return redirect("admin:enrichment_enrichmentsource_change", source.pk)
    return model_admin.render_page(
        request,
        "footnote/http_api.html",
        known.label if known else _TITLE,
        form=form,
        trial=trial,
        known=known,
    )


def setup_link(source: EnrichmentSource) -> SafeString:
    """To the page where an API is changed and tried."""
    url = reverse("admin:enrichment_enrichmentsource_http_api_change", args=[source.pk])
    return format_html('<a class="fn-link" href="{}">Change or test this API</a>', url)


def _tried(form: HttpApiForm) -> Trial:
    told = form.cleaned_data
    subject = http_apis.subject_called(told["record"], Kind(told["kind"]))
    return http_apis.try_out(form.settings, subject, slug=told["slug"])


def _saved(form: HttpApiForm, known: EnrichmentSource | None) -> EnrichmentSource:
    told = form.cleaned_data
    fields = {name: told[name] for name in _ROW}
    return http_apis.save(form.settings, slug=told["slug"], label=told["label"], known=known, **fields)


def _saved_text(source: EnrichmentSource, *, is_new: bool) -> str:
    if is_new:
        return f"{source.label} is a source now. Turn it on below when it should be asked."
    return f"{source.label} was changed."


def _initial(source: EnrichmentSource) -> dict[str, Any]:
    """The form's fields as the source has them."""
    told = dict(source.settings)
    for name, sign in _LINES.items():
        pairs = told.get(name) or {}
        told[name] = "\n".join(f"{key}{': ' if sign == ':' else ' = '}{text}" for key, text in pairs.items())
    told["miss_statuses"] = ", ".join(map(str, told.get("miss_statuses", [404])))
    row = {name: getattr(source, name) for name in ("label", "slug", *_ROW)}
    return told | row


def _pairs(text: str | Mapping[str, str], sign: str) -> dict[str, str]:
    """Lines such as `name = value` as a mapping; raises ValueError with one sentence."""
    pairs: dict[str, str] = {}
    for line in (text if isinstance(text, str) else "").splitlines():
        if not line.strip():
            continue
        name, found, value = (part.strip() for part in line.partition(sign))
        if not found or not name or not value:
            example = "Name: value" if sign == ":" else "name = JMESPath"
            raise ValueError(f"'{line.strip()[:60]}' is not written as {example}.")
        if name in pairs:
            raise ValueError(f"{name[:60]} stands there twice: leave one.")
        pairs[name] = value
    return pairs
