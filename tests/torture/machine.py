"""What the machines of the torture of schedules do: `python -m tests.torture.machine prepare SOURCES TASKS | work`."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pydoc import locate
from typing import Any

import django

CADENCES = (("cron 0 */6 * * *", "UTC"), ("daily", "Asia/Kolkata"), ("cron 30 */8 * * *", "America/New_York"))
ACCOUNTS = 3
CSV = b"company_name,website\nCompany 0,company0.com\nCompany 1,company1.com\n"
ASKED_BY_TASKS = "vendor_tasks"


def task_cron(number: int) -> str:
    """When a task is executed."""
    return f"{number * 7} {1 + number * 5 % 23} * * *"


def prepare(sources: str, tasks: str) -> None:
    """Sources that are refreshed several times a day or daily, and tasks that are executed daily."""
    from django.core.management import call_command

    from crm.models import Account, IdealCustomerProfile
    from crm.timetable import write_schedule
    from enrichment import bulk, schedule, uploads
    from enrichment.models import ApiSchedule, ApiTask, EnrichmentSource

    call_command("migrate", interactive=False, verbosity=0)
    Account.objects.bulk_create(
        Account(name=f"Company {n}", name_key=f"company {n}", domain=f"company{n}.com")
        for n in range(ACCOUNTS)
    )
    for number in range(int(sources)):
        cadence, zone = CADENCES[number % len(CADENCES)]
        EnrichmentSource.objects.create(
            slug=f"vendor_{number}", adapter="clearbit", label=f"Vendor {number}", is_enabled=True, cadence=cadence,
            time_zone=zone, per_minute=1_000_000, rank=10 + number,
        )  # fmt: skip
    EnrichmentSource.objects.create(
        slug=ASKED_BY_TASKS, adapter="clearbit", label="Asked by tasks", is_enabled=True, cadence="never", per_minute=1_000_000
    )  # fmt: skip
    profile = IdealCustomerProfile.objects.create(name="All")
    for number in range(int(tasks)):
        file = uploads.keep([CSV], name="batch.csv", content_type="text/csv")
        config = {
            "type": "ingest",
            "file_id": f"{file.pk:024x}",
            "primary_column": "company_name",
            "csv_entity_type": "company",
        }
        task = ApiTask.objects.create(
            name=f"Task {number}", flow="ingest", deployment="main", profile=profile, config=config
        )
        told = {"name": task.name, "task": task, "profile": profile, "cron": task_cron(number)}
        write_schedule(ApiSchedule(parameters={"sources": [ASKED_BY_TASKS]}), told)
    schedule.follow_all(bulk.clock())


def work() -> None:
    """Schedule, sweep and do what the queue holds, until killed."""
    from django_q.brokers import get_broker
    from django_q.scheduler import scheduler

    from enrichment import tasks

    _slow_down()
    broker = get_broker()
    while True:
        scheduler(broker)
        tasks.sweep()
        for _ in range(20):
            for pk, payload in broker.dequeue() or ():
                _do(payload)
                broker.acknowledge(pk)


def _do(payload: str) -> None:
    """What a worker does with a message."""
    from django_q.signing import SignedPackage

    task = SignedPackage.loads(payload)
    function: Any = locate(task["func"])
    function(*task["args"], **task["kwargs"])


def _slow_down() -> None:
    """Waits in real time are cut, and what is measured in the database's time lasts as much longer as that is faster."""
    from django_q.conf import Conf

    from enrichment import ledger, limits, runs

    Conf.POLL, runs.NAP = 0.02, 0.05
    vars(ledger).update(MARGIN=timedelta(hours=12), SKEW=timedelta(hours=2))
    vars(limits).update(HORIZON=timedelta(hours=1))


def main(arguments: list[str]) -> None:
    """Prepare, or work until killed."""
    if arguments[0] == "prepare":
        prepare(*arguments[1:])
    else:
        print("up", flush=True)
        while True:
            try:
                work()
            except Exception as error:  # as a cluster that is started again
                print(f"  a machine failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                time.sleep(0.1)


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1:])
