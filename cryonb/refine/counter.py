"""Progress of the threads of one run, and the one place where a listener can stop them all."""

import threading
from collections.abc import Callable

from ..errors import RunStopped

Progress = Callable[[float, str], None]


class Counter:
    """Progress of several threads as one fraction; once the listener objects, every thread stops.

    Parameters
    ----------
    total : float
        What there is to do.
    listener : callable or None
        Called with the fraction done and a text; what it raises stops the run.
    """

    def __init__(self, total: float, listener: Progress | None) -> None:
        self._total, self._listener, self._done = max(1.0, total), listener, 0.0
        self._stop: BaseException | None = None
        self._lock = threading.Lock()

    def add(self, amount: float, text: str) -> None:
        """Report work done; raise where the run was stopped.

        Parameters
        ----------
        amount : float
            Work done since the last call, in the unit of the total.
        text : str
            What is being done.

        Raises
        ------
        RunStopped
            In every thread but the one whose report was refused, which raises what the listener raised.
        """
        with self._lock:
            if self._stop is not None:
                raise RunStopped("the run was stopped. Start it again to continue.") from self._stop
            self._done += amount
            if self._listener is not None:
                try:
                    self._listener(min(1.0, self._done / self._total), text)
                except BaseException as problem:
                    self._stop = problem
                    raise

    @property
    def reason(self) -> BaseException | None:
        """What stopped the run first; None while it runs."""
        return self._stop

    def stop(self, problem: BaseException) -> None:
        """Make every thread stop where it next reports.

        Parameters
        ----------
        problem : BaseException
            Why.
        """
        self._stop = self._stop or problem
