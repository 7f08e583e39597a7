"""Prints which methods of which version of the official client pass: `python -m tests.api.sdk_methods`."""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import cast

import pytest

TESTS = "tests/api/test_sdk.py::test_every_method_works"


class Marks:
    """A plugin of pytest that collects what the tests found out about each method."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a test says of a version in one of its forms."""
        for _, told in report.user_properties if report.when == "call" else ():
            version, form, errors = cast(tuple[str, str, dict[str, str]], told)
            for method, error in errors.items():
                self.found[version][method].append(form if error else "")

    def table(self) -> str:
        """A line for each method: passes, fails in which form, or is not there."""
        versions = list(self.found)
        methods = sorted({method for marks in self.found.values() for method in marks})
        rows = [[method, *(self._mark(version, method) for version in versions)] for method in methods]
        passed = [str(sum(row[place] == "pass" for row in rows)) for place in range(1, len(versions) + 1)]
        lines = [["method", *versions], *rows, [f"{len(methods)} methods", *passed]]
        return "\n".join(
            f"{line[0]:<36}" + "".join(f"{cell:<17}" for cell in line[1:]).rstrip() for line in lines
        )

    def _mark(self, version: str, method: str) -> str:
        forms = self.found[version].get(method)
        if forms is None:
            return "–"
        return f"FAIL {'+'.join(filter(None, forms))}" if any(forms) else "pass"


def main() -> int:
    """Run the tests of all versions and print the table."""
    marks = Marks()
    code = pytest.main(["-q", "-n0", "-rfEs", "--no-header", TESTS], plugins=[marks])
    print(marks.table())
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
