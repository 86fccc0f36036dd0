"""Particles without labels: images with poses and contrast transfer, read in tiles.

A tile is a fixed number of images, in the order of the ids of their particles.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, Self

import numpy as np
import xarray as xr

from ..backends import backend_of, get_backend
from ..config import RunConfig
from ..errors import must
from ..imaging.ctf import CtfParameters
from ..imaging.symmetry import symmetry_operators
from .sampling import Sampling

TILE = 32
"""Images a tile."""


class Source(Protocol):
    """What gives images in place of a stack: drawn on the host, and finished wherever they are used."""

    def draw(self, images: "Images", chosen: slice | np.ndarray) -> np.ndarray:
        """Return what is drawn for some images; may be called from several threads.

        Parameters
        ----------
        images : Images
            All images of the stack.
        chosen : slice or ndarray of int
            Which of them.

        Returns
        -------
        ndarray, (m, ...)
            The same on any machine.
        """

    def finish(self, images: "Images", chosen: slice | np.ndarray, drawn: Any) -> Any:
        """Return the images.

        Parameters
        ----------
        images : Images
            All images of the stack.
        chosen : slice or ndarray of int
            Which of them.
        drawn : array, (m, ...)
            What `draw` gave for them, on the backend.

        Returns
        -------
        array, (m, n, n), float32
            Pixels, on the backend.
        """


@dataclasses.dataclass(frozen=True)
class Images:
    """Particles without labels, ready to be turned into weighted half transforms.

    Attributes
    ----------
    stack : xarray.DataArray
        Lazy images, in the order of the ids.
    sampling : Sampling
        Boxes and frequencies.
    rotations : ndarray, (m, operators, 3, 3), float32
        Orientation of each image, once for every symmetry operator.
    shift_x, shift_y : ndarray, (m,), float64
        Displacement that centres each image, as a fraction of the field of view.
    ctf : CtfParameters or None
        Contrast transfer; None where it is not corrected.
    config : RunConfig
        Settings.
    share : ndarray, (m,), float32, or None
        How much of each image belongs to the class; None for all of it.
    source : Source or None
        Gives pixels in place of the stack.
    rows : ndarray, (m,), int64, or None
        Which image of the stack each of these is, where they are not all of it, once and in order.
    whole : Images or None
        The images of the whole stack, where `rows` is set.
    """

    stack: xr.DataArray
    sampling: Sampling
    rotations: np.ndarray
    shift_x: np.ndarray
    shift_y: np.ndarray
    ctf: CtfParameters | None
    config: RunConfig
    share: np.ndarray | None = None
    source: Source | None = None
    rows: np.ndarray | None = None
    whole: "Images | None" = None

    def __len__(self) -> int:
        return len(self.shift_x)

    @property
    def ids(self) -> np.ndarray:
        """Ids of the particles that are shown, (m,), int64."""
        ids = self.stack["particle"].values
        return ids if self.rows is None else ids[self.rows]

    def shown(self, rows: np.ndarray) -> Self:
        """Return some of the images, in any order and as often as wanted, with their poses.

        Parameters
        ----------
        rows : ndarray, (k,), int
            Which of these images.

        Returns
        -------
        Images
            They; nothing is copied but the rows of the table.
        """
        return dataclasses.replace(
            self,
            rotations=self.rotations[rows],
            shift_x=self.shift_x[rows],
            shift_y=self.shift_y[rows],
            ctf=None if self.ctf is None else self.ctf[rows],
            share=None if self.share is None else self.share[rows],
            rows=np.asarray(rows, np.int64) if self.rows is None else self.rows[rows],
            whole=self.whole or self,
        )

    def posed(self, rotations: np.ndarray, shifts: np.ndarray, share: np.ndarray | None = None) -> Self:
        """Return the images with other poses.

        Parameters
        ----------
        rotations : ndarray, (m, 3, 3), float64
            Object to image frame.
        shifts : ndarray, (m, 2), float64
            Displacement along x and y that centres each image, as a fraction of the field of view.
        share : ndarray, (m,), float, optional
            How much of each image is inserted.

        Returns
        -------
        Images
            The same images.
        """
        shift_x, shift_y = np.ascontiguousarray(np.asarray(shifts, np.float64).T)
        return dataclasses.replace(
            self,
            rotations=with_symmetry(rotations, self.config.imaging.symmetry),
            shift_x=shift_x,
            shift_y=shift_y,
            share=None if share is None else np.asarray(share, np.float32),
        )

    def tiles(self) -> list[slice]:
        """Return the tiles in order.

        Returns
        -------
        list of slice
            Ranges of at most `TILE` images.
        """
        return [slice(start, min(start + TILE, len(self))) for start in range(0, len(self), TILE)]

    def read(self, chosen: slice | np.ndarray) -> np.ndarray:
        """Return images as they stand in their files, or as their source gives them; each is taken there once.

        Parameters
        ----------
        chosen : slice or ndarray of int
            Which images.

        Returns
        -------
        ndarray, (m, n, n), float32
            The images.

        Raises
        ------
        InputError
            If an image holds NaN or infinity, or nothing but zeros.
        """
        if self.rows is not None:
            needed, place = np.unique(self.rows[chosen], return_inverse=True)
            return self.whole.read(needed)[place]
        if self.source is None:
            return self._finished(chosen, self._drawn(chosen))
        backend = get_backend(self.config.compute.backend)
        return backend.download(self._finished(chosen, backend.upload(self._drawn(chosen))))

    def fed(self, backend: Any, pieces: Iterable[slice | np.ndarray]) -> Iterator[tuple[slice | np.ndarray, Any]]:
        """Yield images on a backend, one piece after the other, as `read` gives them on the host.

        Parameters
        ----------
        backend : Backend
            Where they are used; it may read ahead.
        pieces : iterable of slice or ndarray of int
            Which images, piece by piece.

        Yields
        ------
        chosen : slice or ndarray of int
            Which images.
        pixels : array, (m, n, n), float32
            They; valid until the next are asked for.

        Raises
        ------
        InputError
            If an image holds NaN or infinity, or nothing but zeros.
        """
        whole, pieces = self.whole or self, list(pieces)
        needed = [self._needed(chosen) for chosen in pieces]

        def drawn(wanted: tuple) -> tuple:
            taken, *place = wanted
            return whole._drawn(taken), *place

        for (pixels, *place), chosen, (taken, *_) in zip(backend.feed(drawn, needed), pieces, needed):
            pixels = whole._finished(taken, pixels)
            yield chosen, pixels[place[0]] if place else pixels

    def _needed(self, chosen: slice | np.ndarray) -> tuple:
        """Return which images of the whole stack to take, and, where each is taken once, which is shown where."""
        return (chosen,) if self.rows is None else np.unique(self.rows[chosen], return_inverse=True)

    def _drawn(self, chosen: slice | np.ndarray) -> np.ndarray:
        """Return images as they stand in their files, or what their source draws; on the host."""
        if self.source is not None:
            return self.source.draw(self, chosen)
        return np.ascontiguousarray(self.stack[chosen].values, dtype=np.float32)

    def _finished(self, chosen: slice | np.ndarray, drawn: Any) -> Any:
        """Return the images of what was drawn, on its backend; those of files are checked, by one number an image."""
        if self.source is not None:
            return self.source.finish(self, chosen, drawn)
        backend = backend_of(drawn)
        energy = backend.download(backend.xp.einsum("mij,mij->m", drawn, drawn))
        bad = np.flatnonzero(~(np.isfinite(energy) & (energy > 0)))
        if bad.size:
            which = int(self.stack["particle"].values[chosen][bad[0]])
            got = "zeros only" if energy[bad[0]] == 0 else "NaN or infinite pixels"
            remedy = "Remove that particle or repair its stack"
            must(False, "particle images must be finite and not empty", f"{got} in particle {which}", remedy)
        return drawn


def with_symmetry(turns: np.ndarray, symmetry: str) -> np.ndarray:
    """Return orientations once for every operator of a point group.

    Parameters
    ----------
    turns : ndarray, (m, 3, 3), float64
        Object to image frame.
    symmetry : str
        Point group.

    Returns
    -------
    ndarray, (m, operators, 3, 3), float32
        The orientations that cannot be told from them; the first of each is its own.
    """
    return np.ascontiguousarray(np.einsum("mij,skj->msik", turns, symmetry_operators(symmetry)).astype(np.float32))
