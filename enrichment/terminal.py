"""What commands share at a terminal: a run worked on with a progress bar that Ctrl-C stops, and its summary."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TextIO

from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F

from crm.models import Account, Contact
from enrichment import bulk, late, ledger, runs
from enrichment.models import EnrichmentRun, Lookup, RunItem
from enrichment.names import did_you_mean
from enrichment.queries import coverage, credits_by_source
from enrichment.winner import WRITERS
from sources.attributes import Kind

INTERRUPTED = 130  # exit status after Ctrl-C, as shells have it
GRACE = 1.5  # seconds that calls in flight have to end after Ctrl-C
_LEAVES_AFTER = 1.9  # seconds until the process ends even when the database does not answer
_WIDTH = 30
_TICK = 1.0  # seconds between two looks at how far a run is
_QUARTERS = 25  # per cent between two lines where nobody watches
_SWEEPS_APART = 5.0  # seconds between two looks for late answers
_MOST_REASONS = 10


def prepare_database() -> None:
    """Bring the tables up to date, as `up` does at each start."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)


def existing_file(path: Path) -> Path:
    """The path; raises ValueError when it is no file, with the names that are near."""
    if path.is_file():
        return path
    if path.is_dir():
        raise ValueError(f"{path} is a folder: name a file in it.")
    there = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    near = get_close_matches(path.name, there, n=3, cutoff=0.6)
    raise ValueError(f"There is no file {path}.{did_you_mean(near)}")


def work_with_bar(run: EnrichmentRun, out: TextIO, *, resumed_by: str) -> None:
    """Work on a run here, beside any workers, until it ends, is stopped, or only waits for callbacks.

    Ctrl-C pauses the run: this returns at once, or the process ends within two seconds, saying that the
    command `resumed_by` goes on.
    """
    show = _bar(run.pk, out) if out.isatty() else _few_lines(run.pk, out)
    with _pausing_on_ctrl_c(run, out, resumed_by), _ticking(show, out):
        show()
        swept = time.monotonic()
        while run.status in (run.Status.PENDING, run.Status.RUNNING) and not _only_waits(run):
            runs.work(run.pk, until=lambda: False, on_chunk=show)
            run.refresh_from_db()
            show()
            if run.is_open and time.monotonic() - swept > _SWEEPS_APART:
                swept = time.monotonic()
                late.sweep(bulk.clock())
                runs.sweep(bulk.clock())
            elif run.is_open:
                time.sleep(0.2)  # other workers hold the last items
    if out.isatty():
        out.write("\n")


def paused_text(run: EnrichmentRun, resumed_by: str) -> str:
    """What to say of a run that was stopped."""
    at = runs.progress(run)
    return (
        f"Run {run.pk} is paused with {at.done} of {at.total} rows done; nothing is lost. "
        f"Go on with: {resumed_by}"
    )


def _bar(run_id: int, out: TextIO) -> Callable[[], None]:
    def show() -> None:
        run = EnrichmentRun.objects.get(pk=run_id)
        at, answers = runs.progress(run), run.lookups.exclude(answered_at=None).count()
        filled = _WIDTH * at.percent // 100
        left = f", {at.seconds_left:.0f} s left" if at.seconds_left else ""
        bar = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {at.percent:3d} % {at.done:,}/{at.total:,}"
        out.write(f"\r{f'{bar}, {answers:,} answers{left}':79}")
        out.flush()

    return show


def _few_lines(run_id: int, out: TextIO) -> Callable[[], None]:
    """A line at each quarter, for logs."""
    told = -1

    def show() -> None:
        nonlocal told
        at = runs.progress(EnrichmentRun.objects.get(pk=run_id))
        if (quarter := at.percent // _QUARTERS) > told:
            told = quarter
            out.write(f"Run {run_id}: {at.done:,} of {at.total:,} rows done\n")
            out.flush()

    return show


@contextmanager
def _ticking(show: Callable[[], None], out: TextIO) -> Iterator[None]:
    """Show the bar every second from a thread: rows are done a hundred at a time, answers come one by one."""
    is_over = threading.Event()

    def tick() -> None:
        while not is_over.wait(_TICK):
            with suppress(DatabaseError):  # a busy database costs a tick
                show()
        connection.close()

    thread = threading.Thread(target=tick, daemon=True)
    if out.isatty():
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        if thread.is_alive():
            thread.join()


def _only_waits(run: EnrichmentRun) -> bool:
    """Whether all that is left are answers that come by themselves, perhaps in hours."""
    left = run.items.filter(state__in=RunItem.OPEN)
    is_due = left.exclude(state=RunItem.State.WAITING, waits_for__poll_at=None, waits_for__state="waiting")
    return left.exists() and not is_due.exists()


@contextmanager
def _pausing_on_ctrl_c(run: EnrichmentRun, out: TextIO, resumed_by: str) -> Iterator[None]:
    """Within it the first Ctrl-C pauses the run from a thread; the work sees that and returns."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_over = threading.Event()

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Thread(target=_pause, args=(run.pk, is_over, out, resumed_by), daemon=True).start()
        threading.Thread(target=_leave_late, args=(is_over,), daemon=True).start()

    before = [(sign, signal.signal(sign, stop)) for sign in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        is_over.set()
        for sign, handler in before:
            signal.signal(sign, handler)


def _pause(run_id: int, is_over: threading.Event, out: TextIO, resumed_by: str) -> None:
    """Pause the run; where calls in flight take too long, give them up and end the process."""
    with suppress(runs.RunRefused):
        run = EnrichmentRun.objects.get(pk=run_id)
        out.write("\nStopping …\n")
        runs.pause(run)
        if not is_over.wait(GRACE):
            _give_up(run)
            out.write(f"{paused_text(run, resumed_by)}\n")
            out.flush()
            if not is_over.is_set():
                os._exit(INTERRUPTED)
    connection.close()


def _leave_late(is_over: threading.Event) -> None:
    if not is_over.wait(_LEAVES_AFTER):
        os._exit(INTERRUPTED)


def _give_up(run: EnrichmentRun) -> None:
    """Close the questions in flight as the crash that this is, and put their items back into the queue."""
    held: dict[Any, list[tuple[int, Lookup.State, int, str]]] = {}
    for lookup in run.lookups.filter(state=Lookup.State.SENT).select_related("source"):
        state = Lookup.State.UNCERTAIN if lookup.source.cost else Lookup.State.FAILED
        entry = (lookup.pk, state, lookup.reserved, "stopped before an answer was stored")
        held.setdefault(lookup.source, []).append(entry)
    for source, closed in held.items():
        ledger.close(source, closed)
    run.items.filter(state=RunItem.State.PROCESSING).update(
        state=RunItem.State.QUEUED, starts=F("starts") - 1
    )


def summary_lines(run: EnrichmentRun, attributes: Sequence[str]) -> list[str]:
    """The summary of a run of a file: rows and what became of them, sources, coverage."""
    told: Mapping[str, Any] = run.summary
    lines = [
        "",
        f"Rows        {told.get('rows', 0):7,}",
        f"  matched   {told.get('matched', 0):7,}  to records known before",
        f"  created   {told.get('created', 0):7,}",
        f"  merged    {told.get('merged', 0):7,}  with another row of the file",
    ]
    lines += [line for state, label in _LISTED for line in _state_lines(run, state, label)]
    lines.append(f"Values      {run.claims.count():7,}  written")
    lines += [f"Note: {warning}" for warning in told.get("warnings", ())[:_MOST_REASONS]]
    return [*lines, *outcome_lines(run, attributes)]


def outcome_lines(run: EnrichmentRun, attributes: Sequence[str]) -> list[str]:
    """What the sources of a run said, and how many of its records have a value by now."""
    return [*_source_lines(run), *_coverage_lines(run, attributes)]


_LISTED = (
    ("discarded", "discarded"),
    ("review", "in review"),
    ("failed", "failed"),
    ("skipped", "skipped"),
    ("waiting", "waiting"),
    ("queued", "not done"),
    ("canceled", "canceled"),
)


def _state_lines(run: EnrichmentRun, state: str, label: str) -> list[str]:
    """How many rows are in a state, and the most frequent reasons; rows in review have each their own."""
    reasons = Counter(run.items.filter(state=state).values_list("reason", flat=True))
    count = sum(reasons.values())
    if not count and state != "discarded":
        return []
    tail = "  a person decides, on the page of the run" if state == "review" else ""
    lines = [f"  {label:9} {count:7,}{tail}"]
    if state != "review":
        lines += [
            f"    {n:5,} x {reason or 'no reason was kept'}"
            for reason, n in reasons.most_common(_MOST_REASONS)
        ]
        if len(reasons) > _MOST_REASONS:
            lines.append(f"    and {len(reasons) - _MOST_REASONS:,} more reasons, in the output file")
    return lines


def _source_lines(run: EnrichmentRun) -> list[str]:
    told: dict[str, Counter[str]] = {}
    for outcomes in run.items.order_by().values_list("outcomes", flat=True).iterator(chunk_size=2000):
        for slug, entry in outcomes.items():
            if slug not in WRITERS:
                told.setdefault(slug, Counter())[_said(entry)] += 1
    credits = credits_by_source(run)
    lines = ["", f"{'Source':28}{'found':>10}{'not found':>12}{'failed':>9}  other"] if told else []
    for slug, counts in told.items():
        columns = f"{counts.pop('found', 0):10,}{counts.pop('not found', 0):12,}{counts.pop('failed', 0):9,}"
        rest = [f"{count:,} {what}" for what, count in counts.most_common()]
        rest += [f"{credits[slug]:,} credits"] if slug in credits else []
        lines.append(f"{slug:28}{columns}  {', '.join(rest)}".rstrip())
    return lines


def _said(entry: Mapping[str, Any]) -> str:
    """What a source said of a row, or why it was not asked, in a word or two."""
    if entry["outcome"] != "skipped":
        return str(entry["outcome"]).replace("_", " ")
    reason = str(entry["reason"]).partition(":")[0]
    return "fresh" if reason.startswith("fresh") else reason or "skipped"


def _coverage_lines(run: EnrichmentRun, attributes: Sequence[str]) -> list[str]:
    if not attributes:
        return []
    is_account = run.kind == Kind.ACCOUNT
    records: Any = (Account if is_account else Contact).objects.filter(
        pk__in=run.items.exclude(**{run.kind: None}).values(f"{run.kind}_id")
    )
    counts = coverage(records, attributes)
    total = next(iter(counts.values()))[1] if counts else 0
    heading = f"{'Coverage':28}{'filled':>10}  of {total:,} records"
    return ["", heading] + [
        f"{slug:28}{filled:10,}  {100 * filled / total if total else 0:5.1f} %"
        for slug, (filled, _) in counts.items()
    ]
