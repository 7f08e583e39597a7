"""The forms of records: what people fill in, and for a new record whom it is about."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextInputWidget

from crm.models import Record
from sources.attributes import BY_SLUG, IDENTITY, identity_slug
from sources.cleaning import clean


def new_record_form(model: type[Record]) -> type[_NewRecordForm]:
    """A form for a new record: its identity is typed here and becomes pinned values."""
    fields = {
        column: forms.CharField(
            label=BY_SLUG[identity_slug(model.kind, column)].label,
            required=False, max_length=500, widget=UnfoldAdminTextInputWidget,
        )
        for column in IDENTITY
    }  # fmt: skip
    return type(f"New{model.__name__}Form", (_NewRecordForm,), fields)


class _NewRecordForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean(self) -> dict[str, Any]:
        """Each identity field must fit its attribute, and one must be given."""
        data = super().clean() or self.cleaned_data
        given = 0
        for column in IDENTITY:
            try:
                value = clean(BY_SLUG[identity_slug(self._meta.model.kind, column)], data.get(column))
            except ValueError as error:
                self.add_error(column, str(error))
                continue
            given += value is not None
        if not given and not self.errors:
            raise ValidationError("Give at least a name, a domain, an e-mail or a LinkedIn address.")
        return data

    def typed_identity(self) -> dict[str, str]:
        """What was typed, by attribute."""
        kind = self._meta.model.kind
        return {
            identity_slug(kind, column): text
            for column in IDENTITY
            if (text := self.cleaned_data.get(column, "").strip())
        }
