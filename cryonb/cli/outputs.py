"""The folder of results: complete or absent. Files are made in a hidden sibling and moved when all of them exist."""

import errno
import glob
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError, must

STOPPED = "the run was stopped by Ctrl-C; nothing was written."

_unfinished: set[Path] = set()
_kept: list[str] = []
_patient = threading.Event()
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


def check_writable(folder: Path) -> None:
    """Raise unless a results folder can be made, or written to, before any work is done for it.

    Parameters
    ----------
    folder : Path
        Where results shall go; it and its parents need not exist.

    Raises
    ------
    InputError
        If it is a file or cannot be written.
    """
    existing = folder.absolute()
    while not os.path.lexists(existing):
        existing = existing.parent
    usable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK) and _can_make(existing)
    got = f"{folder}, where {existing} is {'not writable' if existing.is_dir() else 'not a folder'}"
    must(usable, "the output folder must be writable", got, "Choose another --out")


def _can_make(parent: Path) -> bool:
    """Return whether folders can be made in a folder; permissions do not tell for those of the system."""
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".cryonb.", dir=parent))
    except OSError:
        return False
    return True


@contextmanager
def results_folder(folder: Path) -> Iterator[Path]:
    """Give a hidden folder to write results in, and move them to their place when the block ends well.

    Parameters
    ----------
    folder : Path
        Where the results shall be.

    Yields
    ------
    Path
        Where to write them.

    Raises
    ------
    InputError
        If the folder cannot be written or the disk is full; nothing is left behind then.
    """
    check_writable(folder)
    target = folder.absolute()
    made = [parent for parent in (target, *target.parents) if not parent.exists()]
    hidden = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        hidden = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        _unfinished.add(hidden)
        hidden.chmod(0o777 & ~_umask())
        yield hidden
        _publish(hidden, target)
    except BaseException as error:
        _clear(hidden, made)
        reason = _system_error(error)
        if reason is None:
            raise
        raise InputError(_sentence(reason, folder)) from error
    finally:
        _unfinished.discard(hidden)


def abandon() -> None:
    """Remove what has been written of results that will never be complete; for a process that ends at once."""
    for hidden in tuple(_unfinished):
        shutil.rmtree(hidden, ignore_errors=True)


@contextmanager
def patience(wanted: bool = True) -> Iterator[None]:
    """Say that what is run in the block leaves results also when it is stopped, and needs time to write them.

    Parameters
    ----------
    wanted : bool, optional
        Whether it does.

    Yields
    ------
    None
        While it runs.
    """
    if wanted:
        _patient.set()
    try:
        yield
    finally:
        _patient.clear()


def clear_remains(folder: Path) -> None:
    """Remove the hidden folders of results that a process was killed over, where only one works on a folder.

    Parameters
    ----------
    folder : Path
        Where their results should have gone.
    """
    target = folder.absolute()
    for hidden in target.parent.glob(f".{glob.escape(target.name)}.????????"):
        shutil.rmtree(hidden, ignore_errors=True)


def is_patient() -> bool:
    """Return whether a command that was stopped may still be writing what it had finished.

    Returns
    -------
    bool
        True inside `patience`.
    """
    return _patient.is_set()


@contextmanager
def keeping(sentence: str) -> Iterator[None]:
    """Say what is left of what is run in the block where Ctrl-C stops it.

    Parameters
    ----------
    sentence : str
        Said in place of "nothing was written".

    Yields
    ------
    None
        While it runs.
    """
    _kept[:] = [sentence]
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException:
        _kept.clear()
        raise
    _kept.clear()


def forget_kept() -> None:
    """Say "nothing was written" again, where a command that is stopped left nothing after all."""
    _kept.clear()


def stopped() -> str:
    """Return what is said of a command that was stopped by Ctrl-C.

    Returns
    -------
    str
        A sentence.
    """
    return _kept.pop() if _kept else STOPPED


def _publish(hidden: Path, target: Path) -> None:
    if not target.exists():
        hidden.rename(target)
        return
    for item in sorted(hidden.iterdir()):
        place = target / item.name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        os.replace(item, place)
    hidden.rmdir()


def _clear(hidden: Path | None, made: list[Path]) -> None:
    if hidden is not None:
        shutil.rmtree(hidden, ignore_errors=True)
    for parent in made[1:]:
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current


def _system_error(error: BaseException | None) -> OSError | None:
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in (*_FULL, *_FORBIDDEN):
            return error
        error = error.__cause__ or error.__context__
    return None


def _sentence(error: OSError, folder: Path) -> str:
    if error.errno in _FULL:
        rule, remedy = "the disk must have room for the results", "Free some space or choose another --out"
    else:
        rule, remedy = "the output folder must be writable", "Choose another --out"
    return f"{rule}; got {(error.strerror or 'an error').lower()} in {folder}. {remedy}."
