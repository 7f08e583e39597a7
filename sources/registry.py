"""Finds every adapter: the files of `sources/adapters`, entry points of the group `footnote.sources`, and the plain
modules of a folder (`sources.modules`).
"""

from __future__ import annotations

import inspect
import logging
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType

import sources.adapters
from sources.contract import Source
from sources.modules import NOTHING, Modules, load

GROUP = "footnote.sources"

_log = logging.getLogger(__name__)
_folder: Path | None = None


def use_modules(folder: Path | None) -> None:
    """From now on the plain modules of `folder` are sources, too."""
    global _folder
    _folder = folder
    _modules.cache_clear()
    adapters.cache_clear()


@cache
def adapters() -> Mapping[str, Source]:
    """Every adapter by its slug, in the order of slugs; one instance each, shared by threads.

    A broken file of ours raises. A broken package of others is logged and left out, a broken module left out.
    """
    found = dict(_built_in())
    for slug, adapter in _installed():
        if slug in found:
            _log.error(
                "The source '%s' of a package is left out: a source of that name exists already.", slug
            )
        else:
            found[slug] = adapter
    return MappingProxyType(dict(sorted((dict(_modules().sources) | found).items())))


def left_out() -> Mapping[str, str]:
    """Why modules of the folder are no sources: a sentence by file name."""
    found = _modules()
    known = adapters()
    twins = {
        f"{slug}.py": f"There is another source called {slug}: rename the file."
        for slug, source in found.sources.items()
        if known[slug] is not source
    }
    return {**found.left_out, **twins}


@cache
def _modules() -> Modules:
    return load(_folder) if _folder else NOTHING


def get(slug: str) -> Source:
    """The adapter called `slug`; raises KeyError with the names there are."""
    try:
        return adapters()[slug]
    except KeyError:
        raise KeyError(f"there is no source '{slug}': there are {', '.join(adapters())}") from None


def _built_in() -> Iterator[tuple[str, Source]]:
    package = sources.adapters
    for module in pkgutil.iter_modules(package.__path__):
        yield module.name, _adapter_of(import_module(f"{package.__name__}.{module.name}"), module.name)


def _adapter_of(module: ModuleType, slug: str) -> Source:
    """An instance of the one adapter `module` defines; raises TypeError unless there is one named `slug`."""
    found = [
        item for item in vars(module).values() if _is_adapter(item) and item.__module__ == module.__name__
    ]
    if len(found) != 1 or found[0].slug != slug:
        raise TypeError(f"{module.__name__} must define one Source with the slug '{slug}'")
    adapter: Source = found[0]()
    return adapter


def _installed() -> Iterator[tuple[str, Source]]:
    for entry in entry_points(group=GROUP):
        try:
            adapter = _load(entry)
        except Exception:  # whatever a package of others raises, the other sources go on
            _log.exception("The source '%s' of the package entry '%s' is left out.", entry.name, entry.value)
        else:
            yield adapter.slug, adapter


def _load(entry: EntryPoint) -> Source:
    kind = entry.load()
    if not _is_adapter(kind):
        raise TypeError(f"{entry.value} is not a subclass of sources.contract.Source that can be used")
    adapter: Source = kind()
    if adapter.slug != entry.name:
        raise TypeError(
            f"{entry.value} has the slug '{adapter.slug}', its entry point is named '{entry.name}'"
        )
    return adapter


def _is_adapter(item: object) -> bool:
    return inspect.isclass(item) and issubclass(item, Source) and not inspect.isabstract(item)
