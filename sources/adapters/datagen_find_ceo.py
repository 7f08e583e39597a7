"""DataGen's web research: who leads a company, with the LinkedIn profile."""

from __future__ import annotations

from sources.vendors.datagen_research import CEO, Research


class DatagenFindCeo(Research):
    """Asks the research tool who leads the company at a domain."""

    slug = "datagen_find_ceo"
    label = "DataGen CEO finder"
    provides = CEO
