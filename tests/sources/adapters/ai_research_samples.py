"""What tests of AI research share: a site, and a model that states facts about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sources.adapters.ai_research import AiResearch
from sources.attributes import Attribute
from sources.contract import Call, Payload, Question, Subject
from tests.sources.adapters.pages import page
from tests.sources.adapters.paid_apis import KEY, Vendor
from tests.sources.adapters.public_apis import answer

SOURCE = AiResearch()

ACME = Subject(name="Acme", domain="acme.example")

PEOPLE = "#:~:text=our%201%2C200%20people%20build%20robots"
"""Where the quote of the headcount leads to on its page."""

NOT_THERE = answer(b"", status=404)

HOME = page(
    "<title>Acme Robotics</title><h1>Robots for\n   warehouses</h1>"
    "<p>Since 2015 our 1,200 people build robots that carry boxes.</p><a href='/about'>About</a>"
)

ABOUT = page(
    "<title>About</title><p>Jane Roe, our chief executive, founded Acme Robotics Inc.</p>"
    "<p>We run on AWS and Kubernetes. Call +1 617 555 0100.</p>",
    url="https://acme.example/about",
)

FACTS: list[dict[str, Any]] = [
    {"attribute": "headcount", "value": "1200", "quote": "our 1,200 people build robots"},
    {"attribute": "founded_year", "value": "2015", "quote": "Since 2015 our 1,200 people"},
    {"attribute": "company_description", "value": "Builds robots.", "quote": "Robots for   warehouses"},
    {"attribute": "ceo_name", "value": "Jane Roe", "quote": "Jane Roe, our chief executive"},
    {"attribute": "tech_stack", "value": "AWS; Kubernetes; React", "quote": "We run on AWS and Kubernetes."},
    {"attribute": "phone", "value": "+16175550100", "quote": "Call +1 617 555 0100"},
]


def completion(content: Any, *, status: int = 200, reason: str = "stop", refusal: Any = None) -> Payload:
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return answer({"choices": [{"message": message, "finish_reason": reason}]}, status=status)


def fact(attribute: str, value: Any, quote: Any) -> dict[str, Any]:
    return {"attribute": attribute, "value": value, "quote": quote}


class Web(Vendor):
    """A vendor for what is posted, and a site from memory for what is got."""

    def __init__(self, pages: Mapping[str, Payload | Exception], *answers: Payload) -> None:
        super().__init__(*answers)
        self.pages = pages

    def get(self, url: str, *, params: Any = None, headers: Any = None) -> Payload:
        found = self.pages.get(url, NOT_THERE)
        if isinstance(found, Exception):
            raise found
        return Payload(status=found.status, body=found.body, url=url, headers=found.headers)


SITE = {"https://acme.example/": HOME, "https://acme.example/about": ABOUT}


def fetched(
    web: Vendor,
    firecrawl: str = "",
    wanted: Mapping[str, Attribute] | None = None,
    subject: Subject = ACME,
    **settings: Any,
) -> Payload:
    keys = {"FIRECRAWL_API_KEY": firecrawl} if firecrawl else {}
    call = Call(
        questions=[Question(subject=subject)], wanted=wanted or {}, settings=settings, key=KEY, keys=keys
    )
    (payload,) = SOURCE.fetch(call, web)
    assert isinstance(payload, Payload)
    return payload
