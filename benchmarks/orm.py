"""The peer: the same writing as a good Django programmer does it with bulk_create and bulk_update."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from crm.models import Account
from enrichment.claims import Answer, CleanClaim
from enrichment.models import AttributeValue, Check, EnrichmentSource
from sources.display import display

BATCH = 500  # rows a bulk_update; 100 and 2,000 are as fast


class Ledger:
    """Values, checks and current values of one run; with `touches_all` every confirmed value is dated too."""

    def __init__(self, run: int, *, touches_all: bool = False) -> None:
        self.run, self.touches_all = run, touches_all
        self.sources = {source.pk: source for source in EnrichmentSource.objects.all()}
        self.ranks = {source.slug: source.rank for source in self.sources.values()}

    def record(self, answers: Sequence[Answer]) -> None:
        """Write one chunk in one transaction."""
        with transaction.atomic():
            new, ended, confirmed = self._compare(answers)
            AttributeValue.objects.bulk_update(ended, ["superseded_at"], batch_size=BATCH)
            if self.touches_all:
                # The date of the check, kept on the value: what most applications do.
                AttributeValue.objects.bulk_update(confirmed, ["first_seen_at"], batch_size=BATCH)
            AttributeValue.objects.bulk_create(new)
            Check.objects.bulk_create([
                Check(run_id=self.run, account_id=a.record, source_id=a.source, at=a.at, outcome=a.outcome)
                for a in answers
            ])  # fmt: skip
            self._show(new)

    def _compare(
        self, answers: Sequence[Answer]
    ) -> tuple[list[AttributeValue], list[AttributeValue], list[AttributeValue]]:
        """Values to write, values that end, values that were found again."""
        live = AttributeValue.objects.filter(
            account__in={answer.record for answer in answers}, superseded_at=None, retracted_at=None
        )
        known = {(value.account_id, value.source_id, value.attribute): value for value in live}
        new: list[AttributeValue] = []
        ended: list[AttributeValue] = []
        confirmed: list[AttributeValue] = []
        for answer in answers:
            for claim in answer.claims:
                stands = known.get((answer.record, answer.source, claim.attribute))
                if stands and stands.value == claim.value:
                    stands.first_seen_at = answer.at
                    confirmed.append(stands)
                    continue
                if stands:
                    stands.superseded_at = answer.at
                    ended.append(stands)
                new.append(self._value(answer, claim))
        return new, ended, confirmed

    def _value(self, answer: Answer, claim: CleanClaim) -> AttributeValue:
        return AttributeValue(
            account_id=answer.record, attribute=claim.attribute, source_id=answer.source, value=claim.value,
            original=claim.original, references=list(claim.references), run_id=self.run,
            lookup_id=answer.lookup, first_seen_at=answer.at,
        )  # fmt: skip

    def _show(self, new: Sequence[AttributeValue]) -> None:
        """Bring the current values of the accounts in line with their new values."""
        accounts = Account.objects.only("id", "current_values").in_bulk({value.account_id for value in new})
        for value in new:
            current = accounts[value.account_id or 0].current_values
            source = self.sources[value.source_id]
            shown = current.get(value.attribute)
            if shown and self.ranks[shown["source"]] < source.rank:
                continue
            current[value.attribute] = {
                "value": value.value,
                "display": display(value.attribute, value.value),
                "references": value.references,
                "source": source.slug,
                "created_at": value.first_seen_at.isoformat(),
            }
        Account.objects.bulk_update(accounts.values(), ["current_values"], batch_size=BATCH)
