"""A small cast: Olive owns, Sam sells, Victor only views, Nora has no access."""

from __future__ import annotations

from django.contrib.auth.models import Permission, User


def make_olive() -> User:
    """She may do everything."""
    return User.objects.create_superuser("olive", "olive@example.com", "olive")


def make_victor() -> User:
    """He may look at everything and change nothing."""
    victor = User.objects.create_user("victor", is_staff=True)
    victor.user_permissions.set(
        Permission.objects.filter(
            codename__startswith="view_", content_type__app_label__in=("crm", "enrichment")
        )
    )
    return victor


def make_nora() -> User:
    """She may come in, and that is all."""
    return User.objects.create_user("nora", is_staff=True)
