"""Local resolution: two regions told apart, uniform maps as the global FSC, noise and empty shells without a number."""

import mrcfile
import numpy as np
import pytest
from tolerances import LOCAL_NOISE, LOCAL_UNIFORM

import cryonb as cn
from cryonb.errors import InputError, RunStopped
from cryonb.imaging.fourier import half_radius, half_transform, real_space
from cryonb.imaging.masks import lowpass, soft_sphere

from .conftest import volume

VOXEL = 1.5
METHODS = ("modified", "windowed")


def noise(size, rng):
    return rng.standard_normal((size,) * 3).astype(np.float32)


def two_regions(size=64, fine=4.5, coarse=9.0, seed=0):
    """Return half maps whose signal ends at one resolution above the middle and at another below, with white noise."""
    rng = np.random.default_rng(seed)
    above = 1.0 / (1.0 + np.exp(-(np.arange(size) - size // 2)))[:, None, None]
    signal = lowpass(noise(size, rng), VOXEL, fine) * above + lowpass(noise(size, rng), VOXEL, coarse) * (1.0 - above)
    return volume([signal + 0.2 * noise(size, rng) for _ in range(2)], VOXEL)


def uniform(size=64, b_factor=200.0, seed=0):
    """Return half maps of the same resolution everywhere."""
    rng = np.random.default_rng(seed)
    fall = np.exp(-b_factor / 4 * (half_radius(size) / (size * VOXEL)) ** 2)
    signal = real_space(half_transform(noise(size, rng)) * fall, size)
    return volume([signal + 0.1 * noise(size, rng) for _ in range(2)], VOXEL)


def pure_noise(size=48, seed=1):
    rng = np.random.default_rng(seed)
    return volume([noise(size, rng) for _ in range(2)], VOXEL)


@pytest.fixture(scope="module")
def regions():
    return cn.diagnose(two_regions(), "local_resolution")


@pytest.mark.parametrize(("method", "middle", "low"), [("modified", 0.5, 1.2), ("windowed", 1.0, 1.8)])
def test_two_regions_are_told_apart(method, middle, low):
    """A sharp end of the signal is blurred by 1 / diameter: the curve passes 0.5 near it, and 0.143 past it."""
    found = cn.diagnose(two_regions(), "local_resolution", method=method)
    within = 1.0 / float(found["window_diameter"])
    for place, truth in ((20.0, 4.5), (-20.0, 9.0)):
        plane = found["local_resolution"].sel(grid_z=place, method="nearest")
        frequency = 1.0 / plane.median(("grid_y", "grid_x"), skipna=True)
        assert float(frequency.sel(threshold="0.5")) == pytest.approx(1 / truth, abs=middle * within)
        assert float(frequency.sel(threshold="0.143")) == pytest.approx(1 / truth, abs=low * within)


def test_the_modified_form_blurs_the_edge_of_a_filter_less(regions):
    windowed = cn.diagnose(two_regions(), "local_resolution", method="windowed")
    errors = [
        abs(1 / float(found["local_resolution"].sel(threshold="0.143", grid_z=slice(10, 30)).median()) - 1 / 4.5)
        for found in (regions, windowed)
    ]
    assert errors[0] < 0.8 * errors[1]


@pytest.mark.parametrize("method", METHODS)
def test_a_uniform_map_has_its_global_resolution_everywhere(method):
    found = cn.diagnose(uniform(), "local_resolution", method=method)
    median = found["quantile_resolution"].sel(quantile=0.5)
    assert median.values == pytest.approx(found["global_resolution"].values, rel=LOCAL_UNIFORM)
    spread = found["quantile_resolution"].sel(threshold="0.143")
    assert float(spread.sel(quantile=0.95) / spread.sel(quantile=0.05)) < 1.15


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_resolution(method, seed):
    found = cn.diagnose(pure_noise(seed=seed), "local_resolution", method=method)
    judged = (found["outcome"] != "outside").sum()
    assert np.isfinite(found["local_resolution"]).sum() <= LOCAL_NOISE * judged
    assert (found["outcome"] == "data end").sum() <= LOCAL_NOISE * judged
    assert found.attrs["verdict"].startswith("No local resolution")


def test_a_window_leaks_past_a_filter_in_the_windowed_form_only():
    """The filter ends at shell 17.5 of 96 A; a window of 20 A lets a band reach 1 / (20 A) further."""
    halves = cn.filtered_half_maps("filter_then_mask", box_size=64, lowpass=6.0)
    past = 1.0 / (17.5 / 96.0 + 1.2 / 20.0)
    share = {}
    for method in METHODS:
        found = cn.diagnose(halves, "local_resolution", method=method, window_diameter=20.0).sel(threshold="0.143")
        claimed = (found["local_resolution"] < past) | (found["outcome"] == "data end")
        share[method] = float(claimed.sum() / (found["outcome"] != "outside").sum())
    assert share["modified"] == 0.0
    assert share["windowed"] > 0.5


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_finer_than_where_the_data_end(method):
    halves = cn.filtered_half_maps("filter", box_size=64, voxel_size=1.5, lowpass=6.0, residue=0.0)
    found = cn.diagnose(halves, "local_resolution", method=method)
    end = float(found["data_end"])
    assert 5.0 < end < 6.5
    for name in ("local_resolution", "resolution_map", "resolution_section", "quantile_resolution"):
        values = found[name].values
        assert not (values < end * (1 - 1e-6)).any()
    assert (found["outcome"] == "data end").any()


def test_places_outside_the_mask_have_no_number(regions):
    mask = soft_sphere(64, VOXEL, 20.0, 3.0)
    found = cn.diagnose(two_regions(), "local_resolution", mask=mask)
    outside = found["outcome"].values == "outside"
    assert outside.any()
    assert np.isnan(found["local_resolution"].values[outside]).all()
    assert np.isnan(found["resolution_map"].values[:, mask < 0.5]).all()
    assert (regions["outcome"] == "outside").sum() < outside.sum()


def test_relion_half_maps(relion_halves, relion_mask):
    masked = cn.diagnose(relion_halves, "local_resolution", mask=relion_mask)
    assert (masked["outcome"].sel(threshold="0.143") == "data end").sum() > 300
    assert 5.5 < float(masked["quantile_resolution"].sel(threshold="0.5", quantile=0.5)) < 9.0
    everywhere = cn.diagnose(relion_halves, "local_resolution")
    outcome = everywhere["outcome"].sel(threshold="0.143")
    assert outcome.sel(grid_z=0, grid_y=0, grid_x=0, method="nearest") == "data end"
    assert outcome.sel(grid_z=-50, grid_y=0, grid_x=0, method="nearest") == "below"


def test_the_full_map_has_a_bound_where_the_curve_stays_above(relion_halves, relion_mask, tmp_path):
    found = cn.diagnose(relion_halves, "local_resolution", mask=relion_mask).sel(threshold="0.143")
    inside = relion_mask >= 0.5
    known = np.isfinite(found["resolution_map"].values)
    assert known[inside].mean() > 0.9 and not known[~inside].any()
    assert np.nanmin(found["resolution_map"]) == np.float32(found["data_end"])
    places = {name: found[f"grid_{name}"] for name in "zyx"}
    at_places = found["resolution_map"].sel(places, method="nearest").values
    end = found["outcome"].values == "data end"
    assert np.isnan(found["local_resolution"].values[end]).all()
    assert at_places[end] == pytest.approx(float(found["data_end"]))
    assert np.isnan(at_places[found["outcome"].values == "outside"]).all()
    cn.write_map(found["resolution_map"], tmp_path / "local.mrc")
    with mrcfile.open(tmp_path / "local.mrc") as stream:
        assert any("4.20 A means 4.20 A or finer" in label for label in stream.get_labels())
        assert (stream.data == 0).sum() == (~known).sum()
        assert float(stream.voxel_size.x) == pytest.approx(2.1)
        assert float(stream.header.dmean) == pytest.approx(float(stream.data.mean()), rel=1e-4)


def test_noise_has_nothing_in_the_full_map_either():
    found = cn.diagnose(pure_noise(seed=2), "local_resolution")
    assert np.isfinite(found["resolution_map"]).mean() <= LOCAL_NOISE


def test_everything_is_labelled(regions):
    assert regions["local_resolution"].dims == ("threshold", "grid_z", "grid_y", "grid_x")
    assert regions["local_resolution"].attrs["units"] == "angstrom"
    assert float(regions["window_diameter"]) == pytest.approx(7 * float(regions["resolution"]), rel=1e-6)
    assert np.diff(regions["grid_z"])[0] == pytest.approx(float(regions["step"]))
    assert 0.0 in regions["grid_x"].values
    assert regions["resolution_map"].shape == (2, 64, 64, 64)
    assert regions["histogram"].sum("bin").max() <= (regions["outcome"] == "reached").sum("threshold").size
    assert (np.diff(regions["noise_spread"]) < 0).all()
    lean = cn.diagnose(two_regions(), "local_resolution", full_box=False, step=12.0, window_diameter=30.0)
    assert "resolution_map" not in lean
    assert float(lean["step"]) == 12.0


def test_threads_change_nothing(regions):
    one = cn.diagnose(two_regions(), "local_resolution", config={"compute": {"threads": 1}})
    assert np.array_equal(one["local_resolution"], regions["local_resolution"], equal_nan=True)


@pytest.mark.parametrize("method", METHODS)
def test_it_can_be_stopped_between_two_steps(method):
    seen = []

    def stop(fraction, text):
        seen.append(fraction)
        if fraction > 0.5:
            raise RunStopped("stopped")

    with pytest.raises(RunStopped):
        cn.diagnose(two_regions(), "local_resolution", method=method, progress=stop)
    assert seen == sorted(seen)
    assert len(seen) > 5


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"window_diameter": 3.0}, r"window_diameter must lie between 6 and 43.2 \[angstrom\]; got 3"),
        ({"window_diameter": 80.0}, "got 80. Use about 7 times the resolution"),
        ({"config": {"compute": {"memory_limit": 1e-3}}}, r"must fit in memory \[GiB\]; got .* Crop or bin"),
        ({"method": "blocres"}, "method must be one of its choices"),
    ],
)
def test_what_cannot_work_is_refused(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        cn.diagnose(pure_noise(), "local_resolution", **settings)
