"""What can go wrong when a source is asked, and what each error means for a run.

SourceError
├── SourceUnavailable        this question failed; another try may succeed
│   ├── Unreachable          no connection came about: no such name, refused, no route
│   └── RateLimited          the source asks for a pause (retry_after, seconds)
├── SourceRefused            no question can succeed: bad key, no credit, blocked
├── NotAllowed               this question must not be asked, e.g. robots.txt forbids it; others may
│   └── AddressRefused       its address is not a public one
└── PayloadChanged           an answer came that this adapter cannot read
"""

from __future__ import annotations


class SourceError(Exception):
    """One question to one source failed; `is_free`: it was turned away before anything was done that is charged."""

    is_free = False


class SourceUnavailable(SourceError):
    """The source could not be reached or failed; asking again later may help."""


class Unreachable(SourceUnavailable):
    """No connection came about: the name does not exist, or nobody listens at its addresses."""


class RateLimited(SourceUnavailable):
    """The source asks for a pause of `retry_after` seconds (None: it did not say how long).

    `is_of_one_site`: only one of many addresses that the source asks wants it; the others may be asked.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, is_of_one_site: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after, self.is_of_one_site = retry_after, is_of_one_site


class SourceRefused(SourceError):
    """The source refuses us: wrong key, no credit left, not allowed."""


class NotAllowed(SourceError):
    """This question must not be asked (a site's robots.txt forbids it); other questions may be."""


class AddressRefused(NotAllowed):
    """The address asked for is not a public one, or not written like one."""


class NotSent(Exception):
    """The call was held back before anything of it left; no matter of the source's."""


class PayloadChanged(SourceError):
    """The answer has a shape that this version of the adapter does not know."""
