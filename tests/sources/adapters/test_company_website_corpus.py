"""Home pages of the corpora: odd, hostile and recorded ones."""

from __future__ import annotations

import csv
import json
import time

import pytest

from sources.errors import SourceUnavailable
from tests.sources.adapters.pages import claims, page, parse

EXPECTED = {
    "bidi.html": {},
    "canonical-other.html": {},
    "ld-bigint.html": {"name": "Acme"},
    "ld-bool.html": {},
    "ld-comment.html": {"name": "Acme"},
    "ld-controls.html": {"name": "Ac[31mme"},
    "ld-dates.html": {"name": "Acme"},
    "ld-graph.html": {"name": "Acme"},
    "ld-js-url.html": {"name": "Acme"},
    "ld-logo-inner.html": {"name": "Acme"},
    "ld-nan.html": {"name": "Acme"},
    "ld-nul.html": {"name": "Acme"},
    "ld-obj-name.html": {"name": "Acme"},
    "ld-range.html": {"name": "Acme"},
    "ld-remote-context.html": {"name": "Acme"},
    "ld-self-ref.html": {"name": "Acme"},
    "ld-surrogate.html": {"name": "Acme"},
    "ld-two-objects.html": {"name": "Acme"},
    "plain.html": {"name": "Acme"},
    "social.html": {"company_linkedin_url": "https://www.linkedin.com/company/acme"},
    "unquoted.html": {"company_description": "Acme"},
}
"""What the adapter claims of the pages of the corpus; of all others nothing."""


def test_the_pages_of_the_corpus(shared):
    folder = shared / "corpora" / "html"
    with (folder / "manifest.tsv").open() as file:
        names = [row["file"] for row in csv.DictReader(file, delimiter="\t")]
    for name in names:
        started = time.process_time()
        payload = page((folder / name).read_bytes())
        if name == "captcha.html":
            with pytest.raises(SourceUnavailable):
                parse(payload)
        else:
            assert claims(payload) == EXPECTED.get(name, {}), name
        assert time.process_time() - started < 1, name


def test_tokenizer_inputs_and_their_sums_raise_nothing(shared):
    lines = (shared / "corpora" / "html" / "tokenizer-inputs.jsonl").read_text("utf-8").splitlines()
    inputs = [json.loads(line)["input"].encode("utf-8", "surrogatepass") for line in lines]
    claimed: dict[str, tuple[object, bytes]] = {}
    for number, body in enumerate(inputs):
        for whole in (body, body + inputs[number - 1] + b"<title>x</title>"):
            claimed |= {slug: (value, whole) for slug, value in claims(page(whole)).items()}
    assert claimed == {}


def test_recorded_home_pages(shared):
    for path in sorted((shared / "payloads" / "websites").glob("*.html")):
        site = path.name.removesuffix(".html") if path.name.count(".") > 1 else f"{path.name[:-5]}.com"
        started = time.process_time()
        finding = parse(page(path.read_bytes(), url=f"http://{site}/"))
        assert time.process_time() - started < 1
        assert finding and finding.subject.name, site
        assert all(isinstance(claim.value, str | int) for claim in finding.claims)
