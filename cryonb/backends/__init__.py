"""The door to the machines: which backends exist, which one runs here, and where an array lives."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..contracts import Backend, discover
from ..errors import BackendFailed, BackendUnavailable, CryonbError, must, nearest


def _backends() -> dict[str, Backend]:
    return discover(__name__, "BACKEND")


def names() -> tuple[str, ...]:
    """Return the names of all backends, whether they work here or not.

    Returns
    -------
    tuple of str
        Words for `get_backend`.

    Examples
    --------
    >>> "numba" in names()
    True
    """
    return tuple(_backends())


def available() -> dict[str, str]:
    """Return every backend with the reason why it cannot run here.

    Returns
    -------
    dict of str to str
        Backend names; an empty reason means that it works.
    """
    return {name: backend.why_unavailable() for name, backend in _backends().items()}


def get_backend(name: str = "auto") -> Backend:
    """Return a backend that works here.

    Parameters
    ----------
    name : str, optional
        A backend's name, or ``"auto"`` for the one of highest rank that works.

    Returns
    -------
    Backend
        The backend.

    Raises
    ------
    InputError
        If no backend has that name.
    BackendUnavailable
        If it cannot run here.
    """
    backends = _backends()
    if name == "auto":
        working = [backend for backend in backends.values() if not backend.why_unavailable()]
        must(bool(working), "a backend must work here", "none", "Run `cryonb doctor` to see why", BackendUnavailable)
        return max(working, key=lambda backend: backend.rank)
    must(name in backends, "backend must have a known name", repr(name), nearest(name, ["auto", *backends]))
    reason = backends[name].why_unavailable()
    must(not reason, f"backend {name} must work here", f"this: {reason}", "Use backend auto", BackendUnavailable)
    return backends[name]


def backend_of(array: Any) -> Backend:
    """Return the backend on which an array lives.

    Parameters
    ----------
    array : array
        An array of any backend.

    Returns
    -------
    Backend
        Its owner.

    Raises
    ------
    InputError
        If no backend knows such arrays.
    """
    for backend in _backends().values():
        if backend.owns(array):
            return backend
    must(False, "an array must live on a known backend", type(array).__name__, "Convert it with numpy.asarray")


def reading_of(problem: BaseException) -> str:
    """Return in a sentence how a machine failed, or nothing where no backend knows the exception.

    Parameters
    ----------
    problem : exception
        What was raised; what it was raised from is looked at too.

    Returns
    -------
    str
        What must hold, what arrived and what to do.
    """
    seen: set[int] = set()
    while problem is not None and id(problem) not in seen:
        seen.add(id(problem))
        for backend in _backends().values():
            if sentence := backend.reading_of(problem):
                return sentence
        problem = problem.__cause__ or problem.__context__
    return ""


@contextmanager
def failures_named() -> Iterator[None]:
    """Raise a machine's own exceptions as a sentence.

    Yields
    ------
    None
        Nothing.

    Raises
    ------
    BackendFailed
        In place of an exception that a backend knows; all others pass.
    """
    try:
        yield
    except CryonbError:
        raise
    except Exception as problem:
        sentence = reading_of(problem)
        if not sentence:
            raise
        raise BackendFailed(sentence) from problem
