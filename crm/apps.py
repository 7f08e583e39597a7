"""The app that holds the records."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import pre_delete


class CrmConfig(AppConfig):
    """Accounts, contacts, sheets and profiles."""

    name = "crm"
    verbose_name = "CRM"

    def ready(self) -> None:
        """However a task is deleted, its own attributes go with it."""
        pre_delete.connect(_drop_attributes, sender="enrichment.ApiTask")


def _drop_attributes(instance: Any, **told: Any) -> None:
    from crm.monitoring import drop_attributes  # models are not there when the app is found

    drop_attributes(instance)
