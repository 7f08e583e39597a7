"""Signal tasks: rules over the records they watch, and runs that ask for the attributes the rules look at.

Types of signals that no value tells of are looked for on the companies' pages: AI research quotes the passages that
report such an event into an attribute of the task's own, and each new passage is a signal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from crm.models import Account, IdealCustomerProfile, Sheet
from crm.profiles import KIND_OF
from crm.researching import SOURCE, check_asks, prompted, records_of, run_over
from crm.selections import Selection
from enrichment import bulk, runs
from enrichment.models import ApiTask, CustomAttribute, EnrichmentRun, SignalRule, UploadedFile
from enrichment.models.signal import When
from enrichment.queries import meant_by, said_in
from enrichment.signals.defaults import DEFAULTS
from sources.attributes import Kind, Type

SHEET, CSV, TOPIC = "signal-sheet", "signal-csv", "signal-topic"
TYPES = (SHEET, CSV, TOPIC)
SEEN = tuple(dict.fromkeys(str(rule["type"].value) for rule in DEFAULTS if "type" in rule))
"""The types of signals that the history of values tells of."""

_PERIODS = {"daily": "%Y-%m-%d", "weekly": "%G-W%V", "monthly": "%Y-%m"}
_PASSAGES = (
    "For each attribute give every passage of the pages that reports such an event, each as a fact of its own: value and quote "
    "are the passage, copied letter by letter, of at most 200 characters. Leave out what reports none."
)
_FILTERS = {
    "geographic_filters": "in: {{ only }}. This one is in {{ city }}, {{ country }} ({{ headquarters }})",
    "industry_filters": "of these industries: {{ only }}. This one's industry is {{ industry }}",
    "company_size_filters": "of these sizes: {{ only }}. This one has {{ headcount }} employees",
}


def value_types(config: Mapping[str, Any]) -> set[str]:
    """The types of a configuration that values tell of; a topic is looked for on pages alone."""
    return set() if config["type"] == TOPIC else {each["type"] for each in config["signal_types"]} & set(SEEN)


def page_types(config: Mapping[str, Any]) -> list[str]:
    """The types of a configuration that are looked for on pages."""
    known = value_types(config)
    return list(dict.fromkeys(each["type"] for each in config["signal_types"] if each["type"] not in known))


def attributes_of(types: Iterable[str]) -> list[str]:
    """The attributes that rules of some types look at."""
    wanted = set(types)
    return list(dict.fromkeys(slug for rule in _defaults(wanted) for slug in rule.get("attributes", ())))


def wanted_of(task: ApiTask) -> list[str]:
    """The attributes that the rules of a task look at."""
    own = [_slug(task, each) for each in page_types(task.config)]
    return [*attributes_of(value_types(task.config)), *own]


@transaction.atomic
def set_rules(task: ApiTask) -> None:
    """Bring the rules of a task in line with what it is to watch; other tasks have none.

    The file of a task is watched as a sheet, which executing makes.
    """
    SignalRule.objects.filter(task=task).delete()
    is_watching = task.config.get("type") in TYPES
    drop_attributes(task, keep=page_types(task.config) if is_watching else ())
    if not is_watching:
        return
    named = {each["type"]: each["display"][:100] for each in task.config["signal_types"]}
    _make_attributes(task)
    if task.config["type"] == CSV and task.sheet is None:
        return
    where = _where(task)
    rules = [
        SignalRule(**rule | {"slug": f"task-{task.pk}-{rule['slug']}"[:60], "name": named[rule["type"]]}, task=task, **where)
        for rule in _defaults(value_types(task.config))
    ]  # fmt: skip
    rules += [
        SignalRule(
            slug=f"task-{task.pk}-{each}"[:60], name=named[each], type=each, attributes=[_slug(task, each)],
            when=When.ADDED, first_values=True, task=task,
        )
        for each in page_types(task.config)
    ]  # fmt: skip
    SignalRule.objects.bulk_create(rules)


def _where(task: ApiTask) -> dict[str, Any]:
    """Which records the rules over values are for."""
    if task.config["type"] == CSV:
        return {"sheet": task.sheet}
    return {"profile_id": int(task.config["source_icp_id"], 16)} if task.config["type"] == SHEET else {}


def start(
    task: ApiTask,
    *,
    profile: IdealCustomerProfile | None,
    parameters: Mapping[str, Any],
    sources: Sequence[str],
    credit_limit: int | None,
    user: Any,
) -> tuple[EnrichmentRun, IdealCustomerProfile | None]:
    """A run over the records that are watched, and their profile; its signals come when it ends. Raises RunRefused."""
    config: Mapping[str, Any] = task.config
    if config["type"] == SHEET:
        profile = IdealCustomerProfile.objects.filter(pk=int(config["source_icp_id"], 16)).first()
        if profile is None:
            raise runs.RunRefused("The profile that is watched is no longer there.")
    kind = KIND_OF[config["entity_type"]]
    chosen = records_of(task, profile, parameters, kind)
    if chosen is None:  # a topic without a profile
        chosen = Selection(kind, Account.objects.all(), (), (), None, None)
    if filters := config.get("entity_filters"):
        chosen = replace(chosen, records=_meant(chosen, filters))
    wanted = wanted_of(task)
    asked = list(sources) or ([] if value_types(config) else [SOURCE])
    settings = settings_of(task, sources=asked)
    run = run_over(
        chosen, task, wanted=wanted, sources=asked, settings=settings, credit_limit=credit_limit, user=user
    )
    return run, profile


def _meant(chosen: Selection, filters: Mapping[str, Any]) -> QuerySet[Any]:
    try:
        return chosen.records.filter(meant_by(chosen.kind, filters))
    except ValueError as refused:
        raise runs.RunRefused(f"The task's entity_filters: {refused}") from None


def settings_of(task: ApiTask, *, sources: Sequence[str]) -> dict[str, Any]:
    """With what settings AI research looks for the passages that a task wants; {} when it wants none.

    They are another question in each day, week or month, as often as the task wants to look. Raises RunRefused.
    """
    config: Mapping[str, Any] = task.config
    if not page_types(config):
        return {}
    wanted, given = wanted_of(task), {"criteria": config.get("topic_criteria", "")}
    lines = [_PASSAGES, *(["Watch for: {{ criteria }}"] if given["criteria"] else [])]
    for name, text in _FILTERS.items():
        if told := config.get(name):
            given[name] = "; ".join(told)
            lines.append(f"Only of companies {text.replace('only', name)}; state nothing of others.")
    settings = prompted(
        "\n".join(lines), given=given, attributes=wanted,
        period=_period(config["monitoring_frequency"], bulk.clock()),
    )  # fmt: skip
    check_asks(wanted=wanted, sources=sources, settings=settings)
    return settings


def sheet_of(task: ApiTask, profile: IdealCustomerProfile | None, file: UploadedFile) -> Sheet:
    """The sheet that the rows of a watched file stand in, made with the task's rules when it is missing."""
    if task.sheet is None:
        kind = KIND_OF[task.config["entity_type"]]
        task.sheet = Sheet.objects.create(name=file.name[:200], kind=kind.value, profile=profile)
        task.save(update_fields=["sheet"])
        set_rules(task)
    return task.sheet


def _make_attributes(task: ApiTask) -> None:
    """An attribute of the task's own for each type of signals that is looked for on pages; those that were stay."""
    for type_ in page_types(task.config):
        told = [each for each in task.config["signal_types"] if each["type"] == type_]
        texts = "; ".join(
            filter(None, (f"{each['display']}: {each['description']}".strip(": ") for each in told))
        )
        fields = {
            "label": f"{task.name[:60]}: {told[-1]['display']}"[:100], "kind": Kind.ACCOUNT.value, "type": Type.LIST.value,
            "description": texts,
        }  # fmt: skip
        CustomAttribute.objects.update_or_create(slug=_slug(task, type_), defaults=fields)


def drop_attributes(task: ApiTask, *, keep: Iterable[str] = ()) -> None:
    """Delete a task's own attributes for other types than `keep`; those that its runs found values of have a history."""
    own = CustomAttribute.objects.filter(slug__startswith=_slug(task, ""))
    gone = own.exclude(slug__in=[_slug(task, each) for each in keep])
    if slugs := list(gone.values_list("slug", flat=True)):
        gone.exclude(slug__in=said_in(EnrichmentRun.objects.filter(origin__task=task), slugs)).delete()


def _slug(task: ApiTask, type_: str) -> str:
    return f"watch_{task.pk}_{type_}"


def _period(frequency: str, now: datetime) -> str:
    """The day, week or month of a moment, in UTC."""
    return now.strftime(_PERIODS[frequency])


def _defaults(types: set[str]) -> list[dict[str, Any]]:
    return [rule for rule in DEFAULTS if rule.get("type") in types]
