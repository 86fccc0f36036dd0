"""The verbs of the front door take files, Datasets and arrays alike."""

import numpy as np
import pytest

import cryonb as cn
from cryonb.errors import InputError
from cryonb.verbs import open_any, settle


@pytest.fixture(scope="module")
def particles():
    return cn.simulate("helices", box_size=16, pixel_size=4.0, n_particles=12)


@pytest.fixture(scope="module")
def mask(particles, tmp_path_factory):
    """Return a mask as an array, and the file that holds it."""
    line = np.arange(16) - 8
    inside = line[:, None, None] ** 2 + line[:, None] ** 2 + line**2 < 36
    path = tmp_path_factory.mktemp("mask") / "mask.mrc"
    cn.write_map(inside.astype(np.float32), path, voxel_size=4.0)
    return inside.astype(np.float32), path


def ways(mask):
    array, path = mask
    return [array, path, str(path), cn.open_map(path), cn.open_map(path).density, {"kind": "file", "path": path}]


def test_every_way_to_give_a_mask_gives_the_same(particles, mask):
    runs = [cn.reconstruct(particles, mask=way) for way in ways(mask)]
    assert all(np.array_equal(run.mask, mask[0]) for run in runs)
    curves = [cn.diagnose(runs[0].drop_vars("mask"), "fsc", mask=way) for way in ways(mask)]
    assert all(np.array_equal(fsc.fsc, curves[0].fsc, equal_nan=True) for fsc in curves)
    in_config = cn.reconstruct(particles, {"mask": {"kind": "file", "path": str(mask[1])}})
    assert np.array_equal(in_config.mask, mask[0])


def test_particles_may_be_a_path(particles, tmp_path):
    cn.write_star(particles, tmp_path / "p.star", tmp_path / "p.mrcs")
    from_path = cn.reconstruct(tmp_path / "p.star", box={"pad_factor": 1})
    from_dataset = cn.reconstruct(cn.open_particles(tmp_path / "p.star"), cn.RunConfig.gather(box={"pad_factor": 1}))
    assert np.array_equal(from_path.half_map, from_dataset.half_map)


def test_a_diagnostic_may_be_given_a_path(particles, tmp_path):
    run = cn.reconstruct(particles)
    cn.save(run, tmp_path / "run.zarr")
    assert np.array_equal(cn.diagnose(tmp_path / "run.zarr", "fsc").fsc, cn.diagnose(run, "fsc").fsc, equal_nan=True)


def test_keyword_groups_win_over_the_config(particles):
    run = cn.reconstruct(particles, {"box": {"pad_factor": 3, "box_size": 24}}, box={"pad_factor": 1})
    assert (float(run.pad_factor), int(run.box_size)) == (1.0, 24)


@pytest.mark.parametrize("wrong", [3, [1, 2], ("a", "b")])
def test_a_mask_of_a_wrong_kind_is_explained(wrong):
    with pytest.raises(InputError, match="a mask must be settings, an array, a Dataset or a file; got"):
        settle(None, wrong, {})


def test_a_dataset_without_a_mask_is_no_mask(particles):
    with pytest.raises(InputError, match="the Dataset of a mask must hold mask or density"):
        settle(None, particles, {})


def test_an_input_of_no_known_kind(tmp_path):
    (tmp_path / "x.txt").touch()
    with pytest.raises(InputError, match="an input must be a particle table"):
        open_any(tmp_path / "x.txt")
    with pytest.raises(InputError, match="the input must exist; got missing"):
        open_any(tmp_path / "y.txt")
