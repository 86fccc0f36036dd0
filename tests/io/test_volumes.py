"""Half maps belong together or are refused."""

import numpy as np
import pytest

from cryonb import io
from cryonb.errors import FormatError


def halves(folder, shapes=((6, 6, 6), (6, 6, 6)), voxels=(1.5, 1.5)):
    for name, shape, voxel in zip("ab", shapes, voxels):
        values = np.random.default_rng(ord(name)).normal(size=shape)
        io.write_map(values, folder / f"{name}.mrc", voxel_size=voxel)
    return folder / "a.mrc", folder / "b.mrc"


def test_real_half_maps(data):
    paths = [data / "relion" / f"rec31_half{half}_pad2.mrc" for half in (1, 2)]
    volume = io.open_half_maps(*paths)
    assert volume.half_map.dims == ("half", "z", "y", "x")
    assert volume.half.values.tolist() == ["A", "B"]
    assert float(volume.voxel_size) == 2.1
    for half, path in zip("AB", paths):
        np.testing.assert_array_equal(volume.half_map.sel(half=half).values, io.open_map(path).density.values)


def test_other_boxes_and_voxels_are_refused(tmp_path):
    with pytest.raises(FormatError, match=r"same box \[voxel\]; got \(6, 6, 6\) and \(6, 6, 5\)"):
        io.open_half_maps(*halves(tmp_path, ((6, 6, 6), (6, 6, 5))))
    with pytest.raises(FormatError, match=r"same voxel size \[angstrom\]; got 1.5 and 1.6"):
        io.open_half_maps(*halves(tmp_path, voxels=(1.5, 1.6)))
    assert float(io.open_half_maps(*halves(tmp_path, voxels=(1.5, 1.6)), voxel_size=1.5).voxel_size) == 1.5


def test_one_file_given_twice_is_warned_about(tmp_path):
    path, _ = halves(tmp_path)
    with pytest.warns(UserWarning, match="identical"):
        io.open_half_maps(path, path)
