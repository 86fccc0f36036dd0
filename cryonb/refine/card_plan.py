"""What a GPU holds at a time during a reconstruction and a refinement, counted before anything is put there.

Volumes, sums and tables are counted as they are allocated. Images are counted as a step takes them, whose size follows
the memory that is free now: what a run puts there first only makes later steps smaller. The work space of transforms,
which their library takes for itself, is estimated as one more copy of what is transformed.
"""

import dataclasses

import numpy as np

from ..config import RunConfig
from ..contracts import Backend
from ..imaging.polar import Rings
from ..imaging.projector import Grid
from ..imaging.reconstruct import PARTS, Accumulator
from ..imaging.slabs import SLAB_BYTES
from ..imaging.sweep import BLOCK, TABLE_BYTES, Views
from .images import TILE
from .prepare import Weigher
from .sampling import Sampling

STEP_PIXELS = 2**25
"""Pixels of the images of a step, at most, when they are inserted and when they are searched."""

UPLOADS = 3
"""Batches of images on a card at a time: the one that is worked on, that before it, and the next on its way."""

FEED = 20
"""Batches of images on the host at a time, at most: pinned, of up to a quarter more than they need, and being read."""

SLAB_COPIES = 4
"""Times that the planes are held which are transformed together, with the work space of that."""

JUDGED_COPIES = 10
"""Volumes of four bytes a voxel that are held while two half maps are compared."""

TRANSFORMED_COPIES = 4
"""Padded boxes, of four bytes a voxel, while a map is made ready for slicing: it, shifted, transformed, work space."""

HOST_VOXEL = 40
"""Bytes of the host for a voxel of each class: half maps, map and mask as a Dataset, and copies of them."""

Searched = tuple[Rings, Views, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Card:
    """A run, and the card that it would be computed on.

    Attributes
    ----------
    sampling : Sampling
        Boxes and frequencies.
    config : RunConfig
        Settings.
    grid : Grid or None
        Padded grid; an exact reconstruction has none, and only its host is asked for.
    count : int
        Images that are worked on together at most.
    backend : Backend
        Says how many images it would take together.
    """

    sampling: Sampling
    config: RunConfig
    grid: Grid | None
    count: int
    backend: Backend

    @property
    def voxels(self) -> int:
        """Voxels of the box."""
        return self.sampling.box_size**3

    @property
    def points(self) -> int:
        """Points of the padded grid."""
        return Accumulator.points(self.grid)

    def reconstruction(self) -> int:
        """Return what both half maps take, made one after the other and compared.

        Returns
        -------
        int
            Memory of the card [byte].
        """
        return 4 * self.voxels + max(self.averaging(), 4 * JUDGED_COPIES * self.voxels)

    def averaging(self) -> int:
        """Return what one map takes, from the sums of its slices to real space.

        Returns
        -------
        int
            Memory of the card [byte].
        """
        sums = self.points * PARTS * 4
        return sums + max(self._inserting(), self._to_real_space())

    def images(self) -> int:
        """Return how many images are inserted at a time.

        Returns
        -------
        int
            Whole tiles, or all that there are.
        """
        return self._together(self._counted_image())

    def host(self, classes: int = 1) -> int:
        """Return what the host holds of a run whose work is done on a card.

        Parameters
        ----------
        classes : int, optional
            How many there are.

        Returns
        -------
        int
            Memory of the host [byte].
        """
        batch = max(self.images(), self.config.compute.batch_size // 2) * 4 * self.sampling.read_size**2
        return FEED * batch + HOST_VOXEL * classes * self.voxels

    def _counted_image(self) -> int:
        """Return what one image takes by the count from which the size of a step follows."""
        window = self.config.imaging.window if self.config.imaging.window[1] > 0 else None
        return Weigher(self, None, None, window).bytes_each()

    def _image(self, alone: bool = False) -> int:
        """Return what one image takes from its pixels to its weighted half transform; alone, in the only step."""
        raw, size = self.sampling.read_size, self.sampling.transform_size
        prepared = 2 if self.config.imaging.normalise or self.config.box.resample != "fourier" else 1
        pixels = raw * raw * 4 * (prepared + (1 if alone else UPLOADS))
        half = 24 + 8 * (size < raw) + 16 * (not alone)  # transform, transfer and its parts; those of the last step
        return pixels + 16 * raw * (raw // 2 + 1) + half * size * (size // 2 + 1)

    def _inserting(self) -> int:
        step, count = self.images(), self.count
        read = max(step, min(self.config.compute.batch_size // 2, count))
        extra = (read - step) * UPLOADS * 4 * self.sampling.read_size**2
        alone = self._together(2 * self._counted_image()) == count
        return step * self._image(alone) + extra

    def _to_real_space(self) -> int:
        lines, columns = self.grid.side, self.grid.reach + 1
        half_done = self.sampling.box_size * lines * columns * 8
        return half_done + 4 * self.voxels + SLAB_COPIES * min(SLAB_BYTES, 8 * self.grid.padded * lines * columns)

    def refinement(self, searched: Searched | None, classes: int, aligned: bool) -> int:
        """Return what an iteration takes.

        Parameters
        ----------
        searched : tuple of Rings, Views and ndarray, or None
            What a global search compares; None where there is none.
        classes : int
            How many there are.
        aligned : bool
            Whether poses are searched or refined.

        Returns
        -------
        int
            Memory of the card [byte].
        """
        made = (2 * classes + 1) * 4 * self.voxels
        compared = 4 * JUDGED_COPIES * self.voxels
        if not aligned:
            return made + max(self.averaging(), compared)
        prepared = classes * 8 * self.points
        slicing = prepared + TRANSFORMED_COPIES * 4 * self.grid.padded**3 + 4 * self.voxels
        aligning = 2 * prepared + self._aligning(searched, classes)
        return made + classes * 8 * self.voxels + max(slicing, aligning, prepared + self.averaging(), compared)

    def _aligning(self, searched: Searched | None, classes: int) -> int:
        """Return what a search takes beside the references."""
        rows, pixels = np.pi / 2 * self.sampling.max_index**2, self.sampling.read_size**2
        poses = max(classes, self.config.refine.candidates)
        each = 40.0 * (pixels + rows) + 1000.0 * poses + 40.0 * poses**2
        if searched is None:
            return int(self._together(each) * each)
        rings, views, shifts = searched
        samples, n_views = len(rings.radius) * rings.n_angles // 2, 2 * views.matrices.shape[1]
        each += 32.0 * samples + 20.0 * (4 * poses) ** 2 / classes
        images = self._together(each)
        blocks = -(-n_views // BLOCK) * BLOCK
        table = blocks * rings.orders * 16 * len(rings.radius)
        a_view = (2 * rings.orders + rings.n_angles + 6) * len(shifts) * 4
        work = min(max(TABLE_BYTES, a_view * BLOCK), a_view * blocks * images)
        return int((classes + 2) * table + work + images * each)

    def _together(self, each: float) -> int:
        step = min(self.backend.together(TILE, each), STEP_PIXELS // self.sampling.read_size**2)
        return min(max(TILE, step), self.count)
