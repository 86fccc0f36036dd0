"""What the header of an MRC file says, checked against the file."""

import contextlib
import dataclasses
import os
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError, must
from .source import existing_file

HEADER_BYTES = 1024
SAMPLE_TYPES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
OTHER_MODES = (3, 4, 101)
COMPRESSED = (b"\x1f\x8b", b"BZh")
ISOTROPY = 1e-3
UNREADABLE = (ValueError, OSError, EOFError, zlib.error)


@dataclasses.dataclass(frozen=True)
class Header:
    """The header of one MRC map or stack.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    shape : tuple of int
        Sections, rows and columns as stored.
    dtype : numpy.dtype
        Type and byte order of the stored samples.
    offset : int
        Where the samples start [byte].
    axes : tuple of int
        Which of x = 1, y = 2, z = 3 the sections, rows and columns are.
    voxel : tuple of float
        Voxel size along x, y, z [angstrom]; zero where unknown.
    angles : tuple of float
        Cell angles [degree].
    origin : tuple of float
        Position of the first voxel along x, y, z [angstrom], from the origin field or else from nstart.
    space_group : int
        0 for stacks, and for maps of programs that do not fill it in.
    sections_per_volume : int
        The header's mz.
    compressed : bool
        Whether the file is gzip or bzip2.
    """

    path: Path
    shape: tuple[int, int, int]
    dtype: np.dtype
    offset: int
    axes: tuple[int, int, int]
    voxel: tuple[float, float, float]
    angles: tuple[float, float, float]
    origin: tuple[float, float, float]
    space_group: int
    sections_per_volume: int
    compressed: bool

    @property
    def is_stack(self) -> bool:
        """Whether the sections are images rather than slices of a map."""
        sections, rows, columns = self.shape
        if self.path.name.lower().removesuffix(".gz").removesuffix(".bz2").endswith(".mrcs"):
            return True
        if self.space_group != 0 or sections == 1:
            return self.space_group == 0
        return self.sections_per_volume == 1 or (rows == columns and sections >= 2 * rows)

    @property
    def pixel_size(self) -> float:
        """Pixel size of the images of a stack [angstrom]; zero where unknown."""
        x, y, _ = self.voxel
        return x if np.isclose(x, y, rtol=ISOTROPY) else 0.0


def read_header(path: str | os.PathLike) -> Header:
    """Return the header of an MRC file whose samples are all there.

    Parameters
    ----------
    path : str or path
        A map or stack, plain, gzip or bzip2.

    Returns
    -------
    Header
        What it says. Samples of compressed files are not counted.

    Raises
    ------
    FormatError
        If the file is missing, not MRC, of a mode without real numbers, or shorter than its header says.
    """
    found = existing_file(path)
    must(_looks_like_mrc(found), f"{found} must be an MRC file", "something else", "Check its contents", FormatError)
    with opened(found, header_only=True) as stream:
        compressed = type(stream).__name__ != "MrcFile"
        header = _parsed(found, stream.header, compressed)
    if not compressed:
        promised = header.offset + int(np.prod(header.shape)) * header.dtype.itemsize
        size = found.stat().st_size
        rule = f"{found} must hold the {promised} bytes that its header promises"
        must(size >= promised, rule, f"{size} bytes, so it is truncated", "Copy or download it again", FormatError)
    return header


@contextlib.contextmanager
def opened(path: Path, header_only: bool = False) -> Iterator[Any]:
    """Open an MRC file with mrcfile, and turn what it refuses into a FormatError.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    header_only : bool, optional
        Whether to leave the samples unread.

    Yields
    ------
    mrcfile.mrcfile.MrcFile
        The open file.

    Raises
    ------
    FormatError
        If the file is not MRC or is damaged.
    """
    import mrcfile

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            stream = mrcfile.open(path, header_only=header_only, permissive=True)
    except UNREADABLE as problem:
        reason = str(problem).splitlines()[0].rstrip(".") if str(problem) else type(problem).__name__
        raise FormatError(
            f"{path} must be a whole MRC file; got one that mrcfile refuses ({reason}). Check it."
        ) from None
    try:
        rule = f"{path} must hold the samples that its header promises"
        whole = header_only or stream.data is not None
        must(whole, rule, "fewer, so it is truncated", "Copy or download it again", FormatError)
        yield stream
    finally:
        stream.close()


def _looks_like_mrc(path: Path) -> bool:
    """Return whether a file is compressed, has the MAP mark, or has at least a known mode, before it is parsed."""
    with path.open("rb") as stream:
        head = stream.read(HEADER_BYTES)
    modes = {int.from_bytes(head[12:16], order) for order in ("little", "big")}
    known = head[208:211] == b"MAP" or bool(modes & {*SAMPLE_TYPES, *OTHER_MODES})
    return head.startswith(COMPRESSED) or (len(head) == HEADER_BYTES and known)


def _parsed(path: Path, header: Any, compressed: bool) -> Header:
    mode = int(header.mode)
    shape = tuple(int(header[name]) for name in ("nz", "ny", "nx"))
    remedy = f"Convert it; readable modes are {', '.join(map(str, SAMPLE_TYPES))}"
    must(mode in SAMPLE_TYPES, f"{path} must hold real numbers", f"MRC mode {mode}", remedy, FormatError)
    must(min(shape) >= 1, f"{path} must have at least one voxel along each axis", shape, "Write it again", FormatError)
    order = ">" if header.mode.dtype.byteorder == ">" else "<"
    voxel = tuple(_voxel(header, axis) for axis in "xyz")
    axes = tuple(int(header[name]) for name in ("maps", "mapr", "mapc"))
    axes = (3, 2, 1) if axes == (0, 0, 0) else axes
    rule = f"{path} must name each of the axes 1, 2, 3 once"
    must(sorted(axes) == [1, 2, 3], rule, axes, "Mend mapc, mapr and maps in its header", FormatError)
    return Header(
        path=path,
        shape=shape,
        dtype=np.dtype(order + SAMPLE_TYPES[mode]),
        offset=HEADER_BYTES + int(header.nsymbt),
        axes=axes,
        voxel=voxel,
        angles=tuple(float(header.cellb[name]) for name in ("alpha", "beta", "gamma")),
        origin=_origin(header, axes, voxel),
        space_group=int(header.ispg),
        sections_per_volume=int(header.mz),
        compressed=compressed,
    )


def _voxel(header: Any, axis: str) -> float:
    """Return the voxel size along an axis, free of the noise of float32 cell lengths."""
    intervals = int(header["m" + axis])
    length = float(header.cella[axis])
    size = length / intervals if intervals > 0 else 0.0
    return float(f"{size:.7g}") if np.isfinite(size) and size > 0 else 0.0


def _origin(header: Any, axes: tuple, voxel: tuple) -> tuple[float, float, float]:
    stored = tuple(float(header.origin[axis]) for axis in "xyz")
    if any(stored) and all(np.isfinite(stored)):
        return tuple(float(f"{value:.7g}") for value in stored)
    start = dict(zip(axes, (int(header.nzstart), int(header.nystart), int(header.nxstart))))
    return tuple(start[axis + 1] * voxel[axis] for axis in range(3))
