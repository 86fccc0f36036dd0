"""The door to the engines: where independent pieces of one run are computed."""

import os

from ..contracts import Engine, discover
from ..errors import must, nearest


def _engines() -> dict[str, Engine]:
    return discover(__name__, "ENGINE")


def get_engine(name: str = "local") -> Engine:
    """Return an engine.

    Parameters
    ----------
    name : str, optional
        Its name.

    Returns
    -------
    Engine
        The engine.

    Raises
    ------
    InputError
        If no engine has that name.
    """
    must(name in _engines(), "engine must have a known name", repr(name), nearest(name, _engines()))
    return _engines()[name]


def available_threads() -> int:
    """Return how many threads this process may run at a time.

    Returns
    -------
    int
        Cores that the system grants to the process; fewer where the environment variable ``NUMBA_NUM_THREADS`` says so,
        as in a container, which sees all cores of its host and may use some.
    """
    allowed = getattr(os, "sched_getaffinity", None)
    cores = len(allowed(0)) if allowed else os.cpu_count() or 1
    asked = os.environ.get("NUMBA_NUM_THREADS", "")
    return min(cores, max(1, int(asked))) if asked.isdecimal() else cores
