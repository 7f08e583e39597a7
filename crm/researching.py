"""Prompts that AI research asks about companies, and the tasks of the V1 type `profile`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crm.models import IdealCustomerProfile, Sheet
from crm.selections import Selection, SelectionRefused, select
from enrichment import runs
from enrichment.models import ApiTask, EnrichmentRun
from enrichment.names import custom_attributes
from sources.adapters.ai_research import NOT_FOR_MODELS, AiResearch
from sources.attributes import Kind, find
from sources.display import display
from sources.vendors.prompts import names_in, renamed

TYPE = "profile"
SOURCE = AiResearch.slug
_LONGEST = 10_000  # characters of one text that is told
_KNOWN_TO_TASKS = frozenset({"credit_limit", "sources", "unmatched", "input_entities"})


def start(
    task: ApiTask,
    *,
    profile: IdealCustomerProfile | None,
    parameters: Mapping[str, Any],
    credit_limit: int | None,
    user: Any,
) -> EnrichmentRun:
    """A run that asks the task's prompt about the companies of a sheet or profile, for what that wants of them.

    `parameters`: texts for names of the prompt; `input_entities`, ids that narrow the companies. Raises RunRefused.
    """
    if set(parameters.get("sources") or (SOURCE,)) != {SOURCE}:
        raise runs.RunRefused("A profile task asks AI research alone: leave the sources out.")
    chosen = records_of(task, profile, parameters)
    if chosen is None:
        raise runs.RunRefused(
            "Say which companies are meant: execute the task with an icp_id, or give it one."
        )
    if chosen.kind is not Kind.ACCOUNT:
        raise runs.RunRefused("The pages of companies are read, and these are people: name companies.")
    wanted = [slug for slug in chosen.wanted if slug not in NOT_FOR_MODELS] or list(AiResearch.provides)
    told = {name: value for name, value in parameters.items() if name not in _KNOWN_TO_TASKS}
    if profile:
        told = {"icp_name": profile.name, "icp_description": profile.description} | told
    settings = prompted(task.config["prompt"], given=told, attributes=wanted)
    check_asks(wanted=wanted, sources=[SOURCE], settings=settings)
    return run_over(chosen, task, wanted=wanted, sources=[SOURCE], settings=settings, credit_limit=credit_limit, user=user)  # fmt: skip


def records_of(
    task: ApiTask,
    profile: IdealCustomerProfile | None,
    parameters: Mapping[str, Any],
    kind: Kind = Kind.ACCOUNT,
) -> Selection | None:
    """The entities that parameters name, else those of the task's sheet, else of the profile; None without any.

    Raises RunRefused.
    """
    named: dict[str, Any] = {}
    if ids := parameters.get("input_entities"):
        named = {"entity_ids": [int(each, 16) for each in ids], "profile": profile}
    elif task.sheet:
        named = {"sheet": task.sheet}
    elif profile:
        named = {"profile": profile, "kind": kind}
    try:
        return select(named) if named else None
    except SelectionRefused as refused:
        raise runs.RunRefused(str(refused)) from None


def run_over(
    chosen: Selection,
    task: ApiTask,
    *,
    wanted: Sequence[str],
    sources: Sequence[str],
    settings: Mapping[str, Any],
    credit_limit: int | None,
    user: Any,
) -> EnrichmentRun:
    """Start a run of a task over records; its entities are told as those of their sheet. Raises RunRefused."""
    run = runs.start(
        kind=chosen.kind, records=chosen.records, wanted=wanted, sources=sources, credit_limit=credit_limit, name=task.name,
        user=user, source_settings=settings,
    )  # fmt: skip
    run.sheet = chosen.sheet or _sheet_of(chosen)
    run.save(update_fields=["sheet"])
    return run


def prompted(
    prompt: str, *, given: Mapping[str, Any], attributes: Sequence[str], **more: Any
) -> dict[str, dict[str, Any]]:
    """The settings with which AI research asks a prompt for `attributes`; `more` makes it another question.

    A name of the prompt is one of `given`, else an attribute under any of its names. Raises RunRefused.
    """
    names = names_in(prompt)
    told = {name: given[name] for name in names if name in given}
    means = {name: f"_{name}" for name in told} | _attributes(name for name in names if name not in told)
    texts = {means[name]: display("", value)[:_LONGEST] for name, value in told.items()}
    return {
        SOURCE: {"prompt": renamed(prompt, means), "given": texts, "attributes": list(attributes), **more}
    }


def check_asks(*, wanted: Sequence[str], sources: Sequence[str], settings: Mapping[str, Any]) -> None:
    """Raises RunRefused when AI research would not be asked."""
    plan = runs.plan_for(Kind.ACCOUNT, wanted=wanted, sources=sources, source_settings=settings)
    if SOURCE in {step.source.slug for step in plan.steps}:
        return
    reasons = {left.source.slug: left.reason for left in plan.left_out}
    raise runs.RunRefused(
        f"AI research reads the companies' pages for this task, and it {reasons.get(SOURCE, 'is not among the sources')}: "
        "turn it on under Sources, with its key in AI_RESEARCH_API_KEY."
    )


def _attributes(names: Iterable[str]) -> dict[str, str]:
    custom = custom_attributes()
    found: dict[str, str] = {}
    for name in names:
        attribute = find(name, Kind.ACCOUNT, custom)
        if attribute is None:
            raise runs.RunRefused(
                f"The prompt asks for {{{{ {name} }}}}, which is no attribute of companies: "
                "say it in the parameters, or write the name of an attribute."
            )
        found[name] = attribute.slug
    return found


def _sheet_of(chosen: Selection) -> Sheet | None:
    """The first sheet of the profile whose records are meant."""
    sheets = chosen.profile.sheets.filter(kind=chosen.kind.value) if chosen.profile else Sheet.objects.none()
    return sheets.order_by("pk").first()
