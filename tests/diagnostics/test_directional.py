"""The directional FSC: known curves in every direction, gaps where nothing was inserted, and no number from nothing."""

from functools import lru_cache

import numpy as np
import pytest
from tolerances import CONE_NOISE, GAP_CENTRE

import cryonb as cn
from cryonb.diagnostics import diagnose
from cryonb.errors import InputError, RunStopped
from cryonb.imaging.directions import unit_vectors
from cryonb.imaging.forward import clean_images
from cryonb.imaging.fourier import half_indices, half_radius, half_transform, real_space
from cryonb.imaging.masks import lowpass, soft_sphere
from cryonb.imaging.rotations import euler_to_matrix

from .conftest import decaying_halves, refinement, volume

SIZE = 48


def noise(seed, amplitude=1.0, size=SIZE):
    """Return the transform of white noise of unit variance a coefficient, times an amplitude."""
    white = np.random.default_rng(seed).normal(size=(size,) * 3)
    return half_transform(white / size**1.5) * amplitude


def pair(signal, amplitude=1.0, size=SIZE):
    """Return half maps: a common signal and independent noise."""
    return volume([real_space(signal + noise(seed, amplitude, size), size) for seed in (1, 2)], 2.0)


def cosine(axis, size=SIZE):
    """Return abs(u . axis) of every coefficient of a half-complex transform."""
    kz, ky, kx = half_indices(size)
    along = kx * axis[0] + ky * axis[1] + kz * axis[2]
    return np.abs(along) / np.maximum(half_radius(size), 1e-6)


def angle_to(result, name, axis):
    """Return the angle of a named direction to an axis [degree]."""
    found = result["named_axis"].sel(named_direction=name).values
    return np.rad2deg(np.arccos(min(1.0, abs(found @ np.asarray(axis)))))


def deviations(result, expected):
    """Return how far the curves of the cones lie from an expectation, in standard deviations of the noise."""
    shell = np.maximum(result["shell"].values, 1)
    pairs = 0.5 * 4 * np.pi * shell**2 * (1 - np.cos(np.deg2rad(float(result["half_angle"]))))
    return (result["fsc_cone"].values - expected)[:, 6:] * np.sqrt(pairs)[6:] / np.maximum(1 - expected**2, 0.1)[:, 6:]


@pytest.fixture(scope="module")
def even():
    """Return the judgement of half maps whose FSC is 0.6 in every direction."""
    return diagnose(pair(noise(0, np.sqrt(1.5))), "directional")


def test_every_direction_agrees_with_all_where_the_data_are_isotropic(even):
    cones = even["fsc_cone"].values
    assert np.abs(deviations(even, np.full(cones.shape, 0.6))).max() < CONE_NOISE
    assert cones[:, 6:].mean(axis=0) == pytest.approx(even["fsc_global"].values[6:], abs=0.02)
    assert np.array_equal(even["fsc_global"], diagnose(pair(noise(0, np.sqrt(1.5))), "fsc")["fsc"][0])
    assert even["has_data"].all()
    assert float(even["cfar"]) > 0.85
    assert (even["fso"][6:] == 1).all()


def test_a_curve_that_never_falls_has_no_resolution(even):
    assert np.isnan(even["cone_resolution"]).all()
    assert np.isnan(float(even["resolution"]))
    assert np.isnan(even["fso_resolution"]).all()
    said = "The curve over all directions never falls to 0.143, nor does that of any single direction; the data end at"
    assert even.attrs["verdict"].startswith(f"{said} 4.00 A")


def test_a_region_that_the_end_of_the_data_cuts_short_has_no_sphericity(even):
    assert float(even["sphericity_bounded"]) > 0.9
    assert np.isnan(float(even["sphericity"]))
    assert "directions are above 0.5 where the data end" in even.attrs["verdict"]
    fall = np.exp(-((half_radius(SIZE) / 14.0) ** 2))
    round_ = diagnose(pair(noise(0, 3.0) * fall), "directional")
    assert float(round_["sphericity_bounded"]) == 0
    assert float(round_["sphericity"]) > 0.95
    assert f"sphericity {float(round_['sphericity']):.2f}" in round_.attrs["verdict"]


def test_everything_is_labelled(even):
    assert even.sizes["direction"] == 486
    assert even["fsc_cone"].dims == ("direction", "frequency")
    assert even["fsc_volume"].dims == ("kz", "ky", "kx")
    assert even["kz"].attrs["units"] == "1/angstrom"
    assert float(even["kx"][-1]) == pytest.approx(23 / 96)
    assert float(even["fsc_volume"].sel(kz=0, ky=0, kx=0)) == 1
    assert np.isnan(float(even["fsc_volume"].isel(kz=-1, ky=-1, kx=-1)))
    axes = unit_vectors(even["direction_rot"].values, even["direction_tilt"].values)
    assert axes == pytest.approx(even["direction_axis"].values)
    assert float(even["half_angle"]) == 20
    assert np.isnan(even["named_axis"].sel(named_direction="empty")).all()


def test_a_signal_that_fades_with_the_angle_is_found_by_its_formula():
    strength, half_angle = 3.0, 20.0
    halves = pair(noise(0, np.sqrt(strength)) * cosine((0, 0, 1)))
    result = diagnose(halves, "directional", empty_below=0.0)
    edge = np.cos(np.deg2rad(half_angle))
    inner = (1 + edge + edge**2) / 3  # mean of cos^2 of the angle to the axis, over the cap
    z = result["direction_axis"].values[:, 2]
    ssnr = strength * (z**2 * inner + (1 - z**2) * (1 - inner) / 2)
    expected = np.repeat((ssnr / (1 + ssnr))[:, None], result.sizes["frequency"], axis=1)
    assert np.abs(deviations(result, expected)).max() < CONE_NOISE + 1
    assert result["fsc_cone"].values[:, 10:].mean(axis=1) == pytest.approx(expected[:, 0], abs=0.06)
    assert angle_to(result, "best", (0, 0, 1)) < 25
    assert angle_to(result, "worst", (0, 0, 1)) > 65
    ratio = expected[:, 0].min() / expected[:, 0].max()
    assert float(result["cfar"]) == pytest.approx(ratio, abs=0.08)
    assert "preferred orientation" in result.attrs["verdict"]
    along, across = (
        result["fsc_volume"].sel(point, method="nearest") for point in ({"kx": 0, "ky": 0}, {"kz": 0, "ky": 0})
    )
    assert float(along[12:20].mean()) > 0.6
    assert float(across[12:20].mean()) < 0.3


def test_fso_falls_from_the_best_to_the_worst_directions():
    fall = np.exp(-((half_radius(SIZE) / 16.0) ** 2) * (2.0 - cosine((0, 0, 1))))
    result = diagnose(pair(noise(0, 3.0) * fall), "directional")
    coarse, half, fine = result["fso_resolution"].values
    assert coarse > half > fine
    assert fine == pytest.approx(np.nanpercentile(result["cone_resolution"], 10), rel=0.06)
    assert half == pytest.approx(float(result["resolution"]), rel=0.06)
    each = result["cone_resolution"].values
    z = np.abs(result["direction_axis"].values[:, 2])
    assert np.nanmean(each[z > 0.9]) < np.nanmean(each[z < 0.4])


@pytest.mark.parametrize("masked", [False, True])
def test_an_empty_cone_is_named_and_its_curves_are_nan(masked):
    axis = unit_vectors([40.0], [50.0])[0]
    filled = cosine(axis) < np.cos(np.deg2rad(35))
    halves = [real_space((noise(0, 2.0) + noise(seed)) * filled, SIZE) for seed in (1, 2)]
    mask = soft_sphere(SIZE, 2.0, 30.0, 10.0) if masked else None
    result = diagnose(volume(halves, 2.0), "directional", mask=mask)
    away = np.rad2deg(np.arccos(np.abs(result["direction_axis"].values @ axis)))
    assert not result["has_data"].values[away < 14].any()
    assert result["has_data"].values[away > 24].all()
    assert np.isnan(result["fsc_cone"].values[away < 14]).all()
    assert np.isnan(result["cone_resolution"].values[away < 14]).all()
    assert angle_to(result, "empty", axis) < GAP_CENTRE
    assert (result["fsc_cone"].values[away < 14].size) > 0
    assert "directions hold no data, about rot 4" in result.attrs["verdict"]
    z, y, x = (np.round(axis[::-1] * 18) + SIZE // 2).astype(int)
    assert np.isnan(result["fsc_volume"].values[z, y, x])


@lru_cache
def seen_from(view, snr, pad_factor, count=300):
    """Return half maps of the helices, reconstructed from views up to 60 degrees from the top, or from the side."""
    heights = np.random.default_rng(7).uniform(0.5, 1.0, count)
    tilt = np.rad2deg(np.arccos(heights)) if view == "top" else np.full(count, 90.0)
    truth = cn.phantom("helices", box_size=SIZE, pixel_size=4.0)
    particles = cn.simulate(truth, n_particles=count, snr=1.0, ctf=False, shift_sigma=0.0)
    rng = np.random.default_rng(3)
    rot, psi = rng.uniform(-180, 180, (2, count))
    images = clean_images(
        truth["density"].values, euler_to_matrix(rot, tilt, psi), np.zeros((count, 2)), None, size=SIZE, voxel_size=4.0
    )
    images += np.sqrt(images.var() / snr) * rng.normal(size=images.shape).astype(np.float32)
    angles = {name: particles[name].copy(data=value) for name, value in (("rot", rot), ("tilt", tilt), ("psi", psi))}
    particles = particles.assign(image=particles["image"].copy(data=images.astype(np.float32)), **angles)
    return cn.reconstruct(particles, box=dict(pad_factor=pad_factor))


def assert_the_worst_is_the_coarsest_with_data(result):
    nearest = np.argmax(
        np.abs(result["direction_axis"].values @ result["named_axis"].sel(named_direction="worst").values)
    )
    worst = float(result["named_resolution"].sel(named_direction="worst"))
    assert result["has_data"].values[nearest]
    assert worst == pytest.approx(float(result["cone_resolution"].max()), nan_ok=True)
    if np.isfinite(worst):
        assert f"and {worst:.2f} A" in result.attrs["verdict"] or f"and {worst:.1f} A" in result.attrs["verdict"]


@pytest.mark.parametrize(("snr", "pad_factor"), [(1.0, 2.0), (0.05, 2.0), (1.0, 1.0)])
@pytest.mark.parametrize("masked", [False, True])
def test_top_views_leave_a_gap_about_z(snr, pad_factor, masked):
    config = {"mask": {"kind": "sphere", "radius": 60.0}} if masked else None
    result = diagnose(seen_from("top", snr, pad_factor), "directional", config=config)
    gap = ~result["has_data"].values
    assert gap.any()
    assert angle_to(result, "empty", (0, 0, 1)) < 10
    assert_the_worst_is_the_coarsest_with_data(result)
    assert "directions hold no data, about z" in result.attrs["verdict"]
    assert (result["direction_tilt"].values[gap] < 20).all()
    assert float(result["cfar"]) < 0.5


@pytest.mark.parametrize(("snr", "pad_factor"), [(1.0, 2.0), (0.05, 2.0), (1.0, 1.0)])
def test_side_views_leave_no_direction_without_data(snr, pad_factor):
    result = diagnose(seen_from("side", snr, pad_factor), "directional")
    assert result["has_data"].all()
    assert (result["cone_empty"] == 0).all()
    assert "no data" not in result.attrs["verdict"]


def test_filtered_maps_under_a_mask_are_recognised_and_their_plateau_is_no_signal():
    rng = np.random.default_rng(0)
    halves = [
        lowpass(half.astype(np.float32), 1.5, 9.0) + 1e-4 * rng.normal(size=half.shape)
        for half in decaying_halves(size=SIZE, noise=0.2, b_factor=0.0)
    ]
    result = diagnose(volume(halves, 1.5), "directional", mask=soft_sphere(SIZE, 1.5, 12.0, 4.5))
    below = result["below_floor"].values.astype(bool)
    assert below[11:].all()
    assert (result["fsc_global"].values[11:] > 0.5).all()
    assert np.isnan(result["fsc_cone"].values[:, below]).all()
    assert np.isnan(result["fso"].values[below]).all()
    assert "on the maps are filtered" in result.attrs["verdict"]
    assert "whose correlation is no signal" in result.attrs["verdict"]


def test_a_refinement_is_judged_in_its_own_bands():
    weight = np.where(np.arange(33) <= 16, 4.0, 0.0)
    run = refinement(decaying_halves(), 1.5, weight, "circle", particle_nyquist=16 / 96)
    result = diagnose(run, "directional", n_directions=24)
    assert np.isnan(result["fsc_cone"].values[:, 17:]).all()
    assert np.isfinite(result["fsc_cone"].values[:, 8:17]).all()
    assert float(result["data_end"]) == pytest.approx(6.0)
    assert float(result["particle_nyquist"]) == pytest.approx(1 / 6)


@pytest.mark.parametrize(("wanted", "given"), [(6, 6), (20, 24), (100, 96), (1000, 1014)])
def test_any_number_of_directions(wanted, given, halves):
    result = diagnose(halves, "directional", n_directions=wanted, half_angle=30.0)
    assert result.sizes["direction"] == given
    assert np.isfinite(result["fsc_volume"].values).any()


def test_odd_boxes_work():
    result = diagnose(volume(decaying_halves(size=33), 1.5), "directional", n_directions=54)
    assert result["fsc_volume"].shape == (33, 33, 33)
    assert float(result["kz"][0]) == pytest.approx(-16 / (33 * 1.5))


def test_it_can_be_stopped_and_says_how_far_it_is(halves):
    seen = []

    def stop(fraction, text):
        seen.append(fraction)
        if len(seen) == 20:
            raise RunStopped("enough")

    with pytest.raises(RunStopped):
        diagnose(halves, "directional", progress=stop)
    assert seen == sorted(seen)


def test_more_memory_than_is_allowed_is_refused(halves):
    with pytest.raises(InputError, match="conical FSC must fit in memory"):
        diagnose(halves, "directional", config={"compute": {"memory_limit": 0.001}})
