"""What the files of this folder bind, found by name; no list of them is kept anywhere."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any


@cache
def bound(name: str) -> Mapping[str, Any]:
    """Return what the files of this folder bind to a name, as one mapping.

    Parameters
    ----------
    name : str
        ``PLOTS``, which maps kinds of Dataset to functions that return the `marks.Sheet` of one; or ``PANELS``, which
        maps them to functions of a Dataset, the ends of the frequency axis and a title that return the `marks.Panel`
        by which it stands beside other runs; or ``ROWS``, which maps kinds without such an axis to functions of some
        runs by label, and of all those of the figure, that return the rows in which the first stand beside each other.

    Returns
    -------
    mapping of str to callable
        Kinds and functions.

    Examples
    --------
    >>> "cryonb/fsc" in bound("PLOTS")
    True
    """
    package = __name__.rpartition(".")[0]
    folder = importlib.import_module(package).__path__
    found: dict[str, Any] = {}
    for module in sorted(module.name for module in pkgutil.iter_modules(folder)):
        found.update(getattr(importlib.import_module(f"{package}.{module}"), name, {}))
    return found
