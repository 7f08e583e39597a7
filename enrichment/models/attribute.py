"""Attributes that users add to the catalogue."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models

from sources.attributes import Attribute, Kind, Type, find, slug_of

BOTH = "both"


class CustomAttribute(models.Model):
    """A fact the team wants to keep that the built-in catalogue does not name."""

    KINDS = [*((kind.value, kind.value) for kind in Kind), (BOTH, "account and contact")]

    slug = models.SlugField(max_length=60, unique=True)
    label = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=KINDS, default=Kind.ACCOUNT)
    type = models.CharField(max_length=10, choices=[(t.value, t.value) for t in Type], default=Type.TEXT)
    unit = models.CharField(max_length=30, blank=True)
    description = models.TextField(blank=True)
    aliases = models.JSONField(default=list, blank=True, help_text='Other names, e.g. ["tier", "level"].')

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        """A slug that already means something is refused."""
        if self.slug != slug_of(self.slug):
            raise ValidationError({"slug": f"Write it as {slug_of(self.slug) or 'letters'}."})
        known = next((found for kind in self.kinds if (found := find(self.slug, kind))), None)
        if known:
            raise ValidationError({"slug": f"{known.label} ({known.slug}) already means this."})

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of records that have it."""
        return frozenset(Kind) if self.kind == BOTH else frozenset({Kind(self.kind)})

    def as_attribute(self) -> Attribute:
        """The same fact as the catalogue writes it."""
        return Attribute(
            slug=self.slug,
            label=self.label,
            type=Type(self.type),
            kinds=self.kinds,
            unit=self.unit,
            description=self.description,
            aliases=tuple(slug_of(alias) for alias in self.aliases),
        )
