"""Webhooks: what is told to whom, how it is sent, and what the admin shows of it."""
