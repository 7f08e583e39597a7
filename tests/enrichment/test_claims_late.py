"""Late answers that share a chunk with answers that count at once."""

from __future__ import annotations

import pytest

from enrichment import claims
from sources.attributes import Kind
from tests.factories import make_account, make_answer, make_run, make_writer

pytestmark = pytest.mark.django_db


def test_identity_follows_a_late_answer_that_outranks_what_the_chunk_just_wrote() -> None:
    best, other = make_writer("api", rank=10), make_writer("spreadsheet", rank=50)
    acme, run = make_account(), make_run()
    told = [make_answer(acme.pk, other.pk, 0, name="Acme"), make_answer(acme.pk, best.pk, 9)]
    claims.record(run=make_run().pk, kind=Kind.ACCOUNT, answers=told)

    late = make_answer(acme.pk, best.pk, 3, name="Acme")
    claims.record(
        run=run.pk, kind=Kind.ACCOUNT, answers=[make_answer(acme.pk, other.pk, 5, name="ACME Inc"), late]
    )

    acme.refresh_from_db()
    assert acme.current_values["name"]["source"] == "api"
    assert acme.name == acme.current_values["name"]["value"] == "Acme"
