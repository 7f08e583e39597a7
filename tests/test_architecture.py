"""What must hold for the shape of the whole tree; the direction of imports is import-linter's business."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "crm", "enrichment", "sources")
FILE_LINES = 400
FUNCTION_LINES = 40

NETWORK = {"dns", "requests", "socket", "urllib3"}
MAY_OPEN_THE_NETWORK = {
    "sources/dns.py",
    "enrichment/supervisor/web.py",  # takes the port before the web server starts
}

LEDGER = {"AttributeValue", "Check"}
RELATED = {"claims", "checks"}  # from a record, run, source or lookup
WRITES = {
    "abulk_create", "acreate", "aupdate", "bulk_create", "bulk_update", "create", "delete",
    "get_or_create", "save", "update", "update_or_create",
}  # fmt: skip
WRITING_SQL = re.compile(
    r"(?:insert\s+into|update|delete\s+from|copy|merge\s+into)\s+\"?enrichment_(?:attributevalue|check)\b",
    re.IGNORECASE,
)


def source_files(*folders: str) -> list[Path]:
    """The Python files below the folders, without migrations."""
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in files if "migrations" not in path.parts)


def short(path: Path) -> str:
    """A file's path inside the project."""
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    """The syntax of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def listed_modules() -> set[str]:
    """The modules named in the layers contract."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return {name.strip(" ()") for layer in layers for name in re.split(r"[:|]", layer)}


def test_files_stay_short():
    files = source_files(*PACKAGES, "benchmarks")
    lengths = {short(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert not {name: lines for name, lines in lengths.items() if lines >= FILE_LINES}


def test_functions_stay_short():
    too_long = {
        f"{short(path)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path in source_files(*PACKAGES, "benchmarks")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 >= FUNCTION_LINES
    }
    assert not too_long


def test_every_module_stands_in_the_import_list():
    listed = listed_modules()
    strays = []
    for path in source_files(*PACKAGES):
        module = short(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        is_root = module in PACKAGES or module.endswith(".apps") or module == "sources.data"
        if not is_root and not any(module == name or module.startswith(f"{name}.") for name in listed):
            strays.append(module)
    assert not strays, "name them in [tool.importlinter] of pyproject.toml"


def test_only_http_and_dns_open_the_network():
    offenders = {
        f"{short(path)}:{line} {module}"
        for path in source_files(*PACKAGES)
        for line, module in imported(tree(path))
        if module.split(".")[0] in NETWORK
        and short(path) not in MAY_OPEN_THE_NETWORK
        and not re.fullmatch(r"sources/http(_\w+)?\.py", short(path))
    }
    assert not offenders


def imported(module: ast.Module) -> Iterator[tuple[int, str]]:
    """The line and name of every absolute import, also of those inside functions."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def test_only_the_claims_package_writes_the_ledger():
    offenders = {
        f"{short(path)}:{line} {what}"
        for path in source_files("config", "crm", "enrichment")
        if not short(path).startswith("enrichment/claims/")
        for line, what in ledger_writes(tree(path))
    }
    assert not offenders


@pytest.mark.parametrize(
    "code",
    [
        "AttributeValue.objects.create(attribute='x')",
        "Check.objects.filter(record=1).order_by('id').update(outcome='found')",
        "models.AttributeValue.objects.bulk_create(rows)",
        "row = AttributeValue(attribute='x')",
        "run.checks.filter(record=1).update(outcome='found')",
        "account.claims.create(attribute='x')",
        "account.current_values = {}",
        "account.current_values['name'] = {}",
        "account.current_values.update(name={})",
        "Account.objects.update(current_values={})",
        "Account.objects.bulk_update(rows, ['current_values'])",
        "cursor.execute('INSERT INTO enrichment_attributevalue VALUES (1)')",
        "cursor.execute(f'UPDATE enrichment_check SET outcome = {x}')",
    ],
)
def test_a_write_to_the_ledger_is_seen(code: str):
    assert list(ledger_writes(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "AttributeValue.objects.filter(attribute='x').count()",
        "Account.objects.values('current_values')",
        "account.current_values.get('name')",
        "cursor.execute('SELECT 1 FROM enrichment_attributevalue')",
        "Sheet.objects.create(name='x')",
        "answer.claims.update({'name': 1})",
    ],
)
def test_a_read_of_the_ledger_is_no_write(code: str):
    assert not list(ledger_writes(ast.parse(code)))


def ledger_writes(module: ast.Module) -> Iterator[tuple[int, str]]:
    """The line and kind of every statement that writes values, checks or current values."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and (what := written_by_call(node)):
            yield node.lineno, what
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.Delete):
            targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
            if any(is_current_values(target) for target in targets):
                yield node.lineno, "current_values"
        elif isinstance(node, ast.Constant) and WRITING_SQL.search(str(node.value)):
            yield node.lineno, "SQL"


def is_current_values(target: ast.expr) -> bool:
    """Whether a target is `x.current_values` or an item of it."""
    while isinstance(target, ast.Subscript):
        target = target.value
    return isinstance(target, ast.Attribute) and target.attr == "current_values"


def written_by_call(call: ast.Call) -> str:
    """Which part of the ledger a call writes, or an empty string."""
    if isinstance(call.func, ast.Name):
        return call.func.id if call.func.id in LEDGER else ""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in WRITES:
        return ""
    chain = list(ast.walk(call.func))
    names = {node.id for node in chain if isinstance(node, ast.Name)}
    attributes = {node.attr for node in chain if isinstance(node, ast.Attribute)}
    fields = {keyword.arg for keyword in call.keywords} | {
        node.value for argument in call.args for node in ast.walk(argument) if isinstance(node, ast.Constant)
    }
    if "current_values" in attributes | fields:
        return "current_values"
    is_query = call.func.attr != "update" or any(isinstance(node, ast.Call) for node in chain)
    through = attributes & RELATED if is_query else set()
    return next(iter((names | attributes) & LEDGER | through), "")


def test_nothing_is_left_to_do_in_the_code():
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    files = [*source_files(*PACKAGES, "benchmarks", "tests"), *ROOT.glob("*.md"), ROOT / "Makefile"]
    offenders = [
        f"{short(path)}:{number}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if words.search(line)
    ]
    assert not offenders
