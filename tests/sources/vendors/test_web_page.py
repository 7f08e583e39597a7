"""Pages read as a stream of tags, in linear time."""

from __future__ import annotations

import csv
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.vendors.charset import decode
from sources.vendors.web_page import MAX_BODY, Page, read_page


def read(source: str | bytes) -> Page:
    return read_page(source.encode() if isinstance(source, str) else source)


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("<title>Acme</title><title>Other</title>", "Acme"),
        ("<svg><title>Not me</title></svg><title>Acme</title>", "Acme"),
        ("<title><script>alert(1)</script></title>", "<script>alert(1)</script>"),
        ("<title>\n\n  Acme\n\t Ltd \u00a0 | Home </title>", "Acme Ltd | Home"),
        ("<TITLE lang='a>b'>A &amp; B&#33;</TITLE >", "A & B!"),
        ("<title>A&#0;&#x110000;&#xD800;&nosuch;&amp&lt B</title>", "A&nosuch;&< B"),
        ("<title>\u202emca</title>", "mca"),
        ("<!-- <title>No</title> --><title>Acme</title>", "Acme"),
        ("<!--><title>Acme</title>", "Acme"),
        ("<script>'<title>No</title>'</script><title>Acme</title>", "Acme"),
        ("<title>Never closed", "Never closed"),
        ("<titles>No</titles>", ""),
        ("", ""),
    ],
)
def test_title(source, title):
    assert read(source).title == title


def test_meta_tags():
    page = read(
        "<meta name=description content=Acme makes things><META PROPERTY='og:site_name' CONTENT=\"Acme > all\" />"
        "<meta name=description content=second><meta content='no name'><meta name=empty content=''>"
    )
    assert page.meta == {"description": "Acme", "og:site_name": "Acme > all"}


def test_links():
    assert read("<a href=x>1</a><a  class = 'b' HREF = 'y?a=1&amp;b=2'><a><a href>").links == (
        "x",
        "y?a=1&b=2",
    )


def test_structured_data_keeps_its_raw_text():
    page = read('<script type=\'application/ld+json\'>{"a": "<b>"}</script><script>1</script>')
    assert page.structured == ('{"a": "<b>"}',)


def test_visible_text():
    assert read("<p>A</p><script>x</script><style>y</style>B<!-- c --><b>C</b> a < b").text == "A B C a < b"


def test_a_page_cut_inside_a_tag_is_read_so_far():
    assert read('<title>Acme</title><a href="x').title == "Acme"
    assert read(b"<title>Acme</title>" + b"x" * MAX_BODY + b"<a href=x>").links == ()


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "<div>",
            "<a ",
            "<a =''",
            "<a b='",
            "<!--",
            "<!-->",
            "<!",
            "<",
            "<title>",
            "<script>",
            "<svg>",
            "</p>",
            "&",
        ),
        *(
            "<meta name=a content=b>",
            "<a href=x>",
            "a<b ",
            "= ",
            '="',
            "<script type=application/ld+json>{</script>",
        ),
    ],
)
def test_pages_that_are_slow_elsewhere_are_read_in_linear_time(piece):
    body = (piece * (MAX_BODY // 3 // len(piece))).encode()
    for source in (body, b"<a " + body[:-10] + b"'>", b"<title>" + body):
        started = time.perf_counter()
        read(source)
        assert time.perf_counter() - started < 5  # at most 0.2 s on an idle machine


def cases(text: str):
    """(page, encoding) of an html5lib encoding test file."""
    for case in text.split("#data\n")[1:]:
        source, _, encoding = case.partition("\n#encoding\n")
        yield source, encoding.split("\n")[0].strip().lower()


def test_character_sets_are_found(shared):
    known = {"windows-1252": "cp1252", "iso-8859-2": "iso8859-2", "utf-8": "utf-8", "shift_jis": "cp932"}
    wrong = []
    for source, encoding in cases((shared / "corpora" / "html" / "encoding-tests1.dat").read_text("latin-1")):
        body = source.encode("latin-1") + b"\n\xe4 \xb9"
        expected = body.decode(known.get(encoding, encoding), "replace")
        if decode(body) != expected.removeprefix("\ufeff"):
            wrong.append(source)
    # Browsers also look for meta tags inside scripts and styles when they guess; we do not.
    assert all("<script" in source or "<style" in source for source in wrong)
    assert len(wrong) <= 3


def test_a_meta_tag_that_lies_costs_letters_only(shared):
    assert read((shared / "corpora" / "html" / "meta-charset-lies.html").read_bytes()).title == "Caf"


def test_pages_of_the_corpus_are_cut(shared):
    folder = shared / "corpora" / "html"
    with (folder / "manifest.tsv").open() as file:
        for row in csv.DictReader(file, delimiter="\t"):
            page = read((folder / row["file"]).read_bytes())
            assert len(page.title) <= 5_000
            assert page.title.isprintable()


@given(st.binary(max_size=200), st.text(max_size=20))
def test_any_bytes_are_a_page(body, content_type):
    page = read_page(body, content_type)
    assert page == read_page(body, content_type)
    for text in (page.title, page.text, *page.meta.values()):
        assert "\x00" not in text
        text.encode("utf-8")
