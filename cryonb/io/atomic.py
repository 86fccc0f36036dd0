"""Files that appear whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError, missing, must


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary sibling to write to; it takes the target's place when the block ends without an error.

    Parameters
    ----------
    path : str or path
        The target, a file or a folder such as a Zarr store.

    Yields
    ------
    pathlib.Path
        A path beside the target with the same suffix, which does not exist yet.

    Raises
    ------
    InputError
        If the target's folder is missing or not writable, or if writing fails, for example on a full disk. Nothing
        is left behind, and what stood at the target before is untouched.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with replacing(target) as partial:
    ...     _ = partial.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    target = Path(path).expanduser()
    _check_target(target)
    partial = target.with_name(f".partial-{secrets.token_hex(4)}-{target.name}")
    try:
        yield partial
        _swap(partial, target)
    except OSError as problem:
        _remove(partial)
        reason = problem.strerror or str(problem) or type(problem).__name__
        raise InputError(
            f"the target must be writable with enough room; got {reason!r} while writing {target}. "
            "Free some space or choose another folder; nothing was written."
        ) from problem
    except BaseException:
        _remove(partial)
        raise


def _check_target(target: Path) -> None:
    folder = target.parent
    must(folder.exists(), "the folder to write to must exist", missing(folder), "Create it or choose another one")
    must(folder.is_dir(), "the place to write to must be a folder", f"the file {folder}", "Choose another folder")
    writable = os.access(folder, os.W_OK | os.X_OK)
    must(writable, "the folder to write to must be writable", f"no permission for {folder}", "Choose another folder")


def _swap(partial: Path, target: Path) -> None:
    if not target.is_dir():
        os.replace(partial, target)
        return
    must(partial.is_dir(), "a file must not take the place of a folder", target, "Choose another name")
    old = target.with_name(f".old-{secrets.token_hex(4)}-{target.name}")
    os.rename(target, old)
    try:
        os.rename(partial, target)
    except OSError:
        os.rename(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
