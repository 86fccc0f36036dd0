"""What plugs in: the protocols of a Backend, an Engine, a Recipe, a Diagnostic and a Format.

Each plug is one file in one folder. `discover` finds it by the upper-case name that the file binds
(`BACKEND`, `ENGINE`, `RECIPE`, `DIAGNOSTIC`, `FORMAT`); no list of plugs is kept anywhere.
"""

import importlib
import pkgutil
from collections.abc import Iterable
from typing import Any

from .judgement import Diagnostic as Diagnostic
from .judgement import Format as Format
from .judgement import Recipe as Recipe
from .machines import Backend as Backend
from .machines import Engine as Engine


def discover(package: str, binding: str) -> dict[str, Any]:
    """Return every plug of a folder by its name.

    Parameters
    ----------
    package : str
        Dotted name of the folder, for example ``"cryonb.diagnostics"``.
    binding : str
        The upper-case name that a plug's file binds, for example ``"DIAGNOSTIC"``.

    Returns
    -------
    dict of str to object
        The plugs, ordered by file name.
    """
    folder = importlib.import_module(package)
    modules: Iterable = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    found = {}
    for name in modules:
        plug = getattr(importlib.import_module(f"{package}.{name}"), binding, None)
        if plug is not None:
            found[plug.name] = plug
    return found
