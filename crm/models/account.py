"""Companies."""

from typing import ClassVar

from crm.models.record import Record
from sources.attributes import Kind


class Account(Record):
    """A company the team sells to, or might."""

    kind: ClassVar[Kind] = Kind.ACCOUNT

    class Meta(Record.Meta):
        pass
