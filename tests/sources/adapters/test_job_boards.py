"""Open roles on public job boards."""

from __future__ import annotations

import pytest

from sources.adapters.job_boards import JobBoards
from sources.contract import Payload, Subject
from sources.errors import PayloadChanged, RateLimited, SourceUnavailable
from tests.sources.adapters.public_apis import (
    Network,
    answer,
    ask,
    claims,
    damage,
    misbehaviour,
    recorded,
)

LEVER = [
    {
        "text": "Platform Engineer",
        "hostedUrl": "https://jobs.lever.co/acme/1",
        "categories": {"team": "Engineering", "department": "Product"},
    },
    {"text": "Office Manager", "hostedUrl": "https://jobs.lever.co/acme/2", "categories": {}},
]
NO_BOARD = answer({"ok": False, "error": "Document not found"}, status=404)


@pytest.mark.parametrize(
    ("file", "name", "domain", "engineering", "titles"),
    [
        ("greenhouse_tech", "GitLab", "", 1, ["Account Executive - Italy", "AI Engineer"]),
        (
            "greenhouse_careerkit",
            "Amplitude",
            "amplitude.com",
            0,
            ["Customer Data Scientist - Experimentation", "Emerging Account Executive (India)"],
        ),
        ("ashby_tech", "linear", "linear.app", 2, ["Senior / Staff Fullstack Engineer"]),
        (
            "ashby_careerkit",
            "HighlightTA",
            "",
            1,
            ["Senior Technical Recruiter", "Senior Site Reliability Engineer"],
        ),
        ("lever_tech", "matchgroup", "", 2, ["Android Engineer III", "Android Software Engineer (Azar)"]),
        (
            "lever_careerkit",
            "idealistconsulting",
            "idealistconsulting.com",
            0,
            [
                "(1099 Contract) Nonprofit Salesforce Consultant: Enterprise Project Manager",
                "(1099 Contract) Salesforce for Nonprofits: Solution Architect",
            ],
        ),
    ],
)
def test_the_recordings(file, name, domain, engineering, titles):
    payload = recorded(f"jobboards/{file}.json")
    (finding,) = JobBoards().parse(payload, {})
    assert finding.subject == Subject(name=name, domain=domain)
    assert claims(JobBoards(), payload) == {"recent_job_postings": engineering, "open_job_titles": titles}


def test_links_to_the_roles_are_the_references():
    (finding,) = JobBoards().parse(recorded("jobboards/greenhouse_tech.json"), {})
    board = "https://job-boards.greenhouse.io/gitlab"
    assert [claim.references for claim in finding.claims] == [
        (board, f"{board}/jobs/8565469002"),
        (board, f"{board}/jobs/8503792002", f"{board}/jobs/8565469002"),
    ]


def test_roles_shown_on_the_companys_own_site_name_its_domain():
    jobs = [{"title": "Engineer", "absolute_url": f"https://www.acme.com/jobs/{n}"} for n in range(50)]
    (finding,) = JobBoards().parse(answer({"jobs": jobs}), {})
    assert finding.subject.domain == "acme.com"
    assert finding.claims[0].value == 50
    assert len(finding.claims[0].references) == 20


def test_unlisted_roles_are_not_open():
    listed = {"title": "Engineer", "jobUrl": "https://jobs.ashbyhq.com/acme/1", "isListed": True}
    hidden = {"title": "Secret", "jobUrl": "https://jobs.ashbyhq.com/acme/2", "isListed": False}
    assert claims(JobBoards(), answer({"jobs": [listed, hidden]})) == {
        "recent_job_postings": 1,
        "open_job_titles": ["Engineer"],
    }
    assert JobBoards().parse(answer({"jobs": [hidden]}), {}) == ()


def test_no_board_and_an_empty_one_are_not_found():
    for nothing in (NO_BOARD, answer([]), answer({"jobs": [], "meta": {"total": 0}})):
        assert JobBoards().parse(nothing, {}) == ()


@pytest.mark.parametrize(
    ("file", "url", "name", "titles", "first"),
    [
        (
            "recruitee.json", "", "Acme",
            ["(Senior) Financial Accountant (f/m/d) - Berlin/Brandenburg Region, Germany",
             "Partner Development Representative (f/m/d) - Berlin, Germany"],
            "https://jobs.acme.com/o/senior-financial-accountant-fmd-berlinbrandenburg-region-germany",
        ),
        (
            "rippling.json", "", "", ["Account Executive - Accountants Channel (East Coast)"],
            "https://ats.acme.com/acme/jobs/2f0674e6-f01f-4ecd-b459-e947241c211f",
        ),
        (
            "workable.json", "", "Zaelab", ["Business Analyst - Spanish Speaking"],
            "https://apply.workable.com/j/DD136DD7E7",
        ),
        (
            "workday.json", "https://acme.wd5.myworkdayjobs.com/wday/cxs/acme/Careers/jobs", "acme",
            ["Solution Architect / Senior Solution Architect - PubSec - SLED/NGO",
             "Customer Success Manager - Global Public Sector (State, Local Government and Education)"],
            "https://acme.wd5.myworkdayjobs.com/Careers/job/Virginia---Washington-DC-Metro---Remote/"
            "Solution-Architect---Senior-Solution-Architect---PubSec---SLED-NGO_JR354232",
        ),
        (
            "careers_jsonld_jobposting.html", "https://example.com/careers", "ExampleCorp",
            ["AI Engineer, University Graduate 2026"], "https://example.com/jobs/req-9001",
        ),
    ],
    ids=["recruitee", "rippling", "workable", "workday", "page"],
)  # fmt: skip
def test_other_boards_and_career_pages_are_read(shared, file, url, name, titles, first):
    payload = answer((shared / "payloads/jobboards" / file).read_bytes(), url=url)
    (finding,) = JobBoards().parse(payload, {})
    assert finding.subject.name == name
    assert finding.claims[1].value == titles
    assert finding.claims[1].references[0] == first


def test_a_list_of_smartrecruiters_is_read():
    job = {
        "id": "7439", "name": "Site Reliability Engineer", "releasedDate": "2026-08-01T00:00:00Z",
        "company": {"identifier": "AcmeTraps", "name": "Acme Traps"}, "department": {"label": "Platform"},
    }  # fmt: skip
    (finding,) = JobBoards().parse(answer({"totalFound": 1, "offset": 0, "limit": 100, "content": [job]}), {})
    assert finding.subject.name == "Acme Traps"
    assert [claim.value for claim in finding.claims] == [1, ["Site Reliability Engineer"]]
    assert finding.claims[0].references == ("https://jobs.smartrecruiters.com/AcmeTraps/7439",)


SRE = {"title": "SRE", "absolute_url": "https://boards.greenhouse.io/acme/jobs/2"}


@pytest.mark.parametrize(
    ("value", "name", "said"),
    [
        ({"departments": [{"name": "Engineering", "jobs": [SRE]}, {"name": "Sales", "jobs": []}]}, "acme", [1, ["SRE"]]),
        ({"offices": [{"departments": [{"name": "Engineering", "jobs": [SRE]}]}]}, "acme", [1, ["SRE"]]),
        ([{"title": "Engineering", "postings": LEVER}], "acme", [1, ["Platform Engineer", "Office Manager"]]),
        (SRE, "acme", [["SRE"]]),
        ({"total": 57, "jobPostings": [{"title": "Engineer", "externalPath": "/job/x"}]}, "", [["Engineer"]]),
        ({"total": 40, "results": [{"title": "Engineer", "shortcode": "ABC123", "department": ["Data"]}]}, "", [["Engineer"]]),
        (
            {"totalItems": 2, "items": [{"name": "SRE", "url": "https://ats.rippling.com/en-GB/acme/jobs/1"}] * 2},
            "acme", [1, ["SRE"]],
        ),
    ],
)  # fmt: skip
def test_groups_single_roles_pages_and_newer_versions(value, name, said):
    (finding,) = JobBoards().parse(answer(value), {})
    assert finding.subject.name == name
    assert [claim.value for claim in finding.claims] == said


def test_a_missing_board_may_be_told_with_a_success():
    for body in ({"ok": False, "error": "Document not found"}, {"status": 404, "error": "Board not found"}):
        assert JobBoards().parse(answer(body), {}) == ()


def test_a_role_of_smartrecruiters_may_name_its_company_in_its_address_only():
    job = {
        "id": "7439",
        "name": "SRE",
        "ref": "https://api.smartrecruiters.com/v1/companies/AcmeTraps/postings/7439",
    }
    (finding,) = JobBoards().parse(answer({"totalFound": 1, "content": [job]}), {})
    assert finding.claims[0].references == ("https://jobs.smartrecruiters.com/AcmeTraps/7439",)


@pytest.mark.parametrize("file", ["job_page_stripe.html", "job_page_airbnb.html"])
def test_a_page_without_roles_for_machines_is_no_list(shared, file):
    with pytest.raises(PayloadChanged):
        JobBoards().parse(answer((shared / "payloads/jobboards" / file).read_bytes()), {})


def test_errors():
    with pytest.raises(RateLimited):
        JobBoards().parse(answer({}, status=429), {})
    with pytest.raises(SourceUnavailable):
        JobBoards().parse(answer(b"overloaded", status=529), {})


def test_it_asks_board_after_board():
    network = Network(**{"api.lever.co": answer(LEVER)})
    (payload,) = JobBoards().fetch(ask(Subject(domain="acme.com", name="Acme Traps, Inc.")), network)
    assert network.asked == [
        "https://boards-api.greenhouse.io/v1/boards/acme/jobs",
        "https://api.ashbyhq.com/posting-api/job-board/acme",
        "https://api.lever.co/v0/postings/acme?mode=json",
    ]
    assert claims(JobBoards(), payload)["recent_job_postings"] == 1


def test_it_asks_for_the_name_when_the_domain_names_no_board():
    network = Network(**{"job-board/acmetraps": recorded("jobboards/ashby_tech.json")})
    JobBoards().fetch(ask(Subject(domain="acme.com", name="Acme Traps, Inc.")), network)
    assert network.asked[-1] == "https://api.ashbyhq.com/posting-api/job-board/acmetraps"


def test_an_empty_board_is_not_the_end():
    network = Network(greenhouse=answer({"jobs": []}), ashbyhq=answer(LEVER))
    (payload,) = JobBoards().fetch(ask(Subject(domain="acme.com")), network)
    assert claims(JobBoards(), payload)["open_job_titles"] == ["Platform Engineer", "Office Manager"]


def test_an_error_is_not_told_as_not_found():
    network = Network(ashbyhq=answer({}, status=503))
    (payload,) = JobBoards().fetch(ask(Subject(domain="acme.com")), network)
    assert payload.status == 503
    (payload,) = JobBoards().fetch(ask(Subject(domain="acme.com")), Network())
    assert JobBoards().parse(payload, {}) == ()


def test_who_was_asked_about_names_nobody():
    jobs = [{"title": "Engineer", "absolute_url": "https://www.example.com/1"}]
    payload = answer({"jobs": jobs}, url="https://boards-api.greenhouse.io/v1/boards/acme/jobs")
    (finding,) = JobBoards().parse(payload, {})
    assert finding.subject == Subject(domain="example.com")


def test_hostile_answers_claim_nothing(shared):
    assert misbehaviour(JobBoards(), shared) == []


@pytest.mark.parametrize("file", ["ashby_tech", "greenhouse_tech", "lever_tech"])
def test_damaged_answers_raise_nothing_strange(file):
    assert damage(JobBoards(), recorded(f"jobboards/{file}.json")) == []


def test_a_cut_answer_is_a_changed_one():
    with pytest.raises(PayloadChanged):
        JobBoards().parse(Payload(status=200, body=b'{"jobs":[{"title":"Eng'), {})


def test_a_workday_role_whose_host_is_not_known_is_referred_to_by_its_path():
    jobs = [{"title": "Engineer", "externalPath": "/job/Chicago/Engineer_JR1", "postedOn": "Posted Today"}]
    (finding,) = JobBoards().parse(answer({"total": 1, "jobPostings": jobs}), {})
    assert finding.subject == Subject()
    assert finding.claims[0].references == ("workday:/job/Chicago/Engineer_JR1",)
