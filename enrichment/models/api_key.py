"""Keys of the REST API."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from rest_framework_api_key.models import AbstractAPIKey


class Scope(models.TextChoices):
    """What a key may do; `admin` includes the others."""

    READ = "read"
    WRITE = "write"
    ENRICH = "enrich"
    ADMIN = "admin"


class ApiKey(AbstractAPIKey):
    """A key of the REST API; only its digest is stored, the key itself is shown once."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="api_keys"
    )
    scopes = models.JSONField(default=list, help_text='Of read, write, enrich, admin, e.g. ["read"].')
    per_minute = models.PositiveIntegerField(
        default=600, validators=[MinValueValidator(1)], help_text="Requests a minute."
    )
    monthly_limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="Credits that runs of a month may cost; empty is no limit."
    )
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(AbstractAPIKey.Meta):
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(condition=models.Q(per_minute__gte=1), name="apikey_has_a_pace"),
        ]

    def clean(self) -> None:
        """Scopes are a list of the known ones."""
        super().clean()
        unknown = set(self.scopes) - set(Scope.values) if isinstance(self.scopes, list) else {"…"}
        if unknown or not self.scopes:
            raise ValidationError({"scopes": f"Write some of {', '.join(Scope.values)}."})

    def allows(self, scope: str) -> bool:
        """Whether the key may do what a scope covers; every key may read its own account."""
        granted: list[Any] = self.scopes
        return scope in granted or Scope.ADMIN.value in granted
