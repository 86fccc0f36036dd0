"""What is installed, which backends work and why not, threads and memory: what `cryonb doctor` says."""

import os
import platform
import re
from importlib import import_module, metadata

import psutil

from ..backends import available, get_backend
from ..engines import available_threads

NAME = 20
"""Letters that the name of a package may have in the report."""

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)[^;]*(?:;.*extra == ['\"](?P<extra>\w+)['\"])?")
GIB = 1024**3

TRANSFORMS = "cufinufft"
"""What a GPU transforms with in exact reconstructions, where it is there."""

IN_PLACE_OF = {"gpu12": "gpu, for older NVIDIA drivers: the README says which"}
"""Extras that stand for another, and when."""


def installed(package: str) -> str:
    """Return the version of a package, or an empty string.

    Parameters
    ----------
    package : str
        Its name in the package index.

    Returns
    -------
    str
        The version.
    """
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def requirements() -> dict[str, str]:
    """Return the packages that cryonb asks for, with the extra that brings each; none for those it cannot run without.

    Returns
    -------
    dict of str to str
        Names and extras, the first that brings each; empty where cryonb is not installed as a package.
    """
    try:
        lines = metadata.requires("cryonb") or []
    except metadata.PackageNotFoundError:
        lines = []
    found = [match for line in lines if (match := _REQUIREMENT.match(line))]
    brought: dict[str, str] = {}
    for match in found:
        if match["extra"] != "test" and match["name"] != "cryonb":
            brought.setdefault(match["name"], match["extra"] or "")
    return brought


def missing() -> list[str]:
    """Return the packages that cryonb cannot run without and that are not there.

    Returns
    -------
    list of str
        Their names.
    """
    return [package for package, extra in requirements().items() if not extra and not installed(package)]


def working_backends() -> list[str]:
    """Return the backends that work here.

    Returns
    -------
    list of str
        Their names.
    """
    return [name for name, reason in available().items() if not reason]


def examine(version: str) -> list[str]:
    """Return the report, line by line.

    Parameters
    ----------
    version : str
        Version of cryonb.

    Returns
    -------
    list of str
        The lines.
    """
    lines = [f"cryonb {version}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"]
    asked = requirements()
    lines += ["", "Needed", *(_row(name, installed(name) or "MISSING") for name, extra in asked.items() if not extra)]
    lines += ["", "Optional", *(_row(name, _optional(name, extra)) for name, extra in asked.items() if extra)]
    lines += [] if asked else ["  unknown: cryonb runs from a folder here and is not installed; `pip install .` there."]
    lines += ["", "Backends"]
    lines += [
        _row(name, f"unavailable: {reason}" if reason else _at_work(name)) for name, reason in available().items()
    ]
    lines += [_row(TRANSFORMS, _transforms())] if len(working_backends()) > 1 else []
    memory = psutil.virtual_memory()
    lines += ["", "Machine", _row("threads", f"{available_threads()} of {os.cpu_count()} cores may be used")]
    lines += [_row("memory", f"{memory.available / GIB:.1f} GiB free of {memory.total / GIB:.1f} GiB"), ""]
    return [*lines, _verdict()]


def _optional(package: str, extra: str) -> str:
    instead = f" (in place of {IN_PLACE_OF[extra]})" if extra in IN_PLACE_OF else ""
    return installed(package) or f'not installed; pip install "cryonb[{extra}]"{instead}'


def _at_work(name: str) -> str:
    """Return what a backend that works has to work with."""
    backend = get_backend(name)
    return f"works: {backend.describe()}, {backend.free_memory() / GIB:.1f} GiB free"


def _transforms() -> str:
    """Return whether a GPU has non-uniform transforms of its own."""
    try:
        import_module(TRANSFORMS)
    except (ImportError, OSError, RuntimeError) as problem:
        why = " ".join(str(problem).split()) or "it does not load"
        return f"not usable ({why}): exact reconstructions transform on the CPU"
    return f"works: {installed(TRANSFORMS)}"


def _verdict() -> str:
    if missing():
        return f"cryonb cannot run: {', '.join(missing())} is missing. Run `pip install cryonb` again."
    if not working_backends():
        return "cryonb cannot run: no backend works here; the reasons stand above."
    return f"cryonb can run here, on {' and '.join(working_backends())}; backend auto takes {get_backend().name}."


def _row(name: str, text: str) -> str:
    return f"  {name:<{NAME}} {text}"
