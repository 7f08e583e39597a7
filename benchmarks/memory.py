"""P9: how much memory a process needs at most that imports, enriches or exports many rows.

`python -m benchmarks.memory PART ROWS FOLDER` does one of them on the database of DATABASE_URL and prints megabytes:
each part has a process of its own, for a process never shows less than it needed at its worst moment.
"""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.table import Row

MOST = 500  # MB a process
A_FILE = 100_000  # rows: larger files are refused when they come in
ROOT = Path(__file__).resolve().parent.parent


def measuring(database: str, *, rows: int) -> list[Row]:
    """Peak memory of an import, a run and an export of `rows` rows; the limit is a process that has only started."""
    with tempfile.TemporaryDirectory() as folder:
        _write_files(Path(folder), rows)
        peaks = {part: _measured(part, rows, folder) for part in ("nothing", "import", "run", "export")}
    files = f", in files of {A_FILE:,}" if rows > A_FILE else ""
    return [
        Row(
            number="P9", path=f"{part} {rows:,} rows{files if part == 'import' else ''}", database=database, unit="MB",
            ours=peaks[part], limit=peaks["nothing"], at_most=MOST,
            note="peak of resident memory of the process that does it; limit is one that has only started",
        )
        for part in ("import", "run", "export")
    ]  # fmt: skip


def _measured(part: str, rows: int, folder: str) -> float:
    command = [sys.executable, "-m", "benchmarks.memory", part, str(rows), folder]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    return float(json.loads(done.stdout))


def _write_files(folder: Path, rows: int) -> None:
    for start in range(0, rows, A_FILE):
        with (folder / f"accounts{start}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["Name", "Website", "City", "Country", "Industry"])
            writer.writerows(
                [f"Company {n} Works Ltd", f"company{n}.com", f"Town {n % 500}", "Germany", f"Trade {n % 97}"]
                for n in range(start, min(start + A_FILE, rows))
            )


def main(arguments: list[str]) -> None:
    """Do one part, print its peak."""
    part, rows, folder = arguments[0], int(arguments[1]), Path(arguments[2])
    import django

    django.setup()
    parts: dict[str, Callable[[int, Path], None]] = {
        "nothing": lambda rows, folder: None,
        "import": _import,
        "run": _run,
        "export": _export,
    }
    parts[part](rows, folder)
    print(json.dumps(_peak()))


def _peak() -> float:
    """The most MB that this process had in memory; `getrusage` would count what its parent had when it began."""
    status = Path("/proc/self/status")
    if status.exists():
        told = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return float(told["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def _import(rows: int, folder: Path) -> None:
    from crm.models import Account
    from crm.spreadsheets import import_file
    from sources.attributes import Kind

    for path in sorted(folder.glob("*.csv")):
        import_file(path, name=path.name, kind=Kind.ACCOUNT, unmatched="create", enrich=False)
    if Account.objects.count() != rows:
        raise AssertionError(f"{Account.objects.count()} accounts came of {rows} rows")


def _run(rows: int, folder: Path) -> None:
    from benchmarks import engine
    from crm.models import Account
    from enrichment import runs, tasks
    from enrichment.models import EnrichmentRun, EnrichmentSource, Lookup
    from enrichment.registration import sync_sources
    from sources.attributes import Kind

    sync_sources()
    EnrichmentSource.objects.filter(slug="instant").update(is_enabled=True)
    run = runs.start(
        kind=Kind.ACCOUNT, records=Account.objects.all(), sources=("instant",), parallel=engine.IN_FLIGHT
    )
    while EnrichmentRun.objects.get(pk=run.pk).is_open:
        tasks.work(run.pk)
    if Lookup.objects.count() != rows:
        raise AssertionError(f"{Lookup.objects.count()} lookups came of {rows} accounts")


def _export(rows: int, folder: Path) -> None:
    from crm.results import write_results
    from enrichment.models import EnrichmentRun

    run = EnrichmentRun.objects.get(asks=True)
    columns = {slug: slug for slug in ("name", "domain", "city", "industry", "headcount")}
    count = write_results(run, folder / "out.csv", columns)
    if count != rows:
        raise AssertionError(f"{count} of {rows} rows were written")


if __name__ == "__main__":
    main(sys.argv[1:])
