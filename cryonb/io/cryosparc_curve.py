"""The FSC curves of cryoSPARC's plots as text: named columns over wave numbers, which need the length of the box."""

import math
from pathlib import Path

import numpy as np

from ..errors import FormatError, must

WAVE_NUMBER = "wave_number"
COLUMNS = {"raw": "fsc_nomask", "masked": "fsc_tightmask", "corrected": "fsc_noisesub"}
"""The curves that have a kind here; those under a spherical and a loose mask have none."""


def is_cryosparc_text(path: Path) -> bool:
    """Return whether a file begins as the text of a cryoSPARC plot does.

    Parameters
    ----------
    path : Path
        An existing file.

    Returns
    -------
    bool
        Whether its first word is the name of the column of wave numbers.
    """
    with path.open(encoding="utf-8", errors="replace") as stream:
        return stream.readline(4096).split()[:1] == [WAVE_NUMBER]


def read_cryosparc_text(
    path: Path, fsc_kind: str | None, length: float | None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the curves of the text of a cryoSPARC plot.

    Parameters
    ----------
    path : Path
        The file, for which `is_cryosparc_text` holds.
    fsc_kind : str or None
        Only this curve.
    length : float or None
        Length of the box [angstrom].

    Returns
    -------
    frequency : ndarray, (shells,), float64
        Wave numbers, which are those of the middle of each shell, over the length [1/angstrom].
    curves : dict of str to ndarray, (shells,), float64
        By kind.

    Raises
    ------
    FormatError
        If the length is missing, or the file holds none of the columns or something that is no number.
    """
    must(
        length is not None and math.isfinite(length) and length > 0,
        f"{path.name} counts shells, so that the length of its box [angstrom] must be known",
        length,
        "Give length=box size * voxel size to open_curve, or take the XML file of the same plot",
        FormatError,
    )
    names, *rows = (line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line)
    wanted = {kind: column for kind, column in COLUMNS.items() if column in names and fsc_kind in (None, kind)}
    rule = f"{path.name} must have one of the columns {', '.join(COLUMNS.values())}"
    must(bool(wanted), rule, ", ".join(names), "Take the XML file of the same plot", FormatError)
    try:
        table = np.array([[float(word) for word in row] for row in rows])
        columns = {name: table[:, place] for place, name in enumerate(names)}
    except (ValueError, IndexError) as problem:
        rule = f"{path.name} must hold a number in every column"
        raise FormatError(f"{rule}; got {problem}. Download it again.") from None
    return columns[WAVE_NUMBER] / length, {kind: columns[column] for kind, column in wanted.items()}
