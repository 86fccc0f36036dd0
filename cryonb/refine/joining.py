"""Halves joined below a resolution, and apart beyond it.

Independent half sets may drift into different orientations. What both show at low resolution is made one, where no
noise was ever overfitted; past the join nothing passes between the halves but scalars of a shell and the mask.
"""

from typing import Any

import numpy as np

from ..backends import backend_of
from ..errors import must
from ..imaging.fourier import half_transform, real_space
from ..imaging.shells import index_on
from .candidates import Candidates
from .limits import Reading
from .state import State

NEAR_JOIN = 3.0
"""Shells past the join over which a mask carries what was joined."""


def join_shell(length: float, resolution: float) -> float:
    """Return the shell below which halves are joined.

    Parameters
    ----------
    length : float
        Field of view [angstrom].
    resolution : float
        Resolution of the join [angstrom]; 0 to keep the halves apart everywhere.

    Returns
    -------
    float
        The shell; 0 for none.
    """
    return length / resolution if resolution > 0 else 0.0


def join(halves: Any, weight: np.ndarray, shell: float) -> Any:
    """Return half maps that are one below a shell.

    Parameters
    ----------
    halves : array, (2, n, n, n), float32
        Half maps.
    weight : ndarray, (2, n // 2 + 1), float64
        Inserted weight of every shell of each.
    shell : float
        Shells below this one are replaced by the weighted mean; 0 for none.

    Returns
    -------
    array, (2, n, n, n), float32
        The joined maps; the same array where nothing is joined.

    References
    ----------
    Scheres & Chen (2012), doi:10.1038/nmeth.2115
    """
    size, backend = halves.shape[-1], backend_of(halves)
    xp = backend.xp
    joined = np.arange(size // 2 + 1) < shell
    if not joined.any():
        return halves
    transforms = [half_transform(half) for half in halves]
    total = weight.sum(axis=0)
    share = np.divide(weight[0], total, out=np.full(total.shape, 0.5), where=total > 0)
    index = index_on(backend, size)
    first = xp.asarray(np.append(share, 0.5).astype(np.float32))[index]
    inside = xp.asarray(np.append(joined, False))[index]
    mean = first * transforms[0] + (1.0 - first) * transforms[1]
    return xp.stack([real_space(xp.where(inside, mean, own), size).astype(np.float32) for own in transforms])


def align_apart(run: Any, state: State) -> tuple[Candidates, np.ndarray]:
    """Return the poses of all images, each found against the reference of its own half set with its own noise.

    Parameters
    ----------
    run : Run
        Images and machinery.
    state : State
        The state after the last iteration, with one reference a half set.

    Returns
    -------
    candidates : Candidates
        Poses of every image, in the order of the ids.
    noise : ndarray, (2, shells), float64
        Variance of the noise per pixel left in the images of each half set.
    """
    found, noise, order = [], [], []
    for which, (volume, spectrum) in enumerate(zip(state.reference[0], state.noise), 1):
        members = run.members(state.half, which)
        before = None if state.candidates is None else state.candidates[members]
        references = [run.fourier(volume, limit=state.limit)]
        poses = run.align(references, members, limit=state.limit, noise=spectrum, previous=before)
        noise.append(run.noise(poses, references, members, state.limit))
        found.append(poses)
        order.append(members)
    return Candidates.joined(found, np.concatenate(order)), np.stack(noise)


def must_be_one_class(config: Any, recipe: str) -> None:
    """Raise unless a recipe whose halves are independent is asked for one class.

    Parameters
    ----------
    config : RunConfig
        Settings.
    recipe : str
        Its name.

    Raises
    ------
    InputError
        If more are asked for.
    """
    rule = f"n_classes must be 1 with recipe {recipe}"
    remedy = "Use 1, or recipe heterogeneous, class3d or resolution_limited"
    must(config.refine.n_classes == 1, rule, config.refine.n_classes, remedy)


def notes_of_halves(run: Any, reading: Reading) -> str:
    """Return what to say of a curve between halves that are not independent everywhere.

    Parameters
    ----------
    run : Run
        Settings, with a recipe's own `join_resolution`.
    reading : Reading
        What the curve says.

    Returns
    -------
    str
        Its own note; whether it falls where the halves are joined, so that noise alone would give the same; whether
        they started from one volume with detail past their join.
    """
    start, join_at = run.config.refine.initial_lowpass, run.params.join_resolution
    notes = [reading.note]
    shell = join_shell(run.sampling.field_of_view, join_at)
    if join_at and reading.shell < shell + NEAR_JOIN:
        notes.append(f"the curve falls at the join of the halves at {join_at:g} A, as it does for noise alone")
    if not 0 < join_at <= start:
        past = f"past their join at {join_at:g} A" if join_at else "and are joined nowhere"
        notes.append(
            f"both halves started from one volume of {start:g} A, {past}: up to there they are not independent"
        )
    return "; ".join(filter(None, notes))
