"""gunicorn's own lines in the look of ours; its master knows no Django, so it is told by its command."""

from __future__ import annotations

import logging.config
from typing import Any

from django.conf import settings
from gunicorn.glogging import Logger


class ServerLog(Logger):  # type: ignore[misc]
    """Warnings and errors of the web server go where all lines go."""

    def setup(self, cfg: Any) -> None:
        """Hand the lines on to the root, instead of writing them itself."""
        super().setup(cfg)
        logging.config.dictConfig(settings.LOGGING)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
