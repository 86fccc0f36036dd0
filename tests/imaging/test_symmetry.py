import numpy as np
import pytest

from cryonb.errors import InputError
from cryonb.imaging.symmetry import symmetry_operators

ORDERS = {"C1": 1, "c3": 3, "C7": 7, "D2": 4, "D5": 10, "T": 12, "O": 24, "I": 60, "I1": 60, "I2": 60}


@pytest.mark.parametrize("name,order", ORDERS.items())
def test_groups_are_closed_rotations_of_the_right_order(name, order):
    group = symmetry_operators(name)
    assert len(group) == order
    assert np.allclose(group[0], np.eye(3))
    assert np.allclose(np.linalg.det(group), 1.0)
    products = np.einsum("aij,bjk->abik", group, group).reshape(-1, 3, 3)
    nearest = np.abs(products[:, None] - group[None]).max(axis=(2, 3)).min(axis=1)
    assert nearest.max() < 1e-6


def test_the_settings_are_relions():
    """`relion_refine --sym I1 --print_symmetry_ops` (3.1.3): the five-fold in the zy plane; I2 in the zx plane."""
    golden = (1 + 5**0.5) / 2
    for name, axis in (("I1", (0.0, 1.0, golden)), ("I2", (1.0, 0.0, golden)), ("I", (1.0, 0.0, golden))):
        unit = np.array(axis) / np.linalg.norm(axis)
        turns = [m for m in symmetry_operators(name) if np.allclose(m @ unit, unit, atol=1e-6)]
        assert len(turns) == 5, name


def test_an_unknown_group_is_refused():
    with pytest.raises(InputError, match=r"symmetry must be a point group; got 'Q4'\. Use C1, Cn"):
        symmetry_operators("Q4")
