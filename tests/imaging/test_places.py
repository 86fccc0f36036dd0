"""The lattice of places and the way back to the box."""

import numpy as np
import pytest

from cryonb.imaging.places import Lattice


@pytest.mark.parametrize(("size", "spacing"), [(16, 3), (17, 4), (8, 1)])
def test_the_centre_is_a_place_and_straight_lines_stay_straight(size, spacing):
    lattice = Lattice.of(size, spacing, np.ones((size,) * 3, np.float32))
    assert size // 2 in lattice.axis
    z, y, x = np.meshgrid(lattice.axis, lattice.axis, lattice.axis, indexing="ij")
    full = lattice.interpolated((2.0 * z - y + 0.5 * x).astype(np.float32))
    inner = slice(lattice.axis[0], lattice.axis[-1] + 1)
    z, y, x = np.mgrid[:size, :size, :size]
    assert full[inner, inner, inner] == pytest.approx((2.0 * z - y + 0.5 * x)[inner, inner, inner], abs=1e-4)
    for plane in range(3):
        section = lattice.interpolated(np.ones((len(lattice.axis),) * 3, np.float32), plane)
        assert section.shape == (size, size)
        assert section == pytest.approx(1.0)


def test_only_the_mask_is_judged_and_gaps_stay_gaps():
    mask = np.zeros((16, 16, 16), np.float32)
    mask[4:12, 4:12, 4:12] = 1.0
    lattice = Lattice.of(16, 4, mask)
    assert lattice.places.min() == 4
    assert lattice.places.max() == 8
    values = lattice.spread_out(np.ones((1, 8), np.float32), np.nan)[0]
    assert np.isnan(values).sum() == 4**3 - 8
    full = lattice.interpolated(values)
    assert np.isnan(full[~lattice.region]).all()
    assert full[4, 4, 4] == 1.0
    values[lattice.axis == 8] = np.nan
    assert np.isnan(lattice.interpolated(values)[8:12]).all()
