"""When a row was made, by a clock that all machines share."""

from __future__ import annotations

from typing import Any

from django.db import models

from enrichment import bulk


class Created(models.DateTimeField):  # type: ignore[type-arg]
    """By the database's clock, for rows whose ages machines compare; for migrations a plain DateTimeField."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"auto_now_add": True})

    def deconstruct(self) -> Any:
        """As the field it is in the database."""
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.DateTimeField", arguments, options

    def pre_save(self, row: models.Model, add: bool) -> Any:
        """Date a new row, unless whoever makes many has dated all of them at once."""
        if add and getattr(row, self.attname) is None:
            setattr(row, self.attname, bulk.clock())
        return getattr(row, self.attname)
