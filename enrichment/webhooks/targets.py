"""Where webhooks may go: public addresses over HTTPS, beside what EGRESS_ALLOW names."""

from __future__ import annotations

from django.conf import settings

from sources.errors import AddressRefused
from sources.guard import check_url


class TargetRefused(ValueError):
    """Nothing is sent to this address; the text says why."""


def check_target(url: str) -> str:
    """The address in its normal form; raises TargetRefused.

    Names are resolved, and their addresses judged, each time something is sent.
    """
    allow = frozenset(settings.EGRESS_ALLOW)
    try:
        safe = check_url(url.strip(), allow)
    except AddressRefused as refused:
        raise TargetRefused(f"{refused}.") from None
    if safe.scheme != "https" and safe.authority not in allow:
        raise TargetRefused(f"{safe.host} is written with http: webhooks go over https only.")
    return str(safe)
