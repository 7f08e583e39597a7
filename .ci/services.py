"""Says in one sentence each which service of the tests is missing; exits 1 when one is.

services.py POSTGRES_URL              PostgreSQL, Redis, chromium and the shared folder
services.py --only postgres POSTGRES_URL
"""

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import redis

REDIS_URL = "redis://127.0.0.1:6379/0"
SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


def missing_postgres(url: str) -> str:
    """Why PostgreSQL at `url` cannot be used, or an empty string."""
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.Error as error:
        return f"PostgreSQL cannot be used: {str(error).strip().splitlines()[0]}"
    return "" if row and row[0] else "PostgreSQL answers, but its user may not create databases (CREATEDB)."


def missing_redis(url: str) -> str:
    """Why Redis at `url` cannot be used, or an empty string."""
    try:
        redis.from_url(url, socket_timeout=3).ping()
    except redis.RedisError as error:
        return f"Redis cannot be used: {error}"
    return ""


def missing_programs() -> str:
    """Which of chromium and its driver is not installed, or an empty string."""
    missing = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
    return f"Not installed: {', '.join(missing)}." if missing else ""


def missing_shared() -> str:
    """That the shared folder is not beside the project, or an empty string."""
    return "" if SHARED.is_dir() else "The shared folder is not beside the project."


def main() -> int:
    """Print what is missing; 1 when anything is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("postgres_url")
    parser.add_argument("--only", choices=["postgres"])
    options = parser.parse_args()
    checks: list[Callable[[], str]] = [lambda: missing_postgres(options.postgres_url)]
    if not options.only:
        checks += [lambda: missing_redis(REDIS_URL), missing_programs, missing_shared]
    reasons = [reason for check in checks if (reason := check())]
    for reason in reasons:
        print(reason)
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
