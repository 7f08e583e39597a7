"""The app that holds the records."""

from django.apps import AppConfig


class CrmConfig(AppConfig):
    """Accounts, contacts, sheets and profiles."""

    name = "crm"
    verbose_name = "CRM"
