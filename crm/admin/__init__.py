"""The admin of records."""

from crm.admin import accounts, contacts, profiles, sheets

__all__ = ["accounts", "contacts", "profiles", "sheets"]
