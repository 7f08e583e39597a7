"""The app that obtains, keeps and believes values."""

from django.apps import AppConfig


class EnrichmentConfig(AppConfig):
    """Sources, runs, lookups and the claim ledger."""

    name = "enrichment"
    verbose_name = "Enrichment"
