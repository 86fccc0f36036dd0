"""What a file format can do, and which format a path belongs to."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

from ..contracts import discover
from ..errors import FormatError, must, nearest


@dataclasses.dataclass(frozen=True)
class FileFormat:
    """One kind of file; a module of this folder binds it to the name FORMAT.

    Attributes
    ----------
    name : str
        What people call it.
    suffixes : tuple of str
        Endings of file names, in lower case.
    read_particles, read_map, read_curve, load : callable, optional
        From a path to a Dataset; None for what the format cannot hold.
    write_map, write_stack, write_particles, write_curve, save : callable, optional
        From a Dataset to a path.
    """

    name: str
    suffixes: tuple[str, ...]
    read_particles: Callable | None = None
    read_map: Callable | None = None
    read_curve: Callable | None = None
    load: Callable | None = None
    write_map: Callable | None = None
    write_stack: Callable | None = None
    write_particles: Callable | None = None
    write_curve: Callable | None = None
    save: Callable | None = None


def formats() -> dict[str, FileFormat]:
    """Return every format found in this folder.

    Returns
    -------
    dict of str to FileFormat
        Formats by name.
    """
    return discover("cryonb.io", "FORMAT")


def handler(path: str | os.PathLike, verb: str) -> Callable:
    """Return the function that does `verb` for the format of a path.

    Parameters
    ----------
    path : str or path
        A file name; only its ending matters.
    verb : str
        Name of a callable attribute of `FileFormat`.

    Returns
    -------
    callable
        The format's function.

    Raises
    ------
    InputError
        If it is no file name.
    FormatError
        If no format with this ending can do it.
    """
    is_name = isinstance(path, (str, os.PathLike))
    rule = f"the name of a file must be given to {verb.replace('_', ' ')}"
    remedy = "Give text or a path; where something is written, it comes second, after what is written"
    must(is_name, rule, f"a {type(path).__name__} in its place", remedy)
    name = Path(path).name.lower()
    able = [plug for plug in formats().values() if getattr(plug, verb) is not None]
    for plug in able:
        if name.endswith(plug.suffixes):
            return getattr(plug, verb)
    valid = sorted({suffix for plug in able for suffix in plug.suffixes})
    known = name.endswith(tuple(suffix for plug in formats().values() for suffix in plug.suffixes))
    advice = f"Valid: {', '.join(valid)}" if known else nearest(Path(path).suffix or name, valid)
    raise FormatError(
        f"the file name must end as a format that can {verb.replace('_', ' ')}; got {Path(path).name!r}. {advice}."
    )
