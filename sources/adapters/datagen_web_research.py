"""DataGen's web research: what a company does, with which technologies, and how many people it has."""

from __future__ import annotations

from sources.vendors.datagen_research import COMPANY, Research


class DatagenWebResearch(Research):
    """Asks the research tool about the company at a domain."""

    slug = "datagen_web_research"
    label = "DataGen web research"
    provides = COMPANY
