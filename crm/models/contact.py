"""People."""

from typing import ClassVar

from django.db import models

from crm.models.account import Account
from crm.models.record import Record
from sources.attributes import Kind


class Contact(Record):
    """A person, usually at an account."""

    kind: ClassVar[Kind] = Kind.CONTACT

    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="contacts"
    )

    class Meta(Record.Meta):
        pass
