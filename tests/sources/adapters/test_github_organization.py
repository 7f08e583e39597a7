"""Companies as their organisations on GitHub tell of them."""

from __future__ import annotations

import json

import pytest

from sources.adapters.github_organization import GithubOrganization
from sources.contract import Payload, Subject
from sources.errors import PayloadChanged, RateLimited, SourceRefused
from sources.http import Client
from tests.sources.adapters.public_apis import Network, answer, ask, claims, damage, misbehaviour
from tests.sources.servers import reply, serving

ACME = {
    "login": "acme",
    "name": "Acme",
    "blog": "https://www.acme.com/about",
    "description": "We trap.",
    "location": "Berlin, Germany",
    "email": "hello@acme.com",
    "twitter_username": "acme",
}
REPOSITORIES = [
    {"name": "a", "language": "Python", "fork": False, "owner": {"login": "acme"}},
    {"name": "b", "language": "Rust", "fork": False, "owner": {"login": "acme"}},
    {"name": "c", "language": "Rust", "fork": False, "owner": {"login": "acme"}},
    {"name": "d", "language": "Perl", "fork": True, "owner": {"login": "acme"}},
    {"name": "e", "language": None, "owner": {"login": "acme"}},
]


def replay(shared, name: str, status: int = 200) -> Payload:
    """A recording with its headers."""
    folder = shared / "payloads" / "github"
    headers = json.loads((folder / f"{name}.headers.json").read_text(encoding="utf-8"))["headers"]
    kept = {key.lower(): value for key, value in headers.items()}
    return answer((folder / f"{name}.json").read_bytes(), status=status, headers=kept)


def test_a_person_of_that_name_is_no_organisation():
    body = {"login": "acme", "type": "User", "name": "A. C. Me", "blog": "acme.example"}
    assert GithubOrganization().parse(answer(body), {}) == ()


def test_a_limit_is_told_by_the_message_alone():
    with pytest.raises(RateLimited):
        GithubOrganization().parse(
            answer({"message": "API rate limit exceeded for 192.0.2.1."}, status=403), {}
        )


def test_an_organisation_with_its_repositories():
    (finding,) = GithubOrganization().parse(answer({"organization": ACME, "repositories": REPOSITORIES}), {})
    assert finding.subject == Subject(name="Acme", domain="acme.com", aliases=("acme",))
    assert {claim.attribute: claim.value for claim in finding.claims} == {
        "name": "Acme",
        "domain": "acme.com",
        "company_description": "We trap.",
        "headquarters": "Berlin, Germany",
        "email": "hello@acme.com",
        "twitter_url": "https://twitter.com/acme",
        "tech_stack": ["Rust", "Python"],
    }
    assert {claim.references for claim in finding.claims} == {("https://github.com/acme",)}


def test_the_recordings(shared):
    assert claims(GithubOrganization(), replay(shared, "org_BeaverSoftware")) == {
        "name": "BeaverSoftware",
        "domain": "example.com",
        "company_description": "BeaverSoftware writes software.",
        "headquarters": "Paris, France",
        "email": "foo@example.com",
    }
    (finding,) = GithubOrganization().parse(replay(shared, "org_repos"), {})
    assert finding.subject.name == "BeaverSoftware"
    assert GithubOrganization().parse(replay(shared, "error_404_user", 404), {}) == ()
    with pytest.raises(RateLimited):
        GithubOrganization().parse(replay(shared, "error_403_rate_limit", 403), {})
    with pytest.raises(PayloadChanged):
        GithubOrganization().parse(replay(shared, "rate_limit"), {})


def test_errors():
    with pytest.raises(SourceRefused):
        GithubOrganization().parse(answer({"message": "Bad credentials"}, status=401), {})
    limits = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1736002780"}
    headers = limits | {"date": "Sat, 04 Jan 2025 14:03:14 GMT"}
    with pytest.raises(RateLimited) as limited:
        GithubOrganization().parse(answer({}, status=403, headers=headers), {})
    assert limited.value.retry_after == 3386


def test_it_asks_for_the_organisation_named_like_the_domain():
    bodies = [json.dumps(ACME).encode(), json.dumps(REPOSITORIES).encode()]

    def speak(connection, head):
        connection.sendall(reply(bodies[b"/repos" in head], Connection="close"))

    with serving(speak) as server:
        client = Client(user_agent="test", base_url=server.url, allow=frozenset({server.netloc}))
        (payload,) = GithubOrganization().fetch(ask(Subject(domain="acme.com"), key="s3cret"), client)
        client.close()
    assert [head.split(b" HTTP")[0] for head in server.heads] == [
        b"GET /orgs/acme",
        b"GET /orgs/acme/repos?per_page=100&sort=pushed",
    ]
    assert all(b"Authorization: Bearer s3cret" in head for head in server.heads)
    assert all(b"X-GitHub-Api-Version: 2022-11-28" in head for head in server.heads)
    assert "s3cret" not in payload.url
    assert claims(GithubOrganization(), payload)["tech_stack"] == ["Rust", "Python"]


def test_the_first_error_is_the_answer():
    network = Network()
    (payload,) = GithubOrganization().fetch(ask(Subject(domain="acme.com")), network)
    assert (payload.status, network.asked) == (404, ["orgs/acme"])
    assert "Authorization" not in network.headers[0]
    network = Network(repos=answer({}, status=429), orgs=answer(ACME))
    (payload,) = GithubOrganization().fetch(ask(Subject(domain="acme.com")), network)
    assert payload.status == 429
    network = Network(repos=answer([]), orgs=answer(b"<html>"))
    (payload,) = GithubOrganization().fetch(ask(Subject(domain="acme.com")), network)
    with pytest.raises(PayloadChanged):
        GithubOrganization().parse(payload, {})


def test_hostile_answers_claim_nothing(shared):
    assert misbehaviour(GithubOrganization(), shared) == []


def test_damaged_answers_raise_nothing_strange():
    both = answer({"organization": ACME, "repositories": REPOSITORIES[:2]})
    assert damage(GithubOrganization(), both) == []
