"""Prompts that AI research asks about companies, and the tasks of the V1 type `profile`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from crm.models import IdealCustomerProfile, Sheet
from crm.selections import Selection, SelectionRefused, select
from enrichment import runs
from enrichment.models import ApiTask, EnrichmentRun, RunItem
from enrichment.names import custom_attributes
from sources.adapters.ai_research import NOT_FOR_MODELS, AiResearch
from sources.attributes import BY_SLUG, Kind, find, slug_of
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

    `parameters`: texts for names of the prompt; `input_entities`, ids that narrow the companies. Names may also be
    columns of the files that the companies came from. Raises RunRefused. In the caller's transaction.
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
    columns = _columns(chosen)
    settings = prompted(task.config["prompt"], given=told, attributes=wanted, columns=columns)
    check_asks(wanted=wanted, sources=[SOURCE], settings=settings)
    run = run_over(chosen, task, wanted=wanted, sources=[SOURCE], settings=settings, credit_limit=credit_limit, user=user)  # fmt: skip
    if set(names_in(settings[SOURCE]["prompt"])) & (columns - BY_SLUG.keys()):
        _take_rows(run, chosen)
    return run


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
    run.sheet = _sheets(chosen).first()
    run.save(update_fields=["sheet"])
    return run


def prompted(
    prompt: str,
    *,
    given: Mapping[str, Any],
    attributes: Sequence[str],
    columns: Collection[str] = (),
    **more: Any,
) -> dict[str, dict[str, Any]]:
    """The settings with which AI research asks a prompt for `attributes`; `more` makes it another question.

    A name of the prompt is one of `given`, else an attribute under any of its names, else one of `columns` (slugs).
    Raises RunRefused.
    """
    names = names_in(prompt)
    told = {name: given[name] for name in names if name in given}
    rest = [name for name in names if name not in told]
    means = {name: f"_{name}" for name in told} | _meant(rest, columns)
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


def _meant(names: Iterable[str], columns: Collection[str]) -> dict[str, str]:
    """The attribute or column that each name means."""
    custom = custom_attributes()
    found: dict[str, str] = {}
    for name in names:
        attribute = find(name, Kind.ACCOUNT, custom)
        slug = attribute.slug if attribute else slug_of(name)
        if attribute is None and slug not in columns:
            raise runs.RunRefused(
                f"The prompt asks for {{{{ {name} }}}}, which is no attribute of companies and no column of their file: "
                "say it in the parameters, or write the name of an attribute."
            )
        found[name] = slug
    return found


def _sheets(chosen: Selection) -> QuerySet[Sheet]:
    """The sheet that is meant, else those of the profile, oldest first."""
    if chosen.sheet:
        return Sheet.objects.filter(pk=chosen.sheet.pk)
    return Sheet.objects.filter(profile=chosen.profile or 0, kind=chosen.kind.value).order_by("pk")


def _imports(chosen: Selection) -> QuerySet[EnrichmentRun]:
    """The runs that brought files into the sheets."""
    return EnrichmentRun.objects.filter(sheet__in=_sheets(chosen), undone_at=None).exclude(file_name="")


def _columns(chosen: Selection) -> frozenset[str]:
    """The columns of the files that came into the sheets, as slugs."""
    headers = _imports(chosen).order_by().values_list("headers", flat=True)
    return frozenset(slug_of(column["header"]) for each in headers for column in each)


def _take_rows(run: EnrichmentRun, chosen: Selection) -> None:
    """Give each item of a run the newest row of a file that is about its record."""
    rows = RunItem.objects.filter(account=OuterRef("account"), run__in=_imports(chosen), row__isnull=False)
    RunItem.objects.filter(run=run).update(row=Subquery(rows.order_by("-pk").values("row")[:1]))
