"""Views of a particle spread evenly over the sphere, in antipodal pairs, and shifts spread evenly over a disc.

The image of the antipode of a view is its mirror image: one half of the sphere stands for the whole.
"""

import numpy as np

from .rotations import euler_to_matrix

FINEST = 6
"""Highest order of a set of views: 49,152 of them, 0.9 degrees apart."""


def view_step(order: int) -> float:
    """Return how far apart neighbouring views lie.

    Parameters
    ----------
    order : int
        Order of the set.

    Returns
    -------
    float
        Square root of the area of a view [degree].

    Examples
    --------
    >>> [round(view_step(order), 1) for order in (2, 3, 4)]
    [14.7, 7.3, 3.7]
    """
    return float(np.rad2deg(np.sqrt(4.0 * np.pi / (12 * 4**order))))


def order_for(step: float) -> int:
    """Return the lowest order whose views are no further apart than asked.

    Parameters
    ----------
    step : float
        Distance [degree].

    Returns
    -------
    int
        Order between 0 and `FINEST`.

    Examples
    --------
    >>> order_for(7.5), order_for(60.0)
    (3, 0)
    """
    return next((order for order in range(FINEST) if view_step(order) <= step), FINEST)


def half_sphere(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return one view of every antipodal pair of a set of equal-area views.

    Parameters
    ----------
    order : int
        Order of the set: 12 * 4^order views in all.

    Returns
    -------
    rot : ndarray, (6 * 4^order,), float64
        First Euler angle of the views [degree]; rot + 180 in the other half.
    tilt : ndarray, (6 * 4^order,), float64
        Second one [degree]; 180 - tilt in the other half.

    Notes
    -----
    Rings of constant tilt: cap rings of 4 i views at cos(tilt) = 1 - i^2 / (3 n^2), belt rings of 4 n views at
    cos(tilt) = 4/3 - 2 i / (3 n), every second one turned by half a step; n = 2^order.

    References
    ----------
    Gorski et al. (2005), doi:10.1086/427976

    Examples
    --------
    >>> half_sphere(0)[0].size, half_sphere(3)[0].size
    (6, 384)
    """
    side = 2**order
    rots, tilts = [], []
    for ring in range(1, 2 * side + 1):
        in_cap = ring < side
        count = 4 * (ring if in_cap else side)
        height = 1.0 - ring**2 / (3.0 * side**2) if in_cap else 4.0 / 3.0 - 2.0 * ring / (3.0 * side)
        turned = in_cap or (ring - side) % 2 == 0
        rot = (np.arange(count) + (0.5 if turned else 0.0)) * 360.0 / count
        kept = rot[: count // 2] if ring == 2 * side else rot
        rots.append(kept)
        tilts.append(np.full(len(kept), np.rad2deg(np.arccos(height))))
    return np.concatenate(rots), np.concatenate(tilts)


def view_matrices(order: int) -> np.ndarray:
    """Return the orientations of all views with no turn in the plane, each half of the sphere in the same order.

    Parameters
    ----------
    order : int
        Order of the set.

    Returns
    -------
    ndarray, (2, n, 3, 3), float64
        Object to image frame: of `half_sphere`, and of its antipodes.
    """
    rot, tilt = half_sphere(order)
    zero = np.zeros_like(rot)
    return np.stack([euler_to_matrix(rot, tilt, zero), euler_to_matrix(rot + 180.0, 180.0 - tilt, zero)])


def distinct_views(matrices: np.ndarray, operators: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """Return which views are needed where the particle has a symmetry.

    Parameters
    ----------
    matrices : ndarray, (n, 3, 3), float64
        Orientations of views of half a sphere.
    operators : ndarray, (g, 3, 3), float64
        Point group, the identity first.
    margin : float, optional
        How far past the border of the part that makes up all others views are kept [radian]. Views do not lie
        symmetrically about the border: without any, directions next to it may be far from all views.

    Returns
    -------
    ndarray, (n,), bool
        True for views whose direction, or its antipode, is the first of all those that the symmetry makes of it.
    """
    anchor = np.array([0.149, 0.331, 0.932])
    mates = np.einsum("gjk,k->gj", operators, anchor / np.linalg.norm(anchor))
    height = matrices[:, 2] @ mates.T
    facing = np.where(height < 0, -1.0, 1.0)[:, :, None] * mates
    apart = np.linalg.norm(facing - facing[:, :1], axis=2)
    return (np.abs(height) - np.abs(height[:, :1]) <= np.sin(margin) * apart + 1e-9).all(axis=1)


def disc(radius: float, step: float) -> np.ndarray:
    """Return shifts on a triangular lattice within a disc, the centre first.

    Parameters
    ----------
    radius : float
        Largest shift.
    step : float
        Distance of neighbours, in the same unit.

    Returns
    -------
    ndarray, (n, 2), float64
        Shifts along x and y.

    Examples
    --------
    >>> disc(1.0, 1.0).shape
    (7, 2)
    """
    reach = int(np.ceil(2.0 * radius / step)) + 1
    along, across = np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1))
    points = np.stack([(along + 0.5 * across).ravel(), (np.sqrt(0.75) * across).ravel()], axis=1) * step
    distance = np.hypot(points[:, 0], points[:, 1])
    inside = distance <= radius * (1 + 1e-9)
    return points[inside][np.argsort(distance[inside].round(9), kind="stable")]
