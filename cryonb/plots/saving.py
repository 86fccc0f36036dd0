"""Write a figure to a file, whole or not at all."""

import os
import uuid
from pathlib import Path
from typing import Any

from ..errors import InputError, must, nearest

SUFFIXES = (".png", ".svg", ".pdf")
DOTS = 200


def save_figure(figure: Any, path: str | os.PathLike) -> Path:
    """Write a figure as PNG, SVG or PDF.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure; one that `draw` made also leaves its description in words in the file.
    path : str or path
        File name; its suffix decides the format.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    InputError
        If the suffix is unknown, or the folder does not exist or cannot be written. Nothing is left behind then.
    """
    has_figure, is_name = hasattr(figure, "savefig"), isinstance(path, (str, os.PathLike))
    got = f"{type(figure).__name__}, {type(path).__name__}"
    must(has_figure and is_name, "save_figure must be given a figure, then a file name", got, "Give both in this order")
    target = Path(path)
    suffix = target.suffix.lower()
    must(
        suffix in SUFFIXES, "a figure file must end in .png, .svg or .pdf", repr(target.name), nearest(suffix, SUFFIXES)
    )
    must(target.parent.is_dir(), "the folder of a figure must exist", str(target.parent), "Make the folder first")
    try:
        _write_whole(figure, target, suffix[1:])
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        remedy = "Choose a folder with room that you may write to."
        raise InputError(f"the figure {target.name} must be writable; got {reason.lower()}. {remedy}") from problem
    return target


def _write_whole(figure: Any, target: Path, form: str) -> None:
    import matplotlib

    partial = target.with_name(f".{uuid.uuid4().hex}.{form}")
    try:
        with matplotlib.rc_context({"pdf.fonttype": 42, "svg.hashsalt": "cryonb"}):
            figure.savefig(partial, format=form, dpi=DOTS, metadata=_metadata(figure, form))
        os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _metadata(figure: Any, form: str) -> dict:
    sheet = getattr(figure, "sheet", None)
    title, words = (sheet.title, sheet.description) if sheet is not None else ("", "")
    if form == "png":
        return {"Software": "cryonb", "Title": title, "Description": words.encode("ascii", "replace").decode()}
    if form == "svg":
        return {"Creator": "cryonb", "Date": None, "Title": title, "Description": words}
    return {"Creator": "cryonb", "CreationDate": None, "Title": title, "Subject": words}
