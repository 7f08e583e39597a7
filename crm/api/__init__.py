"""The records over HTTP."""
