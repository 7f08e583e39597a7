"""`manage.py create_api_key`: a key of the REST API, shown this once."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from enrichment.models import ApiKey, Scope

_USUAL = [Scope.READ.value, Scope.WRITE.value, Scope.ENRICH.value]


class Command(BaseCommand):
    """Make a key and print it alone on the last line; it cannot be shown again."""

    help = "Make a key of the REST API; the last line printed is the key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name, scopes, owner, limits."""
        parser.add_argument("name", help="what people call it")
        parser.add_argument(
            "--scope", action="append", choices=Scope.values, help=f"may be given several times; default: {', '.join(_USUAL)}"
        )  # fmt: skip
        parser.add_argument("--owner", help="user name; runs are made in this user's name")
        parser.add_argument("--days", type=int, help="days until it expires; default: never")
        parser.add_argument("--per-minute", type=int, default=600, help="requests a minute (default 600)")
        parser.add_argument("--monthly-limit", type=int, help="credits that runs of a month may cost")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the key, say what it may do, print it."""
        key = ApiKey(
            name=options["name"][:50], scopes=list(dict.fromkeys(options["scope"] or _USUAL)), owner=_owner(options["owner"]),
            per_minute=options["per_minute"], monthly_limit=options["monthly_limit"], expiry_date=_expiry(options["days"]),
        )  # fmt: skip
        text = ApiKey.objects.assign_key(key)
        try:
            key.full_clean()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        key.save()
        self.stderr.write(f"{key.name} may {', '.join(key.scopes)}. Keep the key: it cannot be shown again.")
        self.stdout.write(text)


def _owner(name: str | None) -> Any:
    if name is None:
        return None
    owner = get_user_model().objects.filter(username=name).first()
    if owner is None:
        raise CommandError(f"There is no user {name}.")
    return owner


def _expiry(days: int | None) -> Any:
    if days is None:
        return None
    if not 1 <= days <= 3650:
        raise CommandError("--days is a number from 1 to 3650.")
    return timezone.now() + timedelta(days=days)
