"""Labels off: a Dataset of particles becomes tiles of weighted half transforms.

A tile is a fixed number of particles of one half set, in the order of their ids. All arithmetic on images is done
tile by tile, whatever the batch size or the number of threads, so that results do not depend on either.
"""

import dataclasses
from typing import Any, Self

import numpy as np
import xarray as xr

from ..backends import backend_of
from ..config import RunConfig
from ..errors import InputError, must
from ..imaging.ctf import CtfParameters, FrequencyPlane, contrast_transfer
from ..imaging.fourier import crop_half_transform
from ..imaging.images import displacement, normalise, soft_window
from ..imaging.projector import in_plane_limit
from ..imaging.resample import interpolate_images
from ..imaging.rotations import euler_to_matrix
from .images import TILE as TILE
from .images import Images, with_symmetry
from .requirements import check_particles, settled
from .sampling import Sampling


def images_of(particles: xr.Dataset, config: RunConfig, subset: int | None = None, class_id: int = 0) -> Images:
    """Return the images of a half set, ordered by id, with what is needed to insert them.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles.
    config : RunConfig
        Settings.
    subset : {1, 2}, optional
        Half set: 1 for A, 2 for B; all particles if not given.
    class_id : int, optional
        Class that images are weighted for, by `class_posterior`; 0 for none.

    Returns
    -------
    Images
        The images without labels.

    Raises
    ------
    InputError
        If poses or CTF columns are missing, or the table asks for what is not modelled.
    """
    check_particles(particles, config)
    config = settled(particles, config)
    order = np.argsort(particles["particle"].values, kind="stable")
    if subset is not None:
        order = order[particles["random_subset"].values[order] == subset]
    chosen = particles.isel(particle=order) if not _is_in_order(order, particles.sizes["particle"]) else particles
    angles = (chosen[name].values for name in ("rot", "tilt", "psi"))
    rotations = with_symmetry(euler_to_matrix(*angles), config.imaging.symmetry)
    sampling = Sampling.of(particles, config)
    shift_x, shift_y = (
        chosen[name].values.astype(np.float64) / sampling.field_of_view for name in ("shift_x", "shift_y")
    )
    share = chosen["class_posterior"].sel(class_id=class_id).values.astype(np.float32) if class_id else None
    return Images(chosen["image"], sampling, rotations, shift_x, shift_y, _ctf_of(chosen, config), config, share)


def _is_in_order(order: np.ndarray, count: int) -> bool:
    return len(order) == count and bool(np.all(order == np.arange(count)))


def _ctf_of(particles: xr.Dataset, config: RunConfig) -> CtfParameters | None:
    if config.imaging.ctf == "none":
        return None
    group = _group_positions(particles)
    count = particles.sizes["particle"]

    def column(name: str, default: float) -> np.ndarray:
        return particles[name].values.astype(np.float64) if name in particles else np.full(count, default)

    def of_group(name: str) -> np.ndarray:
        return particles[name].values.astype(np.float64)[group]

    return CtfParameters(
        *(column(name, 0.0) for name in ("defocus_u", "defocus_v", "defocus_angle", "phase_shift")),
        *(of_group(name) for name in ("voltage", "spherical_aberration", "amplitude_contrast")),
        column("ctf_b_factor", 0.0),
        column("ctf_scale", 1.0),
    )


def _group_positions(particles: xr.Dataset) -> np.ndarray:
    optics = particles["optics"].values
    if "optics_group" not in particles:
        return np.zeros(particles.sizes["particle"], dtype=int)
    wanted = particles["optics_group"].values
    order = np.argsort(optics)
    position = np.clip(np.searchsorted(optics[order], wanted), 0, len(optics) - 1)
    found = order[position]
    unknown = wanted[optics[found] != wanted]
    must(len(unknown) == 0, "every optics_group must be in the optics table", unknown[:1], "Add the group's row")
    return found


@dataclasses.dataclass(frozen=True)
class Weigher:
    """Turns images into weighted half transforms: the first half of the operator, all of whose switches are settings.

    Attributes
    ----------
    images : Images
        What to turn.
    limit : array, (ny, nx), float32
        One where a coefficient is inserted.
    plane : FrequencyPlane or None
        Frequencies of the contrast transfer.
    window : array or None, (n, n), float32
        Soft window of the images as read.
    """

    images: Images
    limit: Any
    plane: FrequencyPlane | None
    window: Any

    @classmethod
    def of(cls, images: Images, xp: Any = np) -> Self:
        """Return the weigher of some images on a backend.

        Parameters
        ----------
        images : Images
            What to turn.
        xp : module, optional
            Array module.

        Returns
        -------
        Weigher
            The weigher.
        """
        sampling, config = images.sampling, images.config
        size = sampling.transform_size
        limit = in_plane_limit(size, config.box.limit, sampling.max_index, pairs="once")
        if config.refine.max_resolution > 0:
            limit *= in_plane_limit(size, "circle", sampling.cut_index)
        if size < sampling.raw_size:
            limit *= in_plane_limit(size, "square")
        plane = FrequencyPlane.of(size, sampling.field_of_view / size, xp) if images.ctf else None
        inner, outer = config.imaging.window
        window = xp.asarray(soft_window(sampling.read_size, inner, outer)) if outer > 0 else None
        return cls(images, xp.asarray(limit), plane, window)

    def __call__(self, chosen: slice, pixels: Any) -> tuple[Any, Any]:
        """Return what the insertion takes.

        Parameters
        ----------
        chosen : slice
            Which images.
        pixels : array, (m, n, n), float32
            Those images as read.

        Returns
        -------
        coefficients : array, (m, ny, nx), complex64
            Centred half transforms times their weights, in the grey scale of the volume.
        weights : array, (m, ny, nx), float32
            Weights; zero outside the limit.
        """
        images = self.images
        xp = backend_of(pixels).xp
        transform, origin, count = self._transform(pixels)
        shifts = images.shift_x[chosen], images.shift_y[chosen]
        along_y, along_x = displacement(*shifts, images.sampling.transform_size, origin, count, xp)
        along_x *= np.float32(images.sampling.grey_scale)
        transform *= along_y[:, :, None]
        transform *= along_x[:, None, :]
        if images.ctf is None:
            transform *= self.limit
            factor = xp.broadcast_to(self.limit, transform.shape).copy()
        else:
            factor = contrast_transfer(images.ctf[chosen], self.plane)
            if images.config.imaging.ctf == "phase_flip":
                factor = xp.sign(factor)
            factor *= self.limit
            transform *= factor
            factor *= factor
        if images.share is not None:
            share = xp.asarray(images.share[chosen])[:, None, None]
            transform *= share
            factor *= share
        return transform, factor

    def prepared(self, pixels: Any) -> Any:
        """Return images in real space as they are transformed: contrast, normalisation and window as set.

        Parameters
        ----------
        pixels : array, (m, n, n), float32
            Images as read.

        Returns
        -------
        array, (m, n, n), float32
            The prepared images.
        """
        imaging = self.images.config.imaging
        pixels = -pixels if imaging.invert_contrast else pixels
        pixels = normalise(pixels) if imaging.normalise else pixels
        return pixels if self.window is None else pixels * self.window

    def bytes_each(self) -> int:
        """Return what one image holds from its pixels to its weighted half transform.

        Returns
        -------
        int
            Memory [byte].
        """
        sampling, config = self.images.sampling, self.images.config
        raw, size = sampling.read_size, sampling.transform_size
        steps = 8 + 8 * (self.window is not None or config.imaging.invert_contrast)
        pixels = raw * raw * (20 if config.imaging.normalise else steps)
        interpolated = 8 * size * size if config.box.resample != "fourier" else 0
        return pixels + interpolated + 16 * raw * (raw // 2 + 1) + 20 * size * (size // 2 + 1)

    def _transform(self, pixels: Any) -> tuple[Any, int, int]:
        """Return half transforms from the first pixel, with the centre's pixel and the pixels they were taken from."""
        config, sampling = self.images.config, self.images.sampling
        fft = backend_of(pixels).fft
        pixels = self.prepared(pixels)
        read, binned = sampling.read_size, sampling.binned_size
        transform = fft.rfft2(pixels)
        if binned != read:
            transform = crop_half_transform(transform, read, binned, 2)
        if config.box.resample == "fourier":
            return transform, read // 2, read
        if binned != read:
            pixels = _binned_pixels(transform, read, binned)
        box = sampling.box_size
        return fft.rfft2(interpolate_images(pixels, box, config.box.resample)), box // 2, box


def _binned_pixels(transform: Any, read: int, binned: int) -> Any:
    """Return binned images in real space, their centre moved from read // 2 to binned // 2."""
    backend = backend_of(transform)
    move = np.full(1, (binned // 2) / binned)
    along_y, along_x = displacement(move, move, binned, read // 2, read, backend.xp)
    moved = transform * along_y[:, :, None] * along_x[:, None, :]
    pixels = backend.fft.irfft2(moved, s=(binned, binned)) * (binned / read) ** 2
    return pixels.astype(np.float32)


def half_sets(particles: xr.Dataset, config: RunConfig, class_id: int = 0) -> tuple[Images, Images]:
    """Return the images of half sets A and B.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles, with `random_subset`.
    config : RunConfig
        Settings.
    class_id : int, optional
        Class that images are weighted for; 0 for none.

    Returns
    -------
    tuple of Images
        Half A and half B.

    Raises
    ------
    InputError
        If a half set is empty.
    """
    must("random_subset" in particles, "particles must have half sets", "none", "Open the table with cn.open_particles")
    halves = tuple(images_of(particles, config, subset, class_id) for subset in (1, 2))
    sizes = [len(half) for half in halves]
    if min(sizes) == 0:
        raise InputError(
            f"both half sets must hold particles; got {sizes[0]} and {sizes[1]}. Split the particles again."
        )
    return halves
