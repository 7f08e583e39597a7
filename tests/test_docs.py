"""What the documents must say: every setting, every command, and nothing that is not there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent
OURS = {"crm", "enrichment"}
READERS = {"text", "boolean", "choice", "integer", "words", "secret_key"}
NOT_OURS = {"DJANGO_SETTINGS_MODULE"}


def document(name: str) -> str:
    """A document at the top of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def variables_read() -> set[str]:
    """The environment variables the code reads, by config.env or directly."""
    files = [path for folder in ("config", "crm", "enrichment") for path in (ROOT / folder).rglob("*.py")]
    return {
        name for path in files for name in names_in(ast.parse(path.read_text(encoding="utf-8")))
    } - NOT_OURS


def names_in(module: ast.Module) -> Iterator[str]:
    """The literal names in `env.text("NAME")`, `os.environ.get("NAME")` and `os.environ["NAME"]`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            owner = ast.unparse(node.func.value)
            if (owner == "env" and node.func.attr in READERS) or owner == "os.environ" or owner == "os":
                yield from literal(node.args[0])
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            yield from literal(node.slice)


def literal(node: ast.expr) -> Iterator[str]:
    """The text of a literal that looks like a variable's name."""
    if isinstance(node, ast.Constant) and re.fullmatch(r"[A-Z][A-Z0-9_]+", str(node.value)):
        yield str(node.value)


def test_every_setting_has_its_line_in_the_readme():
    readme = document("README.md")
    assert "FOOTNOTE_WORKERS" in variables_read()
    assert not {name for name in variables_read() if f"| `{name}` |" not in readme}


def test_every_setting_of_the_readme_is_read():
    documented = set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", document("README.md"), re.MULTILINE))
    assert documented == variables_read()


def test_every_command_is_in_the_readme_and_every_command_there_exists():
    ours = {name for name, app in get_commands().items() if app in OURS}
    documented = set(re.findall(r"`manage\.py (\w+)", document("README.md")))
    assert ours <= documented
    assert documented <= get_commands().keys()


def test_every_task_of_the_makefile_is_in_the_readme():
    tasks = set(re.findall(r"^([a-z]+):.*## ", document("Makefile"), re.MULTILINE)) - {"help"}
    assert not {task for task in tasks if f"`make {task}" not in document("README.md")}


def test_the_changelog_has_a_place_for_what_comes_next():
    assert re.search(r"^## Unreleased$", document("CHANGELOG.md"), re.MULTILINE)


def test_links_between_documents_lead_somewhere():
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document(name)):
            assert (ROOT / target).exists(), f"{name} links to {target}"
