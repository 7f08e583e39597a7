"""Runs web server and workers, watches both and stops both; `manage.py up` is its face."""

from enrichment.supervisor.canary import Timing
from enrichment.supervisor.supervisor import Supervisor
from enrichment.supervisor.web import PortRefused, address_of, take_port, web_server

__all__ = ["PortRefused", "Supervisor", "Timing", "address_of", "take_port", "web_server"]
