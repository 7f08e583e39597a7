from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.cleaning import FREE_MAIL, Refused, domain, is_free_mail, is_shared_host
from sources.cleaning import keys as keys_module
from tests.sources.cleaning.examples import reason, rows

READ = {
    "https://www.Acme.com/about?x=1#y": "acme.com",
    "shop.acme.co.uk": "acme.co.uk",
    "acme.github.io": "acme.github.io",
    "www.city.kobe.jp": "city.kobe.jp",
    "shop.example.kobe.jp": "shop.example.kobe.jp",
    "jane@acme.com": "acme.com",
    "acme.com:8080": "acme.com",
    "user:pw@acme.com": "acme.com",
    "//acme.com/x": "acme.com",
    "0xdata.com": "0xdata.com",
    "acme.com?x": "acme.com",
    '"acme.com",': "acme.com",
    "ACME.COM.": "acme.com",
    "münchen.de": "xn--mnchen-3ya.de",
    "例え.jp": "xn--r8jz45g.jp",
    "москва.рф": "xn--80adxhks.xn--p1ai",
    "москва.com": "xn--80adxhks.com",
    "toyotaトヨタ.jp": "xn--toyota-nu4epcsp.jp",
    "facebook.com": "facebook.com",
    "https://www.linkedin.com/": "linkedin.com",
    "": "",
    "n/a": "",
    "https://www.": "",
    "www": "",
}

REFUSED = {
    "gmail.com": "free mail",
    "jane@mailinator.com": "free mail",
    "linkedin.com/company/acme": "page on linkedin.com",
    "acme.medium.com": "page on medium.com",
    "sites.google.com/view/acme": "page on google.com",
    "bit.ly/x": "page on bit.ly",
    "a.com, b.com": "two domains",
    "a.com;b.com": "two domains",
    "Acme Inc": "more than one word",
    "acme": "single word",
    "co.uk": "public suffix",
    "www.co.uk": "public suffix",
    "github.io": "public suffix",
    "acme.con": "not a known domain ending",
    "acme.internal": ".internal",
    "www.acme.local": ".local",
    "127.0.0.1": "in numbers",
    "http://[::1]/": "in numbers",
    "2130706433": "in numbers",
    "0x7f000001": "single word",
    "*.acme.com": "pattern",
    "a_b.com": "not a domain",
    "ab--cd.com": "hyphen",
    "javascript:alert(1)": "javascript:",
    "ftp://acme.com": "ftp:",
    "https://acme.com@evil.com/": "two sites",
    "https://acme.com\\@evil.com/": "two sites",
    "acme.com:port": "port",
    "аcme.com": "mixed scripts",
    "аррӏе.com": "looks like another name",
    "xn--80ak6aa92e.com": "looks like another name",
    "x." * 200 + "com": "over 253",
    "a" * 3000: "too long",
}


@pytest.mark.parametrize(("cell", "expected"), READ.items())
def test_the_registrable_domain_is_read(cell: str, expected: str) -> None:
    assert domain(cell) == expected


@pytest.mark.parametrize(("cell", "words"), REFUSED.items())
def test_what_names_no_company_is_refused_with_the_reason(cell: str, words: str) -> None:
    assert words in reason(domain, cell)


def test_every_form_of_the_corpus_ends_as_it_should(shared: Path) -> None:
    for row in rows(shared / "corpora/domains/forms.jsonl"):
        assert outcome(row["input"]) in expectations(row["expect"]), row


def outcome(cell: str) -> str:
    try:
        return domain(cell) or "empty"
    except Refused as refused:
        assert str(refused)
        return "refused"


def expectations(words: str) -> set[str]:
    """The outcomes that `words` allow: a domain, "empty" or "refused"."""
    found = {word for word in ("empty", "refused") if word in words}
    if words.startswith("flagged") or "flagged" in words:
        found.add("refused")
    first = words.split(";")[0]
    found |= {part.strip(" ,") for part in first.replace(",", " or ").split(" or ") if "." in part}
    if "kept" in words:
        found.add("a" * 63 + ".example")
    if "cleaned" in words:
        found.add("ab.example")
    return found


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("a.example, b.example", "two domains"),
        ("acme.example; acme2.example", "two domains"),
        ("gmail.com", "free mail"),
        ("\u0430cme.example", "mixed scripts"),
        ("com", "single"),
        ("co.uk", "public suffix"),
    ],
)
def test_reasons_of_the_corpus_are_named(cell: str, words: str) -> None:
    assert words in reason(domain, cell)


def test_no_look_alike_is_taken_for_the_name_it_imitates(shared: Path) -> None:
    for row in rows(shared / "corpora/domains/homographs.jsonl"):
        assert outcome(row["input"]) != row["looks_like"], row
        if "script" in row["technique"]:
            assert outcome(row["input"]) == "refused", row


def test_every_cell_of_the_domain_file_is_read_or_refused(shared: Path) -> None:
    lines = (shared / "corpora/csv/domains.csv").read_text(encoding="utf-8").splitlines()[1:]
    found = [outcome(line.partition(",")[2].strip('"')) for line in lines]
    assert found == [
        *("acme.example", "acme.example", "acme.example", "empty", "refused", "refused"),
        *("refused", "acme.example", "empty", "refused", "refused"),
    ]


@settings(max_examples=40)
@given(st.from_regex(keys_module._SIMPLE_SITE, fullmatch=True))
def test_the_short_way_for_simple_cells_gives_what_the_long_way_gives(cell: str) -> None:
    assert outcome(cell) == outcome(f" <{cell}> ")


@given(st.text(max_size=80))
def test_a_domain_read_twice_is_the_same(cell: str) -> None:
    found = outcome(cell)
    if found not in ("empty", "refused"):
        assert found.isascii() and domain(found) == found


@given(
    st.lists(
        st.sampled_from(["a", "com", "uk", "co", "kobe", "jp", "ck", "www", "xn--p1ai", "city"]),
        min_size=1,
        max_size=5,
    )
)
def test_a_registrable_domain_is_an_end_of_the_host(labels: list[str]) -> None:
    host = ".".join(labels)
    found = outcome(host)
    assert found in ("empty", "refused") or host.endswith(found)


def test_free_mail_and_shared_hosts_are_known() -> None:
    assert is_free_mail("gmail.com") and is_free_mail("mailinator.com") and not is_free_mail("acme.com")
    for host in ("gmail.com", "linkedin.com", "facebook.com", "bit.ly", "github.io"):
        assert is_shared_host(host), host
    assert not is_shared_host("acme.github.io") and not is_shared_host("stripe.com")


def test_no_large_company_is_free_mail_but_those_who_give_mailboxes(shared: Path) -> None:
    givers = {"india.com", "mail.ru", "shaw.ca", "uol.com.br", "yandex.com"}
    lines = (shared / "data/reference/listed_companies.csv").read_text(encoding="utf-8").splitlines()
    assert {line.partition(",")[0] for line in lines} & FREE_MAIL == givers
