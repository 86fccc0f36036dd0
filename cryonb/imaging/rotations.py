"""Rotations: RELION's Euler angles at the boundary, matrices inside.

A matrix R takes the frame of the object to the frame of the image; its first two rows are the image's x and y
axes in the frame of the object (components x, y, z). The central slice of image frequency (kx, ky) lies at
kx R[0] + ky R[1].
"""

import numpy as np


def euler_to_matrix(rot: np.ndarray, tilt: np.ndarray, psi: np.ndarray) -> np.ndarray:
    """Return rotation matrices of RELION's ZYZ Euler angles.

    Parameters
    ----------
    rot, tilt, psi : array_like, (n,), float
        Euler angles [degree].

    Returns
    -------
    ndarray, (n, 3, 3), float64
        Matrices that take the object's frame to the image's.

    References
    ----------
    Heymann, Chagoyen & Belnap (2005), doi:10.1016/j.jsb.2005.06.001

    Examples
    --------
    >>> euler_to_matrix([0.0], [0.0], [90.0]).round()[0] @ [1, 0, 0]
    array([ 0., -1.,  0.])
    """
    a, b, g = (np.deg2rad(np.asarray(angle, dtype=np.float64)) for angle in (rot, tilt, psi))
    ca, sa, cb, sb, cg, sg = np.cos(a), np.sin(a), np.cos(b), np.sin(b), np.cos(g), np.sin(g)
    rows = (
        (cg * cb * ca - sg * sa, cg * cb * sa + sg * ca, -cg * sb),
        (-sg * cb * ca - cg * sa, -sg * cb * sa + cg * ca, sg * sb),
        (sb * ca, sb * sa, cb),
    )
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def matrix_to_euler(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return RELION's ZYZ Euler angles of rotation matrices; the inverse of `euler_to_matrix`.

    Parameters
    ----------
    matrix : ndarray, (n, 3, 3), float64
        Rotation matrices.

    Returns
    -------
    rot : ndarray, (n,), float64
        First angle [degree]; zero where tilt is 0 or 180.
    tilt : ndarray, (n,), float64
        Second angle [degree].
    psi : ndarray, (n,), float64
        Third angle [degree].
    """
    matrix = np.asarray(matrix, dtype=np.float64)
    sine = np.hypot(matrix[..., 2, 0], matrix[..., 2, 1])
    tilt = np.arctan2(sine, matrix[..., 2, 2])
    pole = sine < 1e-9
    rot = np.where(pole, 0.0, np.arctan2(matrix[..., 2, 1], matrix[..., 2, 0]))
    turned = np.arctan2(matrix[..., 1, 2], -matrix[..., 0, 2])
    at_pole = np.arctan2(-np.sign(matrix[..., 2, 2]) * matrix[..., 1, 0], matrix[..., 1, 1])
    return tuple(np.rad2deg(angle) for angle in (rot, tilt, np.where(pole, at_pole, turned)))


def random_rotations(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return rotations drawn uniformly over the sphere and in the plane.

    Parameters
    ----------
    count : int
        How many.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, (count, 3, 3), float64
        Rotation matrices.
    """
    rot, psi = rng.uniform(-180.0, 180.0, (2, count))
    tilt = np.rad2deg(np.arccos(rng.uniform(-1.0, 1.0, count)))
    return euler_to_matrix(rot, tilt, psi)
