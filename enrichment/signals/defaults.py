"""The rules everybody begins with: the situational triggers of a sales team."""

from __future__ import annotations

from typing import Any

from enrichment.models import SignalRule
from enrichment.models.signal import SignalType, Strength, When

DEFAULTS: tuple[dict[str, Any], ...] = (
    {
        "slug": "new-funding", "name": "New funding round", "type": SignalType.FUNDING, "when": When.RISES,
        "attributes": ["funding_stage", "last_funding_date", "total_funding"], "strength": Strength.HIGH,
        "threshold": 5, "least": 30,  # corrections of a date by days, of a sum by little, are no rounds
    },
    {
        "slug": "headcount-surge", "name": "Headcount grows", "type": SignalType.HIRING_SURGE, "when": When.RISES,
        "attributes": ["headcount"], "threshold": 20, "least": 5,
    },
    {
        "slug": "employee-growth", "name": "Fast growth over six months", "type": SignalType.HIRING_SURGE,
        "when": When.REACHES, "attributes": ["employee_growth_6mo"], "threshold": 20,
    },
    {
        "slug": "job-postings-surge", "name": "Many new open roles", "type": SignalType.JOB_POSTING,
        "when": When.RISES, "attributes": ["recent_job_postings"], "threshold": 50, "least": 3,
    },
    {
        "slug": "headcount-falls", "name": "Headcount falls", "type": SignalType.LAYOFF, "when": When.FALLS,
        "attributes": ["headcount"], "threshold": 10, "least": 5,
    },
    {
        "slug": "new-chief-executive", "name": "New chief executive", "type": SignalType.LEADERSHIP_CHANGE,
        "attributes": ["ceo_name"], "strength": Strength.HIGH,
    },
    {
        "slug": "executive-joined", "name": "Executive joined", "type": SignalType.LEADERSHIP_CHANGE,
        "when": When.ADDED, "attributes": ["executives"],
    },
    {
        "slug": "executive-left", "name": "Executive left", "type": SignalType.LEADERSHIP_CHANGE,
        "when": When.REMOVED, "attributes": ["executives"],
    },
    {
        "slug": "technology-added", "name": "Technology added", "type": SignalType.INFRASTRUCTURE,
        "when": When.ADDED, "attributes": ["tech_stack"],
    },
    {
        "slug": "technology-removed", "name": "Technology removed", "type": SignalType.INFRASTRUCTURE,
        "when": When.REMOVED, "attributes": ["tech_stack"],
    },
    {
        "slug": "any-change", "name": "Any value changed", "is_enabled": False, "strength": Strength.LOW,
    },
)  # fmt: skip
SLUGS = frozenset(rule["slug"] for rule in DEFAULTS)


def sync_rules() -> list[str]:
    """Make the rules that are missing; what users changed stays. Returns the slugs that are new."""
    known = set(SignalRule.objects.filter(slug__in=SLUGS).values_list("slug", flat=True))
    new = [SignalRule(**rule) for rule in DEFAULTS if rule["slug"] not in known]
    SignalRule.objects.bulk_create(new, ignore_conflicts=True)
    return [rule.slug for rule in new]
