"""Which open roles are engineering roles."""

from __future__ import annotations

import pytest

from sources.vendors.job_roles import Role


def is_engineering(title: str, *departments: str) -> bool:
    return Role(title=title, url="https://jobs.example/1", departments=departments).is_engineering


@pytest.mark.parametrize(
    ("title", "departments"),
    [
        ("Senior Backend Engineer", ()),
        ("Staff Fullstack Developer", ("Product",)),
        ("Engineering Manager, Payments", ()),
        ("Site Reliability Engineer (m/w/d)", ()),
        ("Android Engineer III", ("Hinge",)),
        ("Mechanical Engineer", ("Hardware",)),
        ("Tech Lead", ("Engineering",)),
        ("Head of Security", ("R&D",)),
        ("Ingénieur logiciel", ()),
    ],
)
def test_engineering_roles(title, departments):
    assert is_engineering(title, *departments)


@pytest.mark.parametrize(
    ("title", "departments"),
    [
        ("Sales Engineer", ("Engineering",)),
        ("Solutions Architect", ("Engineering",)),
        ("Customer Success Engineer", ()),
        ("Technical Recruiter, Engineering", ()),
        ("Business Development Manager", ("Business Development",)),
        ("Developer Advocate", ("Marketing",)),
        ("Product Designer", ("Engineering",)),
        ("Account Executive", ("Platform",)),
        ("Software Sales Manager", ("Sales",)),
        ("Customer Data Scientist", ("Solutions Consulting",)),
        ("Accountant", ("Finance Engineering",)),
        ("Office Manager", ()),
    ],
)
def test_other_roles(title, departments):
    assert not is_engineering(title, *departments)
