"""The shipped settings, and a note of what workers are refused since others took it over: lines in the file of TORTURE_FENCES."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import AppConfig

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as SHIPPED
from tests.torture.facts import REFUSALS

INSTALLED_APPS = [*SHIPPED, "tests.torture.fences.Fences"]


class Fences(AppConfig):
    """Listens where workers close their items, and where they give them back."""

    name = "tests.torture"

    def ready(self) -> None:
        """Put a note before both."""
        from enrichment import engine, runs

        still_held, release = engine._still_held, runs.release

        def noted(fences: Mapping[int, int]) -> list[int]:
            _note(fences)
            return still_held(fences)

        def given_back(items: Iterable[Any]) -> None:
            ours = list(items)
            _note({item.pk: item.fence for item in ours})
            release(ours)

        engine._still_held, runs.release = noted, given_back


def _note(fences: Mapping[int, int]) -> None:
    """Item and fence of each that is another's by now; in one write, so that lines of several workers never mix."""
    from enrichment.models import RunItem

    now = RunItem.objects.filter(pk__in=list(fences)).values_list("pk", "fence")
    lines = "".join(f"{pk}-{fences[pk]}\n" for pk, fence in now if fence != fences[pk])
    file = os.open(os.environ[REFUSALS], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, lines.encode())
    os.close(file)
