"""Which map stands for a run, a map on fewer voxels, and the difference of two."""

import numpy as np
import pytest
import xarray as xr
from tolerances import FLOAT32_FFT

import cryonb as cn
from cryonb.errors import CryonbError
from cryonb.imaging.fourier import half_transform, real_space
from cryonb.imaging.shells import shell_index
from cryonb.maps import binned, difference, resampled, shown_map, volume_of
from cryonb.provenance import lineage
from cryonb.schema import HALVES, VOLUME, build, grid_coordinates


def blobs(size: int, length: float = 96.0, widths=(8.0, 12.0)) -> np.ndarray:
    """Return two Gaussians in a box of the same field of view, whatever the sampling; nothing of them is cut off."""
    z, y, x = np.meshgrid(*[(np.arange(size) - size // 2) * (length / size)] * 3, indexing="ij")
    first = np.exp(-((x - 10) ** 2 + y**2 + z**2) / (2 * widths[0] ** 2))
    second = np.exp(-(x**2 + (y + 6) ** 2 + (z - 4) ** 2) / (2 * widths[1] ** 2))
    return (first + 0.5 * second).astype(np.float32)


def blob_map(size: int, length: float = 96.0) -> xr.Dataset:
    return volume_of(blobs(size, length), length / size)


def half_maps(*densities: np.ndarray, classes: int = 0) -> xr.Dataset:
    array = np.stack(densities)
    array = np.stack([array * (number + 1) for number in range(classes)]) if classes else array
    coords = {**grid_coordinates(array.shape[-1], 2.0), "half": list(HALVES), "voxel_size": 2.0}
    return build(VOLUME, {"half_map": array}, {**coords, "class_id": [1, 2] if classes else None})


def test_the_mean_of_half_maps_stands_for_a_run_without_another_map():
    shown = shown_map(half_maps(blobs(16), 3 * blobs(16)))
    np.testing.assert_allclose(shown["density"].values, 2 * blobs(16), rtol=1e-6)
    assert shown.attrs["schema"] == VOLUME.name
    assert float(shown["z"][0]) == -16.0


def test_a_class_is_chosen_and_the_first_is_the_default():
    run = half_maps(blobs(16), blobs(16), classes=2)
    np.testing.assert_allclose(shown_map(run)["density"].values, blobs(16), rtol=1e-6)
    np.testing.assert_allclose(shown_map(run, 2)["density"].values, 2 * blobs(16), rtol=1e-6)


def test_the_sharpened_map_comes_first():
    one, other = blobs(16), 2 * blobs(16)
    run = xr.Dataset(
        {name: (("z", "y", "x"), array) for name, array in (("density", one), ("sharpened", other))},
        {"voxel_size": 2.0},
    )
    np.testing.assert_array_equal(shown_map(run)["density"].values, other)


@pytest.mark.parametrize(("size", "largest", "left"), [(48, 24, 24), (45, 24, 24), (48, 25, 24), (48, 48, 48)])
def test_a_binned_map_is_the_map_sampled_more_coarsely(size, largest, left):
    small = binned(blob_map(size), largest)
    assert small["density"].shape == (left,) * 3
    assert float(small["voxel_size"]) * left == pytest.approx(96.0)
    np.testing.assert_allclose(small["density"].values, blobs(left), atol=2e-3)


def test_slabs_change_nothing(monkeypatch):
    whole = resampled(blobs(24), (16,) * 3)
    monkeypatch.setattr("cryonb.maps.SLAB_BYTES", 1)
    np.testing.assert_array_equal(resampled(blobs(24), (16,) * 3), whole)


def test_a_map_that_is_no_cube_keeps_its_centre_and_its_voxels():
    density = np.zeros((24, 32, 28), np.float32)
    density[12 - 2 : 12 + 3, 16 - 2 : 16 + 3, 14 - 2 : 14 + 3] = 1.0
    small = binned(volume_of(density, 2.0), 16)
    assert small["density"].shape == (16,) * 3
    assert float(small["voxel_size"]) == 4.0
    assert np.unravel_index(np.argmax(small["density"].values), (16,) * 3) == (8, 8, 8)


def test_identical_maps_do_not_differ():
    one = blob_map(32)
    made = difference(one, one)
    assert float(np.abs(made["density"]).max()) <= FLOAT32_FFT
    assert lineage(made)[-1]["verb"] == "difference"


def test_the_same_object_on_another_grid_and_another_scale_does_not_differ():
    made = difference(blob_map(32), blob_map(48).assign(density=blob_map(48)["density"] * -4.0))
    assert made.sizes["x"] == 32
    assert float(np.abs(made["density"]).max()) < 2e-4
    assert "minus -0.25 times the second, on 32 voxels of 3 A" in made.attrs["note"]


def test_what_one_map_has_and_the_other_has_not_is_left():
    rng = np.random.default_rng(0)
    first, second = (volume_of(rng.standard_normal((24,) * 3).astype(np.float32), 3.0) for _ in range(2))
    mixed = first.assign(density=first["density"] + second["density"])
    left = difference(mixed, first)["density"].values
    wanted = difference(second, first)["density"].values
    np.testing.assert_allclose(left, wanted, atol=20 * FLOAT32_FFT)
    assert float(np.std(wanted)) > 0.5


def test_a_background_is_part_of_what_is_left():
    one, level = blob_map(32), np.float32(0.25)
    change = difference(one.assign(density=one["density"] + level), one)["density"].values
    np.testing.assert_allclose(change, level, rtol=1e-3)


def test_shells_without_data_in_one_map_are_left_out():
    rng = np.random.default_rng(1)
    fine = rng.standard_normal((32,) * 3).astype(np.float32)
    coarse = real_space(half_transform(fine) * (shell_index(32) <= 7), 32).astype(np.float32)
    made = difference(volume_of(fine, 3.0), volume_of(coarse, 3.0))
    assert "from 96 to 13.7 A" in made.attrs["note"]
    power = np.abs(np.fft.fftn(made["density"].values))
    assert power[0, 0, 12] < 1e-4 * np.abs(np.fft.fftn(fine)).max()


REFUSED = [
    (
        lambda: difference(blob_map(32), blob_map(32, 120.0)),
        "maps to be compared must have the same field of view within half a voxel; got 32 voxels of 3 A and 32 voxels "
        "of 3.75 A. Reconstruct both in boxes of the same length.",
    ),
    (
        lambda: difference(blob_map(32), volume_of(np.zeros((32, 32, 30), np.float32), 3.0)),
        "maps to be compared must be cubes; got 32 x 32 x 30. Pad the map to a cube first.",
    ),
    (
        lambda: difference(blob_map(16), volume_of(np.zeros((16,) * 3, np.float32), 6.0)),
        "both maps must have data at a common spatial frequency; got none. Choose others.",
    ),
    (lambda: difference(3, 4), "a Dataset with a map is needed; got int. Give a reconstruction or a volume."),
    (
        lambda: shown_map(xr.Dataset(attrs={"schema": "cryonb/fsc"})),
        "a Dataset with a map is needed; got cryonb/fsc. Give a reconstruction or a volume.",
    ),
    (
        lambda: shown_map(half_maps(blobs(16), blobs(16), classes=2), 3),
        "class_id must be one of 1, 2; got 3. Choose one of these.",
    ),
    (lambda: binned(blob_map(16), 4), "largest must be at least 8 [voxel]; got 4. Use 128."),
]


@pytest.mark.parametrize(("call", "sentence"), REFUSED, ids=[sentence[:40] for _, sentence in REFUSED])
def test_what_cannot_work_says_so(call, sentence):
    with pytest.raises(CryonbError) as caught:
        call()
    assert str(caught.value) == sentence


def test_the_front_door_knows_the_difference():
    assert cn.difference is difference
