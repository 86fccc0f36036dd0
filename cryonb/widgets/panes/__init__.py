"""The panes, which put on the page what tabs have made: each file of this folder binds one to ``PANE``.

A pane is made with a tab, the session and the screen; it has a `widget`, draws when `refresh` is called, and lets go
of everything in `close`.
"""

from typing import Any

from ...contracts import discover
from ...errors import must, nearest


def pane_of(tab: Any, session: Any, screen: Any) -> Any:
    """Return the pane that shows a tab.

    Parameters
    ----------
    tab : Tab
        What is shown; its `pane` names the kind of pane.
    session : Session
        The app's state.
    screen : Screen
        The front end.

    Returns
    -------
    object
        The pane, which has drawn nothing yet.

    Raises
    ------
    InputError
        If no file binds a pane of that name.
    """
    panes = discover(__name__, "PANE")
    must(tab.pane in panes, "a pane must have a known name", repr(tab.pane), nearest(tab.pane, panes))
    return panes[tab.pane](tab, session, screen)
