"""What work in the background warns of, gathered thread by thread."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_listeners: dict[int, list[str]] = {}
_before: list = []
_first = warnings.showwarning
"""Where warnings go if somebody else has put things back in another order."""


@contextmanager
def collected(notes: list[str]) -> Iterator[None]:
    """Gather the warnings that this thread means for users, each once; those of other threads go where they went.

    Parameters
    ----------
    notes : list of str
        Where the sentences go.

    Yields
    ------
    None
        While it listens.

    Notes
    -----
    Python keeps one place for warnings in a process. It is taken over while at least one thread listens, and given
    back by the last, so that two apps at work at the same time do not hear each other.
    """
    own = threading.get_ident()
    with _lock:
        if not _listeners:
            _take_over()
        _listeners[own] = notes
    try:
        yield
    finally:
        with _lock:
            del _listeners[own]
            if not _listeners:
                _give_back()


def _take_over() -> None:
    saved = warnings.catch_warnings()
    saved.__enter__()
    _before.extend((saved, warnings.showwarning))
    warnings.filterwarnings("always", category=UserWarning, module=r"cryonb\b")
    warnings.showwarning = _hear


def _give_back() -> None:
    saved, _ = _before
    _before.clear()
    saved.__exit__(None, None, None)


def _hear(message: Warning, category: type[Warning], *place: object, **more: object) -> None:
    notes = _listeners.get(threading.get_ident())
    if notes is None:
        (_before[1] if _before else _first)(message, category, *place, **more)
    elif category is UserWarning and (note := " ".join(str(message).split())) not in notes:
        notes.append(note)
