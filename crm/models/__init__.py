"""The records a team already has."""

from crm.models.account import Account
from crm.models.contact import Contact
from crm.models.profile import IdealCustomerProfile
from crm.models.record import Record
from crm.models.sheet import Sheet, SheetEntry

__all__ = ["Account", "Contact", "IdealCustomerProfile", "Record", "Sheet", "SheetEntry"]
