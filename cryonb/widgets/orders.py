"""What the app asks a background job to do: a run, a judgement, or to open something."""

import dataclasses
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from .. import diagnostics
from ..errors import RunStopped
from ..opening import open_any
from ..refinements import iterate
from ..simulate import demo_particles
from ..verbs import diagnose, joins_particles, reconstruct
from .held import Held
from .job import Job
from .kept import Kept, read

DEMO = "demo"
TAKEN_APART = "decomposition"
"""The diagnostic that follows a run."""

SHARES = {"reconstruct": 0.15, "refine": 0.6}
"""Part of the time that a run takes where its curve is taken apart as well, about."""

Progress = Callable[[float, str], None]
Change = Callable[[Held], Held]
Tell = Callable[[Held, Change], None]


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """A run to be made.

    Attributes
    ----------
    held : Held
        The run as it stands, with particles, references, settings and verb.
    take_apart : mapping of str to object or None
        Options of the decomposition that follows; None for none.
    is_made : threading.Event
        Set once the run itself is finished, whatever becomes of the decomposition.
    """

    held: Held
    take_apart: Mapping[str, Any] | None = None
    is_made: threading.Event = dataclasses.field(default_factory=threading.Event)


def carry_out(run: Run, job: Job, tell: Tell) -> None:
    """Make a run, on the job's thread.

    Parameters
    ----------
    run : Run
        What to make.
    job : Job
        Whose thread this is.
    tell : callable
        Called with the run and a change of what is held, whenever there is something new.

    Raises
    ------
    CryonbError
        If a setting cannot work, the machine failed, or the job was cancelled.
    """
    held = run.held
    share = 1.0 if run.take_apart is None else SHARES[held.verb]
    for made in _made(run, _part(job, 0.0, share)):
        tell(held, _with_iteration(made, run.held.seconds + job.seconds))
        held = held.with_iteration(made)
    run.is_made.set()
    if run.take_apart is not None:
        judge(held, TAKEN_APART, run.take_apart, tell, _part(job, share, 1.0))


def _made(run: Run, progress: Progress) -> Any:
    """Return the iterations of a run; a reconstruction has one."""
    held = run.held
    if held.verb == "refine":
        settings = dict(checkpoint=held.checkpoint, progress=progress)
        return iterate(held.particles, held.references, held.config, **settings)
    return [reconstruct(held.particles, held.config, progress=progress)]


def _with_iteration(made: xr.Dataset, seconds: float) -> Change:
    return lambda held: dataclasses.replace(held.with_iteration(made), seconds=seconds)


def _part(job: Job, start: float, stop: float) -> Progress:
    """Return a job's report of progress for a part of its work."""
    return lambda fraction, text: job.tell(start + (stop - start) * fraction, text)


def judge(held: Held, name: str, options: Mapping[str, Any], tell: Tell, progress: Progress) -> None:
    """Judge a run.

    Parameters
    ----------
    held : Held
        The run.
    name : str
        The diagnostic.
    options : mapping of str to object
        Its own settings.
    tell : callable
        As in `carry_out`.
    progress : callable
        Called with the fraction done and a text.

    Raises
    ------
    RunStopped
        If `progress` stopped it; what was finished by then has been told.
    """
    plug, more = diagnostics.get(name), {}
    if joins_particles(plug) and held.is_refinement:
        more["particles"] = held.particles
    if diagnostics.takes_references(plug) and held.references is not None:
        more["references"] = held.references
    key = judgement_key(name, options)
    try:
        found = diagnose(held.dataset, name, progress=progress, **more, **options)
    except RunStopped as stopped:
        if stopped.finished is not None:
            tell(held, _judged(key, stopped.finished))
        raise
    tell(held, _judged(key, found))


def _judged(key: str, found: xr.Dataset) -> Change:
    return lambda held: held.judged(key, found)


def judgement_key(name: str, options: Mapping[str, Any]) -> str:
    """Return under which word a judgement is kept.

    Parameters
    ----------
    name : str
        The diagnostic.
    options : mapping of str to object
        Those of its settings that are not their defaults.

    Returns
    -------
    str
        The name, with the options in their order.

    Examples
    --------
    >>> judgement_key("fsc", {"class_id": 2})
    'fsc class_id=2'
    """
    return " ".join([name, *(f"{field}={options[field]!r}" for field in sorted(options))])


def opened(source: str, progress: Progress) -> xr.Dataset | xr.DataTree | Kept:
    """Return what a word or a path stands for; of a saved session its particles are opened too.

    Parameters
    ----------
    source : str
        ``"demo"``, or the path of a table, a map or a session.
    progress : callable
        Called with the fraction done and a text.

    Returns
    -------
    xarray.Dataset, xarray.DataTree or Kept
        What it holds.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if source == DEMO:
        return demo_particles(progress=progress)
    progress(0.0, f"opening {Path(source).name}")
    found = open_any(source)
    kept = read(found, {"file": source}) if isinstance(found, xr.DataTree) else None
    return found if kept is None else kept
