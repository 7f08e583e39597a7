"""Examines the installation."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from enrichment.operations.doctor import Level, examine


class Command(BaseCommand):
    """`manage.py doctor`"""

    help = "Say of everything an installation needs whether it is there, and what to do; exit 1 on a problem."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """One line each. Raises CommandError, which ends with status 1, when there is a problem."""
        styles = {
            Level.OK: self.style.SUCCESS, Level.WARNING: self.style.WARNING, Level.PROBLEM: self.style.ERROR
        }  # fmt: skip
        problems = 0
        for advice in examine():
            problems += advice.level is Level.PROBLEM
            self.stdout.write(
                f"{styles[advice.level](f'{advice.level.value:8}')} {advice.about}: {advice.text}"
            )
        if problems:
            raise CommandError(f"Problems: {problems}. What to do stands beside each.")
