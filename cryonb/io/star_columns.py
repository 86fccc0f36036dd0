"""The columns of RELION's STAR files: their labels, their blocks, and what they describe beyond our model."""

import linecache
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError, must
from .source import existing_file

ANGLES = {"rot": "rlnAngleRot", "tilt": "rlnAngleTilt", "psi": "rlnAnglePsi"}
ORIGINS = {"shift_x": "rlnOriginX", "shift_y": "rlnOriginY"}
DEFOCUS = {"defocus_u": "rlnDefocusU", "defocus_v": "rlnDefocusV", "defocus_angle": "rlnDefocusAngle"}
OPTICS = {
    "voltage": "rlnVoltage",
    "spherical_aberration": "rlnSphericalAberration",
    "amplitude_contrast": "rlnAmplitudeContrast",
}
EXTRAS = {"phase_shift": "rlnPhaseShift", "ctf_b_factor": "rlnCtfBfactor", "ctf_scale": "rlnCtfScalefactor"}
DEFAULTS = {"ctf_b_factor": 0.0, "ctf_scale": 1.0}
WHOLE = {"random_subset": "rlnRandomSubset", "class_number": "rlnClassNumber", "optics_group": "rlnOpticsGroup"}
IDENTITY = {"rlnMagMat00": 1.0, "rlnMagMat01": 0.0, "rlnMagMat10": 0.0, "rlnMagMat11": 1.0}
FLAGS = {
    "rlnCtfDataAreCtfPremultiplied": "images premultiplied by their CTF",
    "rlnCtfDataArePhaseFlipped": "images with flipped phases",
}


def read_blocks(path: str | os.PathLike) -> dict[str, Any]:
    """Return the blocks of a STAR file.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    dict of str to pandas.DataFrame or dict
        Loops as frames and single values as dicts, by block name.

    Raises
    ------
    FormatError
        If the file is missing or not STAR.
    """
    import starfile

    found = existing_file(path)
    try:
        blocks = starfile.read(found, always_dict=True)
    except (ValueError, KeyError, IndexError, TypeError, OSError) as problem:
        reason = (str(problem).splitlines() or [type(problem).__name__])[0].rstrip(".")
        raise FormatError(f"{found} must be a STAR file; got one that starfile refuses ({reason}). Check it.") from None
    finally:
        linecache.clearcache()  # starfile reads through it and leaves the lines of a file that it refuses
    must(bool(blocks), f"{found} must be a STAR file", "no data block in it", "Check that it is one", FormatError)
    return blocks


class StarColumns:
    """The columns of a particle block, with those of its optics block behind them.

    Parameters
    ----------
    path : pathlib.Path
        The STAR file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        blocks = read_blocks(path)
        self.particles = self._particle_block(blocks)
        self.optics = _frame(blocks.get("optics"))
        self.count = len(self.particles)
        self.row = self._optics_rows()

    def _particle_block(self, blocks: dict) -> Any:
        named = [block for block in map(_frame, blocks.values()) if block is not None and "rlnImageName" in block]
        got = f"the blocks {', '.join(map(repr, blocks))} without it"
        remedy = "Give the _data.star of a run or a particles.star"
        must(bool(named), f"{self.path} must have a particle block with rlnImageName", got, remedy, FormatError)
        return named[0]

    def _optics_rows(self) -> np.ndarray | None:
        """Return the row of the optics block of each particle."""
        if self.optics is None or "rlnOpticsGroup" not in self.optics or "rlnOpticsGroup" not in self.particles:
            return None
        ids = self._numbers(self.optics, "rlnOpticsGroup").astype(np.int64)
        wanted = self._numbers(self.particles, "rlnOpticsGroup").astype(np.int64)
        unknown = sorted(set(wanted.tolist()) - set(ids.tolist()))
        rule = f"{self.path} must describe every optics group that particles use"
        must(not unknown, rule, f"no row for {unknown}", "Add the missing rows to its optics block", FormatError)
        order = np.argsort(ids, kind="stable")
        return order[np.searchsorted(ids[order], wanted)]

    def __contains__(self, name: str) -> bool:
        return name in self.particles or (self.row is not None and name in self.optics)

    def numbers(self, name: str) -> np.ndarray | None:
        """Return a column of numbers, one a particle.

        Parameters
        ----------
        name : str
            RELION's label.

        Returns
        -------
        ndarray or None
            float64, shape (particle,); None if neither block has the column.

        Raises
        ------
        FormatError
            If a value is missing, not a number or not finite.
        """
        if name in self.particles:
            return self._numbers(self.particles, name)
        if name in self:
            return self._numbers(self.optics, name)[self.row]
        return None

    def texts(self, name: str) -> list[str]:
        """Return the different texts of a column, in order of appearance; empty without the column.

        Parameters
        ----------
        name : str
            RELION's label.

        Returns
        -------
        list of str
            For a column of the optics block, only what particles use.
        """
        if name in self.particles:
            return list(dict.fromkeys(map(str, self.particles[name])))
        if name in self:
            used = np.asarray(self.optics[name], dtype=object)[np.unique(self.row)]
            return list(dict.fromkeys(map(str, used)))
        return []

    def _numbers(self, frame: Any, name: str) -> np.ndarray:
        try:
            values = np.asarray(frame[name], dtype=np.float64)
        except (TypeError, ValueError):
            raise FormatError(f"{name} in {self.path} must hold numbers; got text. Mend the table.") from None
        bad = np.flatnonzero(~np.isfinite(values))
        got = f"a missing or infinite value in row {bad[0] + 1 if bad.size else 0}"
        must(bad.size == 0, f"{name} in {self.path} must hold finite numbers", got, "Mend the table", FormatError)
        return values


def unmodelled(star: StarColumns) -> list[str]:
    """Return the effects that a table describes and the model of imaging leaves out, each by name.

    Parameters
    ----------
    star : StarColumns
        The table.

    Returns
    -------
    list of str
        Empty if there are none.
    """
    found = []
    tilts = [star.numbers(name) for name in ("rlnBeamTiltX", "rlnBeamTiltY")]
    largest = max((float(np.abs(tilt).max(initial=0.0)) for tilt in tilts if tilt is not None), default=0.0)
    if largest > 0:
        found.append(f"beam tilt (up to {largest:g} mrad)")
    for name, order in (("rlnOddZernike", "odd"), ("rlnEvenZernike", "even")):
        if any(_has_nonzero(text) for text in star.texts(name)):
            found.append(f"{order} Zernike aberrations ({name})")
    matrix = [(star.numbers(name), value) for name, value in IDENTITY.items()]
    if any(column is not None and np.any(np.abs(column - value) > 1e-6) for column, value in matrix):
        found.append("anisotropic magnification (rlnMagMat)")
    for name, words in FLAGS.items():
        flag = star.numbers(name)
        if flag is not None and flag.any():
            found.append(f"{words} ({name})")
    for name in (name for name in star.particles if "ewald" in name.lower()):
        if np.any(star.numbers(name)):
            found.append(f"Ewald sphere curvature ({name})")
    return found


def _frame(block: Any) -> Any:
    """Return a block as a frame; single values become one row."""
    if not isinstance(block, dict):
        return block
    import pandas

    return pandas.DataFrame({name: [value] for name, value in block.items()})


def _has_nonzero(text: str) -> bool:
    values = [word for word in text.strip("[]").split(",") if word.strip()]
    try:
        return any(float(word) != 0.0 for word in values)
    except ValueError:
        return True
