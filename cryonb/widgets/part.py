"""A part of the page: a widget, what it watches of the session, and how both are let go."""

import traceback
from collections.abc import Callable, Iterator
from typing import Any

from ipywidgets import HTML, Button, Widget

from ..errors import CryonbError
from .session import Session

Deed = Callable[[], Any]


class Part:
    """What every part of the page has in common; it holds no state but its widgets.

    Parameters
    ----------
    session : Session
        What it shows.

    Attributes
    ----------
    session : Session
        The same.
    widget : ipywidgets.Widget
        What is put on the page.
    """

    widget: Widget

    def __init__(self, session: Session) -> None:
        self.session = session
        self._watched: list[tuple[Callable, list[str]]] = []

    def watch(self, deed: Deed, *traits: str) -> None:
        """Have something done whenever traits of the session change, until the part is closed.

        Parameters
        ----------
        deed : callable
            What is to be done; what it raises is shown as the app's error.
        *traits : str
            The traits.
        """
        handler = self.attempt(deed)
        names = list(dict.fromkeys(traits))
        self.session.observe(handler, names)
        self._watched.append((handler, names))

    def attempt(self, deed: Deed) -> Callable[..., None]:
        """Return a handler that does something, and shows what goes wrong as a sentence.

        Parameters
        ----------
        deed : callable
            What is to be done.

        Returns
        -------
        callable
            It takes whatever a click or a change brings along.
        """

        def handler(*_: Any) -> None:
            try:
                deed()
            except Exception as problem:
                self.session.error, self.session.details = told(problem)

        return handler

    def close(self) -> None:
        """Stop watching, and close the widget with all that is in it."""
        for handler, traits in self._watched:
            self.session.unobserve(handler, traits)
        self._watched = []
        close_all(self.widget)


def told(problem: Exception) -> tuple[str, str]:
    """Return what went wrong, and what a developer wants to see of it.

    Parameters
    ----------
    problem : Exception
        What was raised.

    Returns
    -------
    sentence : str
        For the user.
    details : str
        The traceback.
    """
    details = "".join(traceback.format_exception(problem))
    if isinstance(problem, CryonbError):
        return str(problem), details
    what = str(problem).splitlines()[0] if str(problem) else "no reason given"
    return f"That did not work: {what} ({type(problem).__name__}).", details


def button(words: str, deed: Callable[..., None], *classes: str, tooltip: str = "") -> Button:
    """Return a button.

    Parameters
    ----------
    words : str
        What stands on it.
    deed : callable
        Called with the button when it is pressed.
    *classes : str
        Names of its looks.
    tooltip : str, optional
        What it does, where the words do not say.

    Returns
    -------
    ipywidgets.Button
        The button.
    """
    made = styled(Button(description=words, tooltip=tooltip or None), "cryonb-button", *classes)
    made.on_click(deed)
    return made


def prose(*classes: str) -> HTML:
    """Return an empty place for words.

    Parameters
    ----------
    *classes : str
        Names of its looks.

    Returns
    -------
    ipywidgets.HTML
        The place; its value is HTML, so what users typed has to be escaped.
    """
    return styled(HTML(), *classes)


def styled(widget: Any, *classes: str) -> Any:
    """Return a widget with names for its looks.

    Parameters
    ----------
    widget : ipywidgets.DOMWidget
        Any.
    *classes : str
        The names.

    Returns
    -------
    ipywidgets.DOMWidget
        The same widget.
    """
    widget._dom_classes = (*widget._dom_classes, *classes)
    return widget


def show(widget: Any, is_shown: bool) -> None:
    """Have a widget take its place on the page, or none.

    Parameters
    ----------
    widget : ipywidgets.DOMWidget
        Any.
    is_shown : bool
        Whether it is to be seen.
    """
    widget.layout.display = None if is_shown else "none"


def close_all(widget: Widget) -> None:
    """Close a widget and every other that belongs to it: what is in it, layouts and styles.

    Parameters
    ----------
    widget : ipywidgets.Widget
        The widget; of one that is closed already the others are closed all the same.
    """
    inner = [one for name in widget.keys for one in _widgets_of(getattr(widget, name))]
    widget.unobserve_all()
    widget.close()
    for one in inner:
        close_all(one)


def _widgets_of(value: Any) -> Iterator[Widget]:
    if isinstance(value, Widget):
        yield value
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from _widgets_of(one)
