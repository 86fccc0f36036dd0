"""The tabs of the app: each file of this folder binds one to ``TAB``, or several to ``TABS``."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from ...errors import must, nearest
from .tab import Tab


def tabs() -> list[Tab]:
    """Return all tabs.

    Returns
    -------
    list of Tab
        In the order in which they stand; a diagnostic that another tab covers has none of its own.

    Examples
    --------
    >>> [tab.name for tab in tabs()][:3]
    ['made_of', 'fsc', 'maps']
    """
    found = sorted(_bound(), key=lambda tab: tab.place)
    covered = {name for tab in found for name in tab.covers}
    return [tab for tab in found if tab.covers or tab.name not in covered]


def tab_of(name: str) -> Tab:
    """Return a tab by name.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    Tab
        The tab.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    found = {tab.name: tab for tab in tabs()}
    must(name in found, "a tab must have a known name", repr(name), nearest(name, found))
    return found[name]


def _bound() -> Iterator[Tab]:
    """Yield what the files of this folder bind, file by file."""
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        module = import_module(f"{__name__}.{name}")
        yield from (*((module.TAB,) if hasattr(module, "TAB") else ()), *getattr(module, "TABS", ()))
