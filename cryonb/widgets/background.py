"""What goes on behind the app: one job at a time, how far it is, and what became of it."""

import time
import traceback
from collections.abc import Callable
from typing import Any

from traitlets import Enum, Float, HasTraits, Tuple, Unicode

from ..errors import CryonbError, RunStopped, must
from .job import PATIENCE, Job, Work

Ended = Callable[[Job], None]


class Background(HasTraits):
    """One job at a time, as traits.

    Attributes
    ----------
    wake : callable or None
        Called on the job's thread when there is something for `step` to take in.
    """

    state = Enum(("idle", "running", "cancelling"), "idle")
    progress = Float(0.0, help="part done, between 0 and 1")
    message = Unicode("", help="what is being done")
    error = Unicode("", help="the sentence of the last failure")
    details = Unicode("", help="its traceback")
    notes = Tuple(help="what jobs warned of")

    def __init__(self) -> None:
        super().__init__()
        self.wake: Callable[[], None] | None = None
        self._job: Job | None = None
        self._ended: Ended = _ignore
        self._waiting: list[Callable[[], None]] = []
        self._late: list[Job] = []

    def start(self, work: Work, ended: Ended | None = None) -> None:
        """Start a job.

        Parameters
        ----------
        work : callable
            Called with the job, on a thread of its own.
        ended : callable, optional
            Called with the job by `step`, once it has ended.

        Raises
        ------
        InputError
            If another one still runs.
        """
        must(self.state == "idle", "one thing at a time must run", self.message or "another job", "Cancel it, or wait")
        with self.hold_trait_notifications():
            self.error, self.details, self.progress, self.message, self.state = "", "", 0.0, "starting", "running"
        self._ended, self._job = ended or _ignore, Job(work, self._waken)
        self._job.start()

    def afterwards(self, request: Callable[[], None]) -> None:
        """Have something done as soon as nothing runs.

        Parameters
        ----------
        request : callable
            What is to be done; forgotten where the job is cancelled or fails.
        """
        self._waiting.append(request)

    def cancel(self) -> None:
        """Ask what goes on to stop; it does within a second."""
        if self._job is not None and self.state == "running":
            self._waiting = []
            self._job.cancel()
            self.state = "cancelling"

    def step(self, seconds: float = 0.0) -> None:
        """Take in what the job has found; call it in the thread that owns the session.

        Parameters
        ----------
        seconds : float, optional
            How long to wait for something.
        """
        job = self._job
        if job is None:
            return
        is_over = job.is_done or job.is_overdue
        for message in job.take(0.0 if is_over else seconds):
            self._attempt(message)
        if (told := job.progress()) is not None and self.state == "running":
            self.progress, self.message = told
        if is_over:
            self._finish(job)

    def finish(self, seconds: float = 60.0) -> None:
        """Wait until nothing runs, and take in all that is found.

        Parameters
        ----------
        seconds : float, optional
            At most this long.

        Raises
        ------
        RunStopped
            If it runs on.
        """
        end = time.monotonic() + seconds
        while self.state != "idle":
            if time.monotonic() > end:
                raise RunStopped(f"the job still runs after {seconds:g} s; wait longer, or cancel it.")
            self.step(0.05)

    def dismiss(self) -> None:
        """Put away the last error."""
        self.error, self.details = "", ""

    def shut(self) -> None:
        """Stop what runs, and let go of it."""
        self._waiting, self.wake = [], None
        for job in [*self._late, *([] if self._job is None else [self._job])]:
            job.cancel()
            job.join(PATIENCE)
        self._job, self._ended, self._late = None, _ignore, []

    def _waken(self) -> None:
        if self.wake is not None:
            self.wake()

    def _finish(self, job: Job) -> None:
        self._job, ended = None, self._ended
        self._ended = _ignore
        if not job.is_done:
            job.problem = RunStopped()
            self._late = [*(other for other in self._late if not other.is_done), job]
        with self.hold_trait_notifications():
            self.notes = tuple(dict.fromkeys((*self.notes, *job.notes)))
            if job.problem is not None:
                self.error, self.details = _told(job.problem)
            self.message = "cancelled" if isinstance(job.problem, RunStopped) else ""
            self.progress = 0.0 if job.problem else 1.0
        self._attempt(lambda: ended(job))
        self.state = "idle"
        waiting, self._waiting = self._waiting, []
        for request in waiting if job.problem is None else []:
            self._attempt(request)

    def _attempt(self, deed: Callable[[], None]) -> None:
        """Do something; what goes wrong is shown, and keeps nothing else from being done."""
        try:
            deed()
        except Exception as problem:
            self.error, self.details = _told(problem)


def _told(problem: BaseException | None) -> tuple[str, str]:
    """Return the sentence of a failure, and what a developer wants to see of it."""
    if problem is None or isinstance(problem, RunStopped):
        return "", ""
    details = "".join(traceback.format_exception(problem))
    if isinstance(problem, CryonbError):
        return str(problem), details
    what = str(problem).splitlines()[0] if str(problem) else "no reason given"
    return f"The run ended with an error: {what} ({type(problem).__name__}).", details


def _ignore(_: Any) -> None:
    """Do nothing."""
