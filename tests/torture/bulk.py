"""How many calls a run makes to a vendor that answers many questions at once: `python -m tests.torture.bulk`.

Runs of the real engine against vendors on a loopback port, which count. Prints a table, on the database of
DATABASE_URL.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

import django

ACCOUNTS = 1000
UNKNOWN = frozenset(f"company{number}.com" for number in (13, 113, 213))
"""Domains that no vendor knows, or that it cannot read."""
REFUSED = "refused-company.com"
"""A domain for which a vendor turns a whole batch away."""


@dataclass
class Counted:
    """What a vendor was asked: paths, and how many domains each call named."""

    paths: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)


Answer = tuple[int, Any]
Vendor = Callable[[str, str, bytes, Counted], Answer]


def people_data_labs(method: str, url: str, body: bytes, counted: Counted) -> Answer:
    """Each member of a batch has its own status; one member may have all turned away."""
    if method == "GET":
        asked = [parse_qs(urlsplit(url).query)["website"][0]]
    else:
        asked = [entry["params"]["website"] for entry in json.loads(body)["requests"]]
    counted.sizes.append(len(asked))
    if REFUSED in asked or len(asked) > 100:
        return 400, {"status": 400, "error": {"type": "invalid_request_error"}}
    told = [
        {"status": 400, "error": {"type": "invalid_request_error"}}
        if name in UNKNOWN
        else {"status": 200, "id": name, "name": _name(name), "website": name, "employee_count": 70}
        for name in asked
    ]
    return (told[0]["status"], told[0]) if method == "GET" else (200, told)  # type: ignore[return-value]


def apollo(method: str, url: str, body: bytes, counted: Counted) -> Answer:
    """Unknown organizations are null."""
    query = parse_qs(urlsplit(url).query)
    asked = query.get("domains[]") or query["domain"]
    counted.sizes.append(len(asked))
    if REFUSED in asked or len(asked) > 10:
        return 400, {"error": "Invalid domain"}
    told = [
        None
        if name in UNKNOWN
        else {"id": name, "name": _name(name), "primary_domain": name, "estimated_num_employees": 70}
        for name in asked
    ]
    return 200, {"organizations": told} if method == "POST" else {"organization": told[0]}


def builtwith(method: str, url: str, body: bytes, counted: Counted) -> Answer:
    """Domains it cannot read are errors inside a 200."""
    asked = parse_qs(urlsplit(url).query)["LOOKUP"][0].split(",")
    counted.sizes.append(len(asked))
    if REFUSED in asked:
        return 200, {"Results": [], "Errors": [{"Code": -8, "Message": "Invalid domain"}]}
    return 200, builtwith_results(asked)


def builtwith_results(asked: Sequence[str]) -> Any:
    """The results of the Domain API and of its jobs."""
    paths = [{"Technologies": [{"Name": "Shopify", "Tag": "shop"}]}]
    known = [name for name in asked if name not in UNKNOWN]
    errors = [{"Code": -8, "Message": "Invalid domain"}] if len(known) < len(asked) else []
    results = [
        {"Lookup": name, "Result": {"Paths": paths}, "Meta": {"CompanyName": _name(name)}} for name in known
    ]
    return {"Results": results, "Errors": errors}


def wikidata(method: str, url: str, body: bytes, counted: Counted) -> Answer:
    """Rows about the domains that the query names."""
    asked = re.search(r"VALUES \?domain { (.*?) }", unquote_plus(url))
    names = [name.strip('"') for name in asked[1].split()] if asked else []
    counted.sizes.append(len(names))
    rows = [
        {
            "domain": {"value": name}, "itemLabel": {"value": _name(name)}, "value": {"value": "70"},
            "item": {"value": f"http://www.wikidata.org/entity/Q{_number(name)}"},
            "property": {"value": "http://www.wikidata.org/entity/P1128"},
            "rank": {"value": "http://wikiba.se/ontology#NormalRank"},
        }
        for name in names
        if name not in UNKNOWN
    ]  # fmt: skip
    return 200, {"head": {"vars": []}, "results": {"bindings": rows}}


VENDORS: dict[str, Vendor] = {
    "people_data_labs": people_data_labs,
    "apollo": apollo,
    "builtwith": builtwith,
    "wikidata": wikidata,
}


def _name(domain: str) -> str:
    return domain.removesuffix(".com").title()


def _number(domain: str) -> int:
    return int("".join(filter(str.isdigit, domain)) or 0) + 1


@contextmanager
def counting(vendor: Vendor) -> Iterator[tuple[str, Counted]]:
    """A vendor on a loopback port: its address, and what it was asked."""
    counted, lock = Counted(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                counted.paths.append(f"{self.command} {urlsplit(self.path).path}")
                status, told = vendor(self.command, self.path, body, counted)
            data = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is said on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", counted
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def asked_at(slug: str, vendor: Vendor, **fields: Any) -> Iterator[tuple[Any, Counted]]:
    """The source's row, sent to a vendor of ours with a key of ours, and what the vendor was asked."""
    from django.conf import settings

    from enrichment.models import EnrichmentSource
    from sources import registry

    adapter = registry.adapters()[slug]
    cost = {"cost": adapter.cost.credits, "charges_miss": adapter.cost.charges_miss}
    told = {"adapter": slug, "label": adapter.label, "is_enabled": True, "per_minute": 1_000_000}
    source, _ = EnrichmentSource.objects.update_or_create(slug=slug, defaults=told | cost | fields)
    before = settings.EGRESS_ALLOW
    with counting(vendor) as (netloc, counted):
        settings.EGRESS_ALLOW = [netloc]
        variables = {f"{slug.upper()}_BASE_URL": f"http://{netloc}"}
        if adapter.secret:
            variables[adapter.secret.env] = "test-key"
        os.environ.update(variables)
        try:
            yield source, counted
        finally:
            settings.EGRESS_ALLOW = before
            for name in variables:
                del os.environ[name]


def run_over(slug: str, domains: Sequence[str]) -> Any:
    """A run of a source over new accounts with these domains, worked on until it ends."""
    from crm.models import Account
    from enrichment import runs
    from sources.attributes import Kind

    Account.objects.bulk_create(Account(name=_name(name), domain=name) for name in domains)
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.filter(domain__in=domains), sources=[slug])
    runs.work(run.pk, until=lambda: False)
    run.refresh_from_db()
    return run


def main() -> int:
    """A run of a thousand accounts for each source with a bulk endpoint; 1 when one was not asked together."""
    from django.core.management import call_command

    from crm.models import Account
    from enrichment.models import Lookup
    from sources import registry

    call_command("migrate", interactive=False, verbosity=0)
    print(f"  {'source':<20}{'accounts':>9}{'a call':>8}{'calls':>7}{'lookups':>9}{'credits':>9}")
    too_many = 0
    for slug, vendor in VENDORS.items():
        batch = registry.adapters()[slug].limits.batch
        with asked_at(slug, vendor) as (_, counted):
            run = run_over(slug, [f"company{number}.com" for number in range(ACCOUNTS)])
        calls, lookups = len(counted.sizes), Lookup.objects.filter(run=run)
        credits = sum(lookups.values_list("cost", flat=True))
        print(f"  {slug:<20}{ACCOUNTS:>9,}{batch:>8}{calls:>7}{lookups.count():>9,}{credits:>9,}", flush=True)
        too_many += calls > most_calls(batch)
        Account.objects.all().delete()
    return min(too_many, 1)


def most_calls(batch: int) -> int:
    """The calls that a thousand accounts may take: a tenth more than the least, for chunks that do not come out even."""
    return -(-ACCOUNTS * 11 // (batch * 10))


if __name__ == "__main__":
    django.setup()
    sys.exit(main())
