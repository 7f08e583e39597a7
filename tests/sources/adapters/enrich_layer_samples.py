"""What tests of Enrich Layer share: a company, a person, and how they are asked for."""

from __future__ import annotations

from typing import Any

from sources.adapters.enrich_layer import EnrichLayer

SOURCE = EnrichLayer()

PAGE = "https://www.linkedin.com/company/acme"

COMPANY: dict[str, Any] = {
    "name": "Acme Inc.",
    "universal_name_id": "acme",
    "search_id": "4711",
    "website": "https://acme.example",
    "company_size": [51, 200],
    "company_size_on_linkedin": None,
    "hq": {"city": "Boston", "state": "Massachusetts", "country": "US", "is_hq": True},
    "social_networking_services": [
        {"service": "facebook", "canonical_url": "https://www.facebook.com/acme"},
        {"service": "twitter", "canonical_url": "twitter.com/acmehq"},
    ],
    "extra": {
        "crunchbase_profile_url": "https://www.crunchbase.com/organization/acme",
        "contact_email": "hello@acme.example",
        "stock_symbol": "ACME",
        "total_funding_amount": 30_000_000,
    },
    "funding_data": [
        {
            "funding_type": "Seed Round - Acme",
            "money_raised": 2_000_000,
            "announced_date": {"day": 1, "month": 2, "year": 2020},
            "investor_list": [{"name": "First Fund"}],
        },
        {
            "funding_type": "Series A - Acme",
            "money_raised": 9_000_000,
            "announced_date": {"day": 3, "month": 4, "year": 2024},
            "investor_list": [{"name": "Second Fund"}, {"name": "First Fund"}],
        },
    ],
}

PERSON: dict[str, Any] = {
    "public_identifier": "jane-roe",
    "full_name": "Jane Roe",
    "headline": "Building robots",
    "city": "Boston",
    "country_full_name": "United States",
    "experiences": [
        {"title": "Advisor", "company": "Old Co", "starts_at": {"year": 2015}, "ends_at": {"year": 2019}},
        {"title": "Board member", "company": "Zenith", "starts_at": {"year": 2020}, "ends_at": None},
        {
            "title": "Chief Technology Officer",
            "company": "Acme",
            "company_linkedin_profile_url": PAGE,
            "starts_at": {"day": 1, "month": 3, "year": 2024},
            "ends_at": None,
        },
    ],
}

JOBS: dict[str, Any] = {
    "job": [
        {
            "job_title": "Senior DevOps Engineer",
            "job_url": "https://www.linkedin.com/jobs/view/1",
            "company": "Acme",
            "company_url": PAGE,
        },
        {"job_title": "Site Reliability Engineer", "job_url": "https://www.linkedin.com/jobs/view/2"},
        {"job_title": "Accountant", "company": "Acme Inc.", "company_url": "https://linkedin.com/company/1"},
        {"job_title": "Rust Developer", "company": "Zenith", "company_url": "https://linkedin.com/company/z"},
    ],
    "next_page_no": None,
}
