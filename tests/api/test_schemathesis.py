"""The server keeps its OpenAPI description whatever is sent to it.

`SCHEMA_EXAMPLES=500 pytest -n0 -s tests/api/test_schemathesis.py` asks each operation 500 times and prints the figures.
Two of schemathesis' checks are left out, because clients of V1 rely on the opposite: a blank or unknown parameter is
no parameter, and a number is taken for a text.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import requests
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as Settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from enrichment.models import ApiKey
from tests.api import hostile

pytestmark = pytest.mark.django_db
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "4"))
IS_SHORT = EXAMPLES < 10
STEP = max(1, 160 // EXAMPLES)
"""Of the hostile requests to each operation every how many is sent."""
SETTINGS = Settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests keep the connection of the test, whose transaction they are part of."""
    ends = (request_started, request_finished)
    for end in ends:
        end.disconnect(close_old_connections)
    yield
    for end in ends:
        end.connect(close_old_connections)


@dataclass
class Tally:
    """What was sent and what came back; each kind of failure once, with a request that shows it."""

    headers: dict[str, str]
    statuses: Counter[int] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)

    def send(self, case: Any, ask: Callable[[], Response]) -> None:
        """Send one request, look at its answer, and take back what it did."""
        with transaction.atomic(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self.look(case, ask())
            finally:
                transaction.set_rollback(True)

    def look(self, case: Any, response: Response) -> None:
        """Count an answer, and keep what is wrong with it."""
        self.operations[case.operation.label] += 1
        self.statuses[response.status_code] += 1
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                self.failures.setdefault((case.operation.label, str(failure)[:80]), str(group))

    def note(self, label: str) -> None:
        """Tell those who wait for a long run how far it is."""
        if not IS_SHORT:
            print(f"{time.strftime('%H:%M:%S')} {label}: {self.operations[label]:,}", flush=True)
            for (failed, _), text in self.failures.items():
                if failed == label:
                    print(text, flush=True)

    def tell(self, what: str) -> None:
        """Print the figures; fails when anything was wrong."""
        statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(self.statuses.items()))
        print(
            f"\n{what} on {connection.vendor}: {len(self.operations)} operations, {self.statuses.total():,} requests, "
            f"at least {min(self.operations.values()):,} each; answers {statuses}; {len(self.failures)} failures"
        )
        assert not self.failures, "\n\n".join(self.failures.values())


@pytest.fixture
def tally(api, known, one_connection, settings, tmp_path) -> Iterator[Tally]:
    """A count of what an untiring client sends."""
    settings.MEDIA_ROOT = tmp_path
    ApiKey.objects.update(per_minute=10**6)
    logging.disable()  # a line about each refusal helps nobody
    yield Tally({"x-api-key": api.key})
    logging.disable(logging.NOTSET)


@pytest.fixture
def schema() -> Any:
    """The description as schemathesis reads it."""
    return schemathesis.openapi.from_wsgi("/v1/schema?format=json", get_wsgi_application())


def operations(schema: Any) -> list[Any]:
    """Every operation of the description."""
    return [result.ok() for result in schema.get_all_operations()]


def test_whatever_is_generated_is_answered_as_described(tally, schema, known):
    for operation in operations(schema):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            generate(operation, mode, tally, known)
        tally.note(operation.label)
    tally.tell("Generated")
    assert {200, 204, 404, 422} <= set(tally.statuses)


def generate(operation: Any, mode: GenerationMode, tally: Tally, known: dict[str, str]) -> None:
    """Requests that keep to the description, or break it; nine of ten go to known ids."""
    calls = 0

    @Settings(SETTINGS, max_examples=-(-EXAMPLES // 2))
    @given(case=operation.as_strategy(generation_mode=mode))
    def strike(case: Any) -> None:
        nonlocal calls
        if calls % 10:
            case.path_parameters = {name: known[name] for name in case.path_parameters or {}}
        calls += 1
        tally.send(case, lambda: case.call(headers=tally.headers))

    with contextlib.suppress(Unsatisfiable):  # where nothing is described, nothing breaks it
        strike()


def test_whatever_is_hostile_is_answered_as_described(tally, schema, known):
    client = Client(raise_request_exception=False)
    for place, operation in enumerate(operations(schema)):
        method = operation.method.upper()
        wanted = list(hostile.requests_to(operation, known))
        for request in wanted[place % STEP :: STEP]:
            case = operation.Case(path_parameters=dict(known))
            tally.send(case, partial(ask, client, method, request, tally.headers))
        tally.note(operation.label)
    tally.tell("Hostile")
    assert {200, 400, 404, 422} <= set(tally.statuses)


def ask(client: Client, method: str, request: hostile.Request, headers: dict[str, str]) -> Response:
    """The answer to a hostile request, as schemathesis reads it."""
    answer = client.generic(
        method, request.path, request.body, request.content_type, headers=headers | request.headers
    )
    content = b"".join(answer) if answer.streaming else answer.content
    return Response(
        status_code=answer.status_code,
        headers={name.lower(): [value] for name, value in answer.items()},
        content=content,
        request=requests.Request(method, f"http://testserver{request.path[:200]}").prepare(),
        elapsed=0.0,
        verify=False,
    )


def test_whatever_follows_from_answers_is_answered_as_described(tally, schema):
    class Workflow(schema.as_state_machine()):  # type: ignore[misc]
        """Requests that go on with the ids of the answers before, so that things are made, used and used after their end."""

        def setup(self) -> None:
            self.scenario = transaction.atomic()
            self.scenario.__enter__()

        def teardown(self) -> None:
            transaction.set_rollback(True)
            self.scenario.__exit__(None, None, None)

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": tally.headers}

        def validate_response(self, response: Response, case: Any, *args: Any, **more: Any) -> None:
            tally.look(case, response)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Workflow.run(settings=Settings(SETTINGS, max_examples=EXAMPLES, stateful_step_count=8))
    tally.tell("In scenarios")
    assert tally.statuses[201] + tally.statuses[200]
