"""The tabs of the app: each file of this folder binds one to ``TAB``, or to ``TABS`` what returns several."""

from collections.abc import Iterator

from ...contracts import bindings
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
    """Yield what files bind."""
    yield from (tab for _, tab in bindings(__name__, "TAB"))
    for _, several in bindings(__name__, "TABS"):
        yield from several()
