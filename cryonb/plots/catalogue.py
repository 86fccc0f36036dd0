"""What the files of this folder bind, found by name; no list of them is kept anywhere."""

from collections.abc import Mapping
from typing import Any

from ..contracts import bindings


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
    found: dict[str, Any] = {}
    for _, bound_there in bindings(__name__.rpartition(".")[0], name):
        found.update(bound_there)
    return found
