"""Signal tasks: rules over the records of a profile, and runs that ask for the attributes the rules look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from crm.models import IdealCustomerProfile
from crm.selections import SelectionRefused, select
from enrichment import runs
from enrichment.models import ApiTask, EnrichmentRun, SignalRule
from enrichment.signals.defaults import DEFAULTS
from sources.attributes import Kind

TYPE = "signal-sheet"
SEEN = tuple(dict.fromkeys(str(rule["type"].value) for rule in DEFAULTS if "type" in rule))
"""The types of signals that the history of values tells of."""


def attributes_of(types: Iterable[str]) -> list[str]:
    """The attributes that rules of some types look at."""
    wanted = set(types)
    return list(dict.fromkeys(slug for rule in _defaults(wanted) for slug in rule.get("attributes", ())))


@transaction.atomic
def set_rules(task: ApiTask) -> None:
    """Bring the rules of a task in line with what it is to watch; other tasks have none."""
    SignalRule.objects.filter(task=task).delete()
    if task.config.get("type") != TYPE:
        return
    named = {each["type"]: each["display"] for each in task.config["signal_types"]}
    SignalRule.objects.bulk_create(
        SignalRule(**rule | {"slug": f"task-{task.pk}-{rule['slug']}"[:60], "name": named[rule["type"]][:100]},
                   task=task, profile_id=int(task.config["source_icp_id"], 16))
        for rule in _defaults(set(named))
    )  # fmt: skip


def start(
    task: ApiTask, *, kind: Kind, credit_limit: int | None, sources: list[str], user: Any
) -> tuple[EnrichmentRun, IdealCustomerProfile]:
    """A run over the records of the profile that is watched; its signals come when it ends. Raises RunRefused."""
    config: Mapping[str, Any] = task.config
    profile = IdealCustomerProfile.objects.filter(pk=int(config["source_icp_id"], 16)).first()
    if profile is None:
        raise runs.RunRefused("The profile that is watched is no longer there.")
    try:
        chosen = select({"profile": profile, "kind": kind})
    except SelectionRefused as refused:
        raise runs.RunRefused(str(refused)) from None
    run = runs.start(
        kind=kind, records=chosen.records, wanted=attributes_of(each["type"] for each in config["signal_types"]),
        sources=sources, credit_limit=credit_limit, name=task.name, user=user,
    )  # fmt: skip
    return run, profile


def _defaults(types: set[str]) -> list[dict[str, Any]]:
    return [rule for rule in DEFAULTS if rule.get("type") in types]
