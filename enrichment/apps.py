"""The app that obtains, keeps and believes values."""

from pathlib import Path

from django.apps import AppConfig
from django.conf import settings

from sources import registry


class EnrichmentConfig(AppConfig):
    """Sources, runs, lookups and the claim ledger."""

    name = "enrichment"
    verbose_name = "Enrichment"

    def ready(self) -> None:
        """Tell the registry where the team's own modules lie; they are imported when sources are first asked for."""
        if settings.INTEGRATIONS:
            registry.use_modules(Path(settings.INTEGRATIONS).expanduser())
