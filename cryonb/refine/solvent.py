"""What is taken for solvent between iterations: outside a sphere, or outside the mask that the settings ask for."""

from typing import Any

from ..imaging.masks import make_mask, soft_sphere

EDGE = 5.0
"""Width of a sphere's soft edge [voxel]."""

SPHERE = 0.9
"""Diameter of the sphere where nothing else is said, as a fraction of the field of view."""


def particle_sphere(run: Any, diameter: float = 0.0) -> Any:
    """Return a soft sphere about the particle.

    Parameters
    ----------
    run : Run
        Sampling of the target box.
    diameter : float, optional
        Diameter of the particle [angstrom]; 0 for nine tenths of the field of view.

    Returns
    -------
    array, (n, n, n), float32
        Mask between 0 and 1, on the backend.
    """
    sampling = run.sampling
    radius = 0.5 * (diameter or SPHERE * sampling.field_of_view)
    return soft_sphere(sampling.box_size, sampling.voxel_size, radius, EDGE * sampling.voxel_size, run.backend.xp)


def solvent_mask(run: Any, density: Any, resolution: float, diameter: float = 0.0) -> Any:
    """Return the mask that was given, or that the settings ask for; the sphere where there is none.

    Parameters
    ----------
    run : Run
        Sampling and settings.
    density : array, (n, n, n), float32
        Mean of all that is known.
    resolution : float
        Its resolution [angstrom].
    diameter : float, optional
        Diameter of the sphere [angstrom]; 0 for nine tenths of the field of view.

    Returns
    -------
    array, (n, n, n), float32
        Mask between 0 and 1, on the backend.
    """
    if run.mask is not None:
        return run.on_backend(run.mask)
    made = make_mask(density, run.sampling.voxel_size, run.config.mask, resolution)
    return particle_sphere(run, diameter) if made is None else made
