"""What each source reads of the recorded answers: `python -m tests.sources.shown [SLUG …] [--files]`.

A table of source, files, how they ended, claims a file that says something, and the lines of the adapter. It reads
with `manage.py parse`, so nobody is asked. A file has passed when it ended as found, not found, or in an error of
`sources.errors`, and one with an error's status was not taken for an answer.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = ROOT.parent / "shared"
FOLDERS: dict[str, tuple[str, ...]] = {
    "ai_research": ("openai_chat", "firecrawl"),
    "ceo_email": ("hunter",),
    "company_linkedin": ("websites",),
    "company_website": ("websites",),
    "datagen_find_ceo": ("datagen",),
    "datagen_linkedin": ("datagen",),
    "datagen_web_research": ("datagen",),
    "domain_registration": ("rdap",),
    "email_provider": ("dns",),
    "enrich_layer": ("linkedin_data",),
    "github_organization": ("github",),
    "job_boards": ("jobboards",),
    "people_data_labs": ("pdl",),
    "technology": ("websites",),
}
"""Where the folders of recordings are not called as the source is."""


@dataclass(frozen=True)
class Read:
    """How one file ended: an outcome or the name of an error, and the claims that would be kept."""

    file: str
    status: int
    end: str
    claims: int
    message: str = ""

    @property
    def is_passed(self) -> bool:
        """Whether it ended by name, and an error was not taken for an answer."""
        return self.end != "broken" and not (self.status >= 400 and self.end == "found")


def recordings(folder: Path) -> Iterator[tuple[Path, int]]:
    """The bodies of a folder with their statuses, as its SOURCES.tsv tells."""
    with (folder / "SOURCES.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if not row["file"].endswith(".headers.json"):
                yield folder / row["file"], int(row["http_status"] or 200)


def read(slug: str, path: Path, status: int) -> Read:
    """One file, read by the source."""
    from django.core.management import call_command

    headers = path.with_suffix(".headers.json")
    options = ["--headers", str(headers)] if headers.is_file() else []
    out, name = io.StringIO(), f"{path.parent.name}/{path.name}"
    try:
        call_command("parse", slug, str(path), "--status", str(status), *options, stdout=out)
    except Exception as error:  # whatever it is, this file did not pass
        return Read(name, status, "broken", 0, f"{type(error).__name__}: {error}")
    told = json.loads(out.getvalue())
    claims = sum(len(each["claims"]) for each in told["findings"])
    if told["error"]:
        return Read(name, status, told["error"]["class"], 0, told["error"]["message"])
    return Read(name, status, told["outcome"], claims)


def all_of(slug: str, payloads: Path = SHARED / "payloads") -> list[Read]:
    """Every file of the folders of a source."""
    folders = [payloads / name for name in FOLDERS.get(slug, (slug,)) if (payloads / name).is_dir()]
    return [read(slug, path, status) for folder in folders for path, status in recordings(folder)]


def line(slug: str, reads: Sequence[Read]) -> str:
    """The row of a source."""
    found = [each.claims for each in reads if each.end == "found"]
    misses = sum(each.end == "not_found" for each in reads)
    passed = sum(each.is_passed for each in reads)
    claims = "–".join(map(str, sorted({min(found), max(found)}))) if found else ""
    lines = (ROOT / "sources" / "adapters" / f"{slug}.py").read_text(encoding="utf-8").count("\n")
    ends = f"{len(found):>7}{misses:>11}{len(reads) - len(found) - misses:>8}" if reads else f"{'':>26}"
    files = f"{passed} of {len(reads)}" if reads else "no recording"
    return f"  {slug:<22}{files:>13}{ends}{claims:>9}{lines:>7}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 when a file did not pass."""
    from sources import registry

    parser = argparse.ArgumentParser(description="What each source reads of the recorded answers.")
    parser.add_argument("slugs", nargs="*", metavar="slug", help="sources (default: all)")
    parser.add_argument("--files", action="store_true", help="each file as well")
    options = parser.parse_args(arguments)
    known = sorted(registry.adapters())
    if unknown := set(options.slugs) - set(known):
        parser.error(f"there is no source {', '.join(sorted(unknown))}")
    if not SHARED.is_dir():
        print("The folder of recordings is not beside the project.")
        return 0
    print(
        f"  {'source':<22}{'passed':>13}{'found':>7}{'not found':>11}{'errors':>8}{'claims':>9}{'lines':>7}"
    )
    broken = 0
    for slug in options.slugs or known:
        reads = all_of(slug)
        print(line(slug, reads), flush=True)
        for each in reads:
            if options.files or not each.is_passed:
                print(f"    {each.status} {each.file:<58} {each.end} {each.claims or ''} {each.message}")
        broken += sum(not each.is_passed for each in reads)
    return min(broken, 1)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    sys.exit(main())
