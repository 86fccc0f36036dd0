"""Errors that say what must hold, what arrived and what to do; and the builder of their messages."""

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any


class CryonbError(Exception):
    """Base of every error that cryonb raises on purpose."""


class InputError(CryonbError, ValueError):
    """A setting or an argument that cannot work."""


class SchemaError(InputError):
    """A Dataset that does not have the shape its kind promises."""


class FormatError(InputError):
    """A file that is missing, damaged, or not what its name says."""


class BackendUnavailable(CryonbError):
    """A compute backend that cannot run on this machine."""


class BackendFailed(CryonbError):
    """A machine that failed while it was computing: out of memory, or lost."""


class RunStopped(CryonbError):
    """A run that was cancelled, or that could not finish.

    Parameters
    ----------
    message : str
        What happened.
    finished : xarray.Dataset, optional
        What was finished by then.

    Attributes
    ----------
    finished : xarray.Dataset or None
        The same.
    """

    def __init__(self, message: str = "the run was stopped.", finished: Any = None) -> None:
        super().__init__(message)
        self.finished = finished


def must(condition: bool, rule: str, got: object, remedy: str, error: type[CryonbError] = InputError) -> None:
    """Raise `error` with a complete sentence unless `condition` holds.

    Parameters
    ----------
    condition : bool
        What has to be true.
    rule : str
        What must hold, with its unit, without a closing period.
    got : object
        What arrived.
    remedy : str
        What to do, without a closing period.
    error : type of CryonbError, optional
        The class to raise.

    Raises
    ------
    CryonbError
        Of class `error`, if `condition` is false.

    Examples
    --------
    >>> must(3 >= 8, "box_size must be at least 8 [voxel]", 3, "Use 8 or more")
    Traceback (most recent call last):
    cryonb.errors.InputError: box_size must be at least 8 [voxel]; got 3. Use 8 or more.
    """
    if not condition:
        raise error(f"{rule}; got {got}. {remedy}.")


def missing(path: str | os.PathLike) -> str:
    """Return the words for a file or folder that is not there, with the folder that its name counts from.

    Parameters
    ----------
    path : str or path
        As it was given.

    Returns
    -------
    str
        What arrived, for `must`.

    Examples
    --------
    >>> missing("/data/particles.star")
    'missing /data/particles.star'
    """
    named = os.fspath(path)
    return f"missing {named}" if Path(named).is_absolute() else f"missing {named} in {Path.cwd()}"


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return advice for an unknown name: the nearest valid one, and all of them.

    Numbers are listed only: those that look alike are seldom what was meant.

    Parameters
    ----------
    name : str
        What was given.
    valid : iterable of str
        What would have been understood.

    Returns
    -------
    str
        A sentence without its closing period.

    Examples
    --------
    >>> nearest("trilinaer", ["nearest", "trilinear"])
    "Did you mean 'trilinear'? Valid: nearest, trilinear"
    """
    names = list(valid)
    if name in names:  # advice is often made ready before it is known to be needed, and likeness takes time
        return f"Valid: {', '.join(names)}"
    close = get_close_matches(str(name), [word for word in names if not word[:1].isdigit()], n=1, cutoff=0.5)
    guess = f"Did you mean '{close[0]}'? " if close else ""
    return f"{guess}Valid: {', '.join(names)}"
