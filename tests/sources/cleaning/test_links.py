from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.attributes import BY_SLUG
from sources.cleaning import Refused, clean, linkedin_url, url
from tests.sources.cleaning.examples import reason

COMPANY, PERSON = "https://www.linkedin.com/company/", "https://www.linkedin.com/in/"
PAGES = {
    "linkedin.com/company/Acme": COMPANY + "acme",
    "https://uk.linkedin.com/in/jane-roe-1a2?trk=x": PERSON + "jane-roe-1a2",
    "http://www.linkedin.com/company/acme/about/": COMPANY + "acme",
    "https://www.linkedin.com/company-beta/1441/": COMPANY + "1441",
    "https://www.linkedin.com/sales/company/1441": COMPANY + "1441",
    "https://www.linkedin.com/school/mit/": "https://www.linkedin.com/school/mit",
    "https://m.linkedin.com/in/j%C3%BCrgen": PERSON + "j%C3%BCrgen",
    "in/jürgen": PERSON + "j%C3%BCrgen",
    "company/acme": COMPANY + "acme",
    "n/a": "",
}
LINKS = {
    "acme.com": "https://acme.com/",
    "HTTP://Acme.com:80/a b".replace(" ", "%20"): "http://acme.com/a%20b",
    "https://user:pw@acme.com:8443/x?y=1#z": "https://acme.com:8443/x?y=1#z",
    "https://münchen.example/straße": "https://xn--mnchen-3ya.example/stra%C3%9Fe",
    "https://acme.com/100%/<b>x": "https://acme.com/100%25/%3Cb%3Ex",
    "": "",
}
NO_LINKS = (
    *(
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://acme.com",
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "acme",
    ),
    *(
        "http://printer.local/",
        "http://[::1]/",
        "jane@acme.com",
        "mailto:jane@acme.com",
        "https://a.com https://b.com",
    ),
    *(
        "https://acme.com\\@evil.com",
        "https://acme.com:99999/",
        "https://\u0430cme.com",
        "https://",
        "a.com/" + "x" * 2000,
    ),
)


@pytest.mark.parametrize(("cell", "expected"), PAGES.items())
def test_a_linkedin_page_has_one_address(cell: str, expected: str) -> None:
    assert linkedin_url(cell) == expected


@pytest.mark.parametrize(
    "cell", ["acme", "linkedin.com", "linkedin.com/feed", "https://evil.com/company/acme", "linkedin.com.evil.com/in/x",
             "linkedin.com/company/..", "linkedin.com/in/", "linkedin.com/in/%2F", "notlinkedin.com/in/jane"]
)  # fmt: skip
def test_what_is_no_linkedin_page_is_refused(cell: str) -> None:
    assert "not a LinkedIn page" in reason(linkedin_url, cell)


@pytest.mark.parametrize(("cell", "expected"), LINKS.items())
def test_a_link_is_rebuilt_from_its_parts(cell: str, expected: str) -> None:
    assert url(cell) == expected


@pytest.mark.parametrize("cell", NO_LINKS)
def test_what_is_no_public_web_link_is_refused(cell: str) -> None:
    assert reason(url, cell)


@pytest.mark.parametrize("call", [url, linkedin_url])
@given(st.text(max_size=60))
def test_a_link_read_twice_is_the_same(call, tail: str) -> None:
    for cell in (tail, "https://acme.com/" + tail, "linkedin.com/in/" + tail):
        try:
            found = call(cell)
        except Refused:
            continue
        assert found.isascii() and call(found) == found


def test_attributes_named_linkedin_hold_linkedin_pages() -> None:
    assert clean(BY_SLUG["company_linkedin_url"], "company/acme") == COMPANY + "acme"
    assert "LinkedIn" in reason(clean, BY_SLUG["ceo_linkedin_url"], "https://acme.com")
    assert clean(BY_SLUG["twitter_url"], "twitter.com/acme") == "https://twitter.com/acme"
