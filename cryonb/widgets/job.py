"""Work in the background: one thread, a way to stop it, and messages that wait until somebody takes them."""

import math
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from ..errors import RunStopped
from .notes import collected

PATIENCE = 0.7
"""How long work that was cancelled is waited for [second]."""

Work = Callable[["Job"], Any]
Message = Callable[[], None]


class Job:
    """One piece of work on a thread of its own.

    Everything that the thread wants changed is a message: a function without arguments, which waits in a queue until
    `take` gives it to the thread that owns what is to be changed. Only the last report of progress waits.

    Parameters
    ----------
    work : callable
        Called with the job, on the thread; what it returns is `result`.
    wake : callable, optional
        Called on the thread when something waits.

    Attributes
    ----------
    result : object
        What the work returned; None until then.
    problem : BaseException or None
        What it raised.
    notes : list of str
        What it warned of.
    """

    def __init__(self, work: Work, wake: Callable[[], None] | None = None) -> None:
        self.result: Any = None
        self.problem: BaseException | None = None
        self.notes: list[str] = []
        self.began, self._ended = time.monotonic(), math.inf
        self._work, self._wake = work, wake or _nothing
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._progress: tuple[float, str] | None = None
        self._stop, self._done = threading.Event(), threading.Event()
        self._cancelled, self._alarm = 0.0, None
        self._thread = threading.Thread(target=self._run, name="cryonb job", daemon=True)

    def start(self) -> "Job":
        """Start the thread.

        Returns
        -------
        Job
            This one.
        """
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Ask the work to stop at its next report; once it has had `PATIENCE` for that, it wakes in any case."""
        self._cancelled = time.monotonic()
        self._stop.set()
        self._alarm = threading.Timer(PATIENCE, self._wake)
        self._alarm.daemon = True
        self._alarm.start()

    @property
    def is_overdue(self) -> bool:
        """Whether it was cancelled so long ago that nobody should wait for it any more.

        Work is between two reports for longer than that only while kernels are compiled, at the first run of a kind
        on a machine, or on very large boxes. It then stops as soon as it can, and what it says is not heard.
        """
        return self._stop.is_set() and time.monotonic() - self._cancelled >= PATIENCE

    @property
    def is_done(self) -> bool:
        """Whether the work has ended and left its last message."""
        return self._done.is_set()

    @property
    def seconds(self) -> float:
        """Time since it was made, until it ended [second]."""
        return min(time.monotonic(), self._ended) - self.began

    def join(self, seconds: float | None = None) -> bool:
        """Wait for the thread.

        Parameters
        ----------
        seconds : float, optional
            At most this long.

        Returns
        -------
        bool
            Whether it has ended.
        """
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def tell(self, fraction: float, text: str) -> None:
        """Report progress, from the work.

        Parameters
        ----------
        fraction : float
            Part done, between 0 and 1.
        text : str
            What is being done.

        Raises
        ------
        RunStopped
            If the job was cancelled.
        """
        if self._stop.is_set():
            raise RunStopped("the run was cancelled.")
        is_first = self._progress is None
        self._progress = (float(fraction), text)
        if is_first:
            self._wake()

    def post(self, message: Message) -> None:
        """Leave a message, from the work.

        Parameters
        ----------
        message : callable
            What is to be done by whoever takes it.
        """
        self._messages.put(message)
        self._wake()

    def progress(self) -> tuple[float, str] | None:
        """Return the last report that was not yet taken, and forget it.

        Returns
        -------
        tuple of float and str, or None
            Part done and text.
        """
        waiting, self._progress = self._progress, None
        return waiting

    def take(self, seconds: float = 0.0) -> list[Message]:
        """Return the messages that wait.

        Parameters
        ----------
        seconds : float, optional
            How long to wait for the first of them.

        Returns
        -------
        list of callable
            In the order in which they were left.
        """
        found = []
        try:
            found.append(self._messages.get(timeout=seconds) if seconds > 0.0 else self._messages.get_nowait())
            while True:
                found.append(self._messages.get_nowait())
        except queue.Empty:
            return found

    def _run(self) -> None:
        with collected(self.notes):
            try:
                self.result = self._work(self)
            except BaseException as problem:
                self.problem = problem
        self._work, self._ended = _nothing, time.monotonic()
        if self._alarm is not None:
            self._alarm.cancel()
        self._done.set()
        self._wake()


def _nothing(*_: Any) -> None:
    """Do nothing."""
