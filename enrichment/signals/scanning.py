"""Looking at what a run changed, once it has ended: signals and webhook messages, each once.

Signals, the messages about them and how far the scan has come are one commit for each chunk of records. A scan may be
told to run twice, at once or after a crash: the row of the scan is locked, and what is there is not made again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from crm.models import Account, Contact
from enrichment import bulk, webhooks
from enrichment.claims.state import VALUES, decode, owner_column
from enrichment.models import Check, EnrichmentRun, EnrichmentSource, Preferences, RunItem, RunScan, Signal
from enrichment.queries.catalogue import describe
from enrichment.signals.changes import Said, changes
from enrichment.signals.choosing import Rules, Spotted, load_rules
from enrichment.winner import Rank
from sources.attributes import Kind

CHUNK = 500  # records a transaction
LOOKS_BACK = timedelta(
    days=7
)  # what ended earlier is no news, as on the day this came to an old installation
WRITES_WITHIN = timedelta(minutes=1)

Status = EnrichmentRun.Status
_ENDED = (Status.COMPLETED, Status.FAILED, Status.CANCELED, Status.CRASHED)
_Pairs = dict[tuple[int, str], list[Said]]  # by record and attribute
_RUN = 2  # where a selected row names its run


@dataclass(frozen=True, slots=True)
class _Watch:
    """What is looked for, and by which rules values are believed; `attributes` None means all."""

    rules: Rules
    wishes: webhooks.Wishes
    attributes: frozenset[str] | None
    wants_first: bool
    ranks: dict[int, Rank]
    policy: str

    def wants(self, said: Sequence[tuple[Any, ...]], run: int) -> bool:
        """Whether rows (as `_said` selects them) hold something of the run and, unless it is wanted, no first value."""
        runs = {row[_RUN] for row in said}
        return run in runs and (self.wants_first or len(runs) > 1)


def is_waiting() -> bool:
    """Whether a run ended that nobody has looked at."""
    return bool(_waiting())


def sweep(*, until: Callable[[], bool] = lambda: False, on_chunk: Callable[[], None] = lambda: None) -> int:
    """Look at every run that ended and was not looked at yet; how many were done before `until()`."""
    done = 0
    for run_id in _waiting():
        if until():
            break
        done += scan(run_id, until=until, on_chunk=on_chunk)
    return done


def scan(
    run_id: int, *, until: Callable[[], bool] = lambda: False, on_chunk: Callable[[], None] = lambda: None
) -> bool:
    """Look at what a run changed; False when it still runs, was undone, or `until()` ended it before its end."""
    run = EnrichmentRun.objects.filter(pk=run_id).first()
    if run is None or run.status not in _ENDED or run.undone_at or run.finished_at is None:
        return False
    if not _begin(run, run.finished_at):
        return True
    watch = _look_for()
    for kind in Kind:
        for ids in _chunks(_touched(run, kind, watch)):
            if until() or not _look_at(run, kind, ids, watch):
                return False
            on_chunk()
    return _end(run)


def _waiting() -> list[int]:
    """Runs that ended lately and have changes nobody looked at.

    Not while a worker still holds items of them; nor those of a write, which end before they record what they bring.
    """
    now = bulk.clock()
    items, checks = RunItem.objects.filter(run=OuterRef("pk")), Check.objects.filter(run=OuterRef("pk"))
    held = items.filter(state=RunItem.State.PROCESSING)
    begins = Q(~Exists(items), ~Exists(checks), status=Status.COMPLETED, finished_at__gt=now - WRITES_WITHIN)
    is_open = Q(scan=None) | Q(scan__is_done=False) | ~Q(scan__run_ended_at=F("finished_at"))
    rows = EnrichmentRun.objects.filter(
        is_open, status__in=_ENDED, undone_at=None, finished_at__gt=now - LOOKS_BACK
    )
    return list(rows.exclude(Exists(held)).exclude(begins).order_by("pk").values_list("pk", flat=True))


def _begin(run: EnrichmentRun, ended_at: datetime) -> bool:
    """Whether there is anything to look at; a run that ended anew is looked at from its beginning."""
    scan, _ = RunScan.objects.get_or_create(run=run, defaults={"run_ended_at": ended_at})
    if scan.run_ended_at != ended_at:
        RunScan.objects.filter(pk=run.pk).update(
            run_ended_at=ended_at, account_after=0, contact_after=0, is_done=False
        )
        return True
    return not scan.is_done


def _end(run: EnrichmentRun) -> bool:
    """Tell that the run ended, once all its signals are made."""
    with transaction.atomic():
        scan = _locked(run)
        if scan is None:
            return False
        if not scan.is_done:
            RunScan.objects.filter(pk=run.pk).update(is_done=True)
            webhooks.run_ended(run)
    return True


def _locked(run: EnrichmentRun) -> RunScan | None:
    """The scan's row, locked; None when the run was undone or goes on again."""
    scan = RunScan.objects.select_for_update(no_key=True).get(pk=run.pk)
    stands = EnrichmentRun.objects.filter(pk=run.pk, undone_at=None, finished_at=scan.run_ended_at)
    return scan if stands.exists() else None


def _look_for() -> _Watch:
    rules, wishes = load_rules(), webhooks.value_wishes()
    wanted = [rules.attributes, wishes.attributes]
    attributes = None if None in wanted else frozenset().union(*filter(None, wanted))
    ranks = {
        pk: Rank(*told)
        for pk, *told in EnrichmentSource.objects.values_list("pk", "slug", "rank", "by_attribute")
    }
    policy = Preferences.objects.filter(pk=1).values_list("policy", flat=True).first()
    wants_first = rules.want_first_values or wishes.want_first_values
    return _Watch(rules, wishes, attributes, wants_first, ranks, policy or Preferences.Policy.RANK)


def _touched(run: EnrichmentRun, kind: Kind, watch: _Watch) -> list[int]:
    """The records of which the run wrote something that is looked for, in order, without those done already."""
    column = owner_column(kind)
    after = getattr(RunScan.objects.get(pk=run.pk), f"{kind.value}_after")
    test, params = _of_attributes(watch)
    rows = bulk.select(
        f"SELECT DISTINCT {column} FROM {VALUES} WHERE run_id = %s AND {column} > %s AND retracted_at IS NULL "
        f"AND {test} ORDER BY 1",
        [run.pk, after, *params],
    )
    return [owner for (owner,) in rows]


def _of_attributes(watch: _Watch) -> tuple[str, list[Any]]:
    if watch.attributes is None:
        return "1 = 1", []
    test, param = bulk.any_of("attribute", sorted(watch.attributes))
    return test, [param]


def _look_at(run: EnrichmentRun, kind: Kind, ids: Sequence[int], watch: _Watch) -> bool:
    """Make the signals and messages of a chunk of records; False when the run was undone or goes on again."""
    said = _said(run, kind, ids, watch)
    attributes = describe({slug for _, slug in said})
    with transaction.atomic():
        scan = _locked(run)
        if scan is None:
            return False
        if getattr(scan, f"{kind.value}_after") >= ids[-1]:
            return True
        records = _records(kind, {owner for owner, _ in said})
        found = [
            (records[owner], attributes[slug], list(changes(slug, claims, run.pk, watch.ranks, watch.policy)))
            for (owner, slug), claims in said.items()
            if owner in records
        ]
        spotted = watch.rules.spot(kind, found)
        webhooks.signals_made(_keep(run, kind, spotted))
        webhooks.values_changed(run, watch.wishes, found)
        RunScan.objects.filter(pk=run.pk).update(**{f"{kind.value}_after": ids[-1]})
    return True


def _said(run: EnrichmentRun, kind: Kind, ids: Sequence[int], watch: _Watch) -> _Pairs:
    """All that was ever said about what the run wrote, without what was retracted (one query)."""
    column = owner_column(kind)
    owners, owner_param = bulk.any_of(column, ids)
    test, params = _of_attributes(watch)
    rows: dict[tuple[int, str], list[tuple[Any, ...]]] = defaultdict(list)
    for owner, slug, *rest in bulk.select(
        f"SELECT {column}, attribute, id, source_id, run_id, {bulk.as_text('value')}, first_seen_at, superseded_at "
        f"FROM {VALUES} WHERE {owners} AND retracted_at IS NULL AND {test} ORDER BY {column}, id",
        [owner_param, *params],
    ):
        rows[owner, slug].append(tuple(rest))
    return {pair: [_read(row) for row in said] for pair, said in rows.items() if watch.wants(said, run.pk)}


def _read(row: tuple[Any, ...]) -> Said:
    row_id, source, run_id, value, first_seen, superseded = row
    return Said(
        row_id, source, run_id, decode(value), bulk.read_moment(first_seen), bulk.read_optional(superseded)
    )


def _records(kind: Kind, ids: set[int]) -> dict[int, Any]:
    model: Any = Account if kind is Kind.ACCOUNT else Contact
    return dict(model.objects.defer("current_values", "comments").in_bulk(ids))


def _keep(run: EnrichmentRun, kind: Kind, spotted: Sequence[Spotted]) -> list[Signal]:
    """Write the signals that are not there yet; those that are new."""
    owner = f"{kind.value}_id"
    there = Signal.objects.filter(run=run, **{f"{owner}__in": [each.record.pk for each in spotted]})
    known = set(there.values_list(owner, "type", "attribute", "when"))
    return Signal.objects.bulk_create(
        Signal(
            **{owner: each.record.pk}, rule=each.rule, type=each.rule.type, strength=each.seen.strength, when=each.rule.when,
            attribute=each.attribute, summary=each.summary, run=run, new_id=each.new, old_id=each.old,
        )
        for each in spotted
        if (each.record.pk, each.rule.type, each.attribute, each.rule.when) not in known
    )  # fmt: skip


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
