"""Files that plug in: those of the package's own folders, and those that a user brings.

A plug is an upper-case name that a file binds; the doors ask for it by the folder and the name, and keep no list. A
file that a user brings, with `plug_in` or through the environment, is asked for every such name, so that one file may
hold a diagnostic and its figure.
"""

import hashlib
import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterator
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import InputError, must
from .judgement import Diagnostic

ENVIRONMENT = "CRYONB_PLUGINS"
"""Variable of the environment: files, or folders of files, that plug in wherever cryonb runs."""

PLUGS = ("BACKEND", "ENGINE", "RECIPE", "DIAGNOSTIC", "FORMAT")
"""What is known by its `name`, which no two may share."""

FIGURES_AND_TABS = ("PLOTS", "PANELS", "ROWS", "TAB", "TABS")
"""What a file may bind beside or instead: figures of kinds of Dataset, and tabs of the app."""

PREFIX = "cryonb_plugins"
DIGITS = 16

_brought: dict[Path, tuple[ModuleType, str]] = {}
_looked_into: set[str] = set()


def plug_in(file: str | os.PathLike) -> tuple[str, ...]:
    """Make a file's diagnostic, recipe, format, engine, backend, figures or tabs known, as if it were in the package.

    Parameters
    ----------
    file : str or path
        A Python file that binds at least one of ``DIAGNOSTIC``, ``RECIPE``, ``FORMAT``, ``ENGINE``, ``BACKEND``,
        ``PLOTS``, ``PANELS``, ``ROWS``, ``TAB`` and ``TABS``. It is run. Called again after an edit, the new version
        takes the place of the old one; if that cannot run, the old one stays.

    Returns
    -------
    tuple of str
        What the file binds, with the names of plugs, for example ``"DIAGNOSTIC my_diagnostic"``.

    Raises
    ------
    InputError
        If there is no such file, it does not run, binds nothing that plugs in, or takes a name that is in use.

    Notes
    -----
    The environment variable ``CRYONB_PLUGINS`` does the same for commands and for every session: it names files, or
    folders of files, divided as in ``PATH``.

    Examples
    --------
    >>> plug_in("no_such_file.py")
    Traceback (most recent call last):
    cryonb.errors.InputError: a file that plugs in must be Python; got 'no_such_file.py'. Give the path of a .py file.
    """
    path = Path(file)
    must(
        path.is_file() and path.suffix == ".py",
        "a file that plugs in must be Python",
        repr(os.fspath(file)),
        "Give the path of a .py file",
    )
    _look_into_the_environment()
    path = path.resolve()
    module, digest = _run(path)
    bound = [name for name in (*PLUGS, *FIGURES_AND_TABS) if hasattr(module, name)]
    rule = f"a file that plugs in must bind one of {', '.join((*PLUGS, *FIGURES_AND_TABS))}"
    must(bool(bound), rule, f"none in {path.name}", "Bind what it makes to that name, in its last line")
    for name in bound:
        _must_be_free(path, module, name)
    _brought[path] = module, digest
    sys.modules[module.__name__] = module
    forget()
    return tuple(f"{name} {getattr(module, name).name}" if name in PLUGS else name for name in bound)


@cache
def bindings(package: str, name: str) -> tuple[tuple[ModuleType, Any], ...]:
    """Return what files bind to a name: those of a folder in their order, then those that were brought.

    Parameters
    ----------
    package : str
        Dotted name of the folder, for example ``"cryonb.plots"``.
    name : str
        The upper-case name.

    Returns
    -------
    tuple of (module, object)
        Files that bind it, and what they bind.
    """
    _look_into_the_environment()
    folder = importlib.import_module(package)
    names = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    own = [importlib.import_module(f"{package}.{module}") for module in names]
    modules = (*own, *(module for module, _ in _brought.values()))
    return tuple((module, getattr(module, name)) for module in modules if hasattr(module, name))


@cache
def discover(package: str, binding: str) -> dict[str, Any]:
    """Return every plug of a folder by its name, with those that were brought.

    Parameters
    ----------
    package : str
        Dotted name of the folder, for example ``"cryonb.diagnostics"``.
    binding : str
        The upper-case name that a plug's file binds, for example ``"DIAGNOSTIC"``.

    Returns
    -------
    dict of str to object
        The plugs, ordered by file name; those that were brought come last.
    """
    return {plug.name: plug for _, plug in bindings(package, binding)}


def forget() -> None:
    """Have the doors look again for what plugs in."""
    bindings.cache_clear()
    discover.cache_clear()


def digest_of_file(plug: Any) -> str:
    """Return which version of its file a plug came with.

    Parameters
    ----------
    plug : object
        What a file has bound.

    Returns
    -------
    str
        Sixteen hexadecimal digits; empty for what belongs to the package, whose version says it.
    """
    for module, digest in _brought.values():
        if any(getattr(module, name, None) is plug for name in PLUGS):
            return digest
    return ""


def _run(path: Path) -> tuple[ModuleType, str]:
    """Return a file as a module that nobody else holds, and the digest of its text."""
    rule = "a file that plugs in must have a name that Python can import"
    must(path.stem.isidentifier(), rule, repr(path.name), "Use letters, digits and _")
    name = f"{PREFIX}.{path.stem}"
    loader = _AsItStands(name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    before = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses look their types up there
    try:
        loader.exec_module(module)
    except Exception as problem:
        _put_back(name, before)
        said = f"{type(problem).__name__}: {problem}"
        raise InputError(f"a file that plugs in must run; got {said} in {path.name}. Mend it.") from problem
    _put_back(name, before)
    return module, hashlib.blake2b(loader.text, digest_size=DIGITS // 2).hexdigest()


class _AsItStands(SourceFileLoader):
    """Loads the text of a file as it stands: compiled files are told apart by seconds, and edits can be quicker."""

    text = b""

    def get_code(self, fullname: str) -> Any:
        self.text = self.get_data(self.path)
        return self.source_to_code(self.text, self.path)


def _put_back(name: str, module: ModuleType | None) -> None:
    if module is None:
        del sys.modules[name]
    else:
        sys.modules[name] = module


def _must_be_free(path: Path, module: ModuleType, name: str) -> None:
    """Raise where a plug is incomplete, or has the name of another of its sort."""
    others = {other.stem: other for other in _brought}
    rule = "files that plug in must have different names"
    must(others.get(path.stem, path) == path, rule, f"a second {path.name}", "Rename one")
    if name not in PLUGS:
        return
    plug = getattr(module, name)
    wanted = (*Diagnostic.__annotations__, "compute") if name == "DIAGNOSTIC" else ("name",)
    absent = [word for word in wanted if not hasattr(plug, word)]
    must(not absent, f"a {name} must have {', '.join(wanted)}", f"no {', '.join(absent)}", "Add it; bind an instance")
    folder = FOLDERS[name]
    taken = [other.name for source, other in bindings(folder, name) if source.__name__ != module.__name__]
    must(plug.name not in taken, f"the name of a {name} must be new", repr(plug.name), "Choose another")


FOLDERS = {
    "BACKEND": "cryonb.backends",
    "ENGINE": "cryonb.engines",
    "RECIPE": "cryonb.refine.recipes",
    "DIAGNOSTIC": "cryonb.diagnostics",
    "FORMAT": "cryonb.io",
}
"""Where the package's own plugs of each sort are."""


def _look_into_the_environment() -> None:
    """Plug in the files that the environment names, once for each value that it has had."""
    said = os.environ.get(ENVIRONMENT, "")
    if not said or said in _looked_into:
        return
    _looked_into.add(said)
    try:
        for file in _named(said):
            plug_in(file)
    except InputError as problem:
        _looked_into.discard(said)
        raise InputError(f"{ENVIRONMENT}: {problem}") from problem


def _named(said: str) -> Iterator[Path]:
    for word in filter(None, said.split(os.pathsep)):
        path = Path(word)
        yield from sorted(path.glob("[!_]*.py")) if path.is_dir() else [path]
