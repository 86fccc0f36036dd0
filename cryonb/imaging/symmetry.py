"""Point-group symmetry: the rotations of C, D, T, O and I groups in RELION's setting."""

import itertools
import re

import numpy as np

from ..errors import must

_GOLDEN = (1.0 + 5.0**0.5) / 2.0


def symmetry_operators(name: str) -> np.ndarray:
    """Return the rotations of a point group, the identity first.

    Parameters
    ----------
    name : str
        ``"C1"``, ``"Cn"``, ``"Dn"``, ``"T"``, ``"O"`` or ``"I"`` (``"I1"`` and ``"I2"`` name the two settings of
        the icosahedral group; ``"I"`` is I2).

    Returns
    -------
    ndarray, (m, 3, 3), float64
        Rotation matrices in the frame of the object.

    Raises
    ------
    InputError
        If the name is not a point group.

    Notes
    -----
    Cn turns about z. Dn adds a two-fold about x. T has its three-fold along z and a two-fold in the zy plane.
    O has its four-folds along the axes. I2 has two-folds along the axes with five-folds in the zx plane; I1 is I2
    turned by 90 degrees about z.

    References
    ----------
    Heymann, Chagoyen & Belnap (2005), doi:10.1016/j.jsb.2005.06.001

    Examples
    --------
    >>> [len(symmetry_operators(group)) for group in ("C3", "D2", "T", "O", "I")]
    [3, 4, 12, 24, 60]
    """
    text = str(name).strip().upper()
    found = re.fullmatch(r"([CD])([1-9]\d?)|([TO])|(I[12]?)", text)
    must(found is not None, "symmetry must be a point group", repr(name), "Use C1, Cn, Dn, T, O or I")
    return _closure(_generators(text))


def _generators(name: str) -> list[np.ndarray]:
    family, order = name[0], name[1:]
    if family in "CD":
        turns = [_about((0, 0, 1), 360.0 / int(order))]
        return turns + ([_about((1, 0, 0), 180.0)] if family == "D" else [])
    if family == "T":
        return [_about((0, 0, 1), 120.0), _about((0.0, (2.0 / 3.0) ** 0.5, (1.0 / 3.0) ** 0.5), 180.0)]
    if family == "O":
        return [_about((0, 0, 1), 90.0), _about((1, 1, 1), 120.0)]
    five_fold = (1.0, 0.0, _GOLDEN) if order != "1" else (0.0, 1.0, _GOLDEN)
    return [_about((0, 0, 1), 180.0), _about((1, 1, 1), 120.0), _about(five_fold, 72.0)]


def _about(axis: tuple, angle: float) -> np.ndarray:
    unit = np.asarray(axis, dtype=np.float64) / np.linalg.norm(axis)
    cross = np.array([[0, -unit[2], unit[1]], [unit[2], 0, -unit[0]], [-unit[1], unit[0], 0]])
    turn = np.deg2rad(angle)
    return np.eye(3) + np.sin(turn) * cross + (1.0 - np.cos(turn)) * cross @ cross


def _closure(generators: list[np.ndarray]) -> np.ndarray:
    group = [np.eye(3)]
    fresh = list(group)
    while fresh:
        products = (element @ generator for element, generator in itertools.product(fresh, generators))
        fresh = []
        for product in products:
            if not any(np.allclose(product, element, atol=1e-6) for element in group):
                group.append(product)
                fresh.append(product)
    return np.array(group)
