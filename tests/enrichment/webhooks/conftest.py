"""A receiver, a source and an account."""

from __future__ import annotations

import pytest

from enrichment import signals
from tests import factories as make
from tests.enrichment.webhooks.receivers import Receiver, receiving


@pytest.fixture
def receiver(settings):
    with receiving(Receiver()) as found:
        settings.EGRESS_ALLOW = [found.netloc]
        yield found


@pytest.fixture
def source():
    signals.sync_rules()
    return make.make_source("crunchbase", rank=10)


@pytest.fixture
def account():
    return make.make_account(name="Acme", external_id="001", external_source="salesforce")
