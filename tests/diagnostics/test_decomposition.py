"""The decomposition against simulated particles of which the truth is known, and against runs of the operator."""

from functools import cache

import numpy as np
import pytest
from noise_particles import make_particles
from small_decompositions import curve, small, small_mask, small_particles
from tolerances import (
    EXACT_CURVE,
    LAW_ELSEWHERE,
    LAW_OF_ROOTS,
    NOISE_SIGMAS,
    TELESCOPE,
)

from cryonb.config import RunConfig
from cryonb.diagnostics import diagnose
from cryonb.errors import InputError
from cryonb.imaging.dither import turned_grids, within_sphere
from cryonb.imaging.exact import Solver, least_squares_volume
from cryonb.imaging.fourier import half_transform
from cryonb.imaging.shells import fourier_shell_correlation
from cryonb.phantoms import phantom
from cryonb.refine.loop import reconstruct
from cryonb.refine.operator import Operator, Switch
from cryonb.refine.prepare import Weigher
from cryonb.simulate import simulate

pytestmark = pytest.mark.filterwarnings("ignore:the outermost shell")

BOX, NYQUIST = 80, 20
SHELL = np.arange(BOX // 2 + 1)
PAST_CORNERS = SHELL > NYQUIST * 2.0**0.5
PHANTOMS = {
    "helices": dict(pixel_size=2.4, b_factor=60.0),
    "steep": dict(pixel_size=2.4, b_factor=400.0),
    "another": dict(pixel_size=2.0, b_factor=150.0, arrangement=2),
}
WITHOUT_CTF = {"helices": 20.0, "steep": 60.0, "another": 60.0}
"""Signal over noise at which the tail of the circle stays in sight with 500 particles; with CTF 200, and 700."""


@cache
def truth_of(name):
    return phantom("helices", box_size=BOX, **PHANTOMS[name])


@cache
def particles_of(name, ctf):
    settings = dict(n_particles=700, snr=200.0) if ctf else dict(n_particles=500, snr=WITHOUT_CTF[name])
    return simulate(truth_of(name), binning=2.0, ctf=ctf, seed=3, **settings)


def box_of(pad, limit="square", size=BOX):
    return dict(box=dict(box_size=size, pad_factor=pad, limit=limit))


@cache
def decomposed(name, ctf, pad, limit="square", surrogates=0, surrogate_resolution=0.0):
    options = dict(dithers=4, surrogates=surrogates, surrogate_resolution=surrogate_resolution)
    return diagnose(particles_of(name, ctf), "decomposition", config=box_of(pad, limit), **options)


# -- the law


@pytest.mark.parametrize("ctf", [False, True], ids=["plain", "contrast"])
@pytest.mark.parametrize("name", PHANTOMS)
@pytest.mark.parametrize("pad", [1.0, 2.0])
def test_what_is_tied_to_the_particle_is_the_truth(name, ctf, pad):
    """sqrt(dithered) = FSC(half map, truth), where both are the root of signal over power."""
    found = decomposed(name, ctf, pad)
    half = reconstruct(particles_of(name, ctf), box_of(pad))["half_map"].values[0]
    true = fourier_shell_correlation(half_transform(half), half_transform(truth_of(name)["density"].values))
    dithered = curve(found, "dithered")
    high = dithered > 0.2
    assert np.abs(np.sqrt(dithered[high]) - true[high]).max() < LAW_OF_ROOTS
    assert np.abs(dithered - true**2)[~high].max() < LAW_ELSEWHERE
    assert np.abs(dithered[PAST_CORNERS]).max() < LAW_ELSEWHERE
    assert high[: NYQUIST + 1].all() and (~high).sum() > 10


@pytest.mark.parametrize("ctf", [False, True], ids=["plain", "contrast"])
@pytest.mark.parametrize("name", PHANTOMS)
def test_the_tail_of_the_circle_is_locked_to_the_grid(name, ctf):
    found = decomposed(name, ctf, 1.0)
    circle, tied, locked = (curve(found, part) for part in ("circle", "dithered_circle", "grid_locked_circle"))
    assert circle[PAST_CORNERS].min() > 0.1
    assert np.abs(tied[PAST_CORNERS]).max() < LAW_ELSEWHERE
    assert np.array_equal(locked, circle - tied) and locked[PAST_CORNERS].min() > 0.1


def test_curves_have_the_shapes_of_the_table():
    """Flat tails of 0.1 to 0.2 at pad 1 and 0.03 to 0.07 at pad 2 with the circle; the square ends at sqrt(2)."""
    found = {pad: decomposed("helices", False, pad) for pad in (1.0, 2.0)}
    tails = {pad: curve(found[pad], "circle")[PAST_CORNERS] for pad in found}
    assert tails[1.0].min() > 0.1 and tails[1.0].max() < 0.2
    assert tails[2.0].min() > 0.02 and tails[2.0].max() < 0.08
    for pad in found:
        standard, dithered = curve(found[pad], "standard"), curve(found[pad], "dithered")
        corner = slice(NYQUIST + 1, NYQUIST + 8)
        assert np.all(np.diff(dithered[corner]) < 0) and dithered[NYQUIST + 1] > 0.6
        assert np.abs(standard - dithered)[: NYQUIST + 8].max() < 0.05
        assert np.abs(dithered[PAST_CORNERS]).max() < LAW_ELSEWHERE


@pytest.mark.parametrize("pad", [1.0, 2.0])
def test_the_support_is_smooth_over_few_shells(pad):
    found = decomposed("helices", False, pad, "circle", 2)
    band = found["band"].values
    support = np.flatnonzero(band == "support")
    assert np.array_equal(support, NYQUIST + 1 + np.arange(2))
    assert np.all(band[: NYQUIST + 1] == "measured") and np.all(band[NYQUIST + 3 :] == "no data")
    assert np.abs(curve(found, "dithered_circle")[support.max() + 1 :]).max() < 0.05
    assert np.isnan(float(found["resolution"]))
    narrow = diagnose(
        particles_of("helices", False),
        "decomposition",
        config=box_of(2.0, "circle"),
        dithers=1,
        surrogates=0,
        particle_diameter=48.0,
    )
    assert (narrow["band"].values == "support").sum() == 8


@pytest.mark.parametrize("resolution,end", [(0.0, 20), (20.0, 9)])
def test_the_surrogate_ends_where_its_signal_does(resolution, end):
    found = decomposed("helices", False, 2.0, "circle", 2, resolution)
    surrogate = curve(found, "surrogate")
    assert surrogate[1 : end - 1].min() > 0.9
    assert np.abs(surrogate[end + 2 :]).max() < 0.1
    assert float(found["surrogate_resolution"]) == pytest.approx(192.0 / 20 if resolution == 0 else resolution)
    assert int(found["n_surrogates"]) == 2


def test_pure_noise_shows_nothing():
    found = decomposed("helices", False, 2.0, "circle", 2)
    assert np.all(np.abs(curve(found, "noise")[1:]) < NOISE_SIGMAS / np.sqrt(found["n_coefficients"].values[1:]))


@pytest.mark.slow
def test_the_dithered_curve_is_that_of_an_exact_reconstruction():
    """Least squares without a grid, by conjugate gradients until the residual of the normal equations is below 0.3 %.

    On the last shell before sqrt(2) of the Nyquist a thin corner is left, where least squares amplify its noise.
    """
    truth = phantom("helices", box_size=64, pixel_size=3.0, radius=56.0, n_points=5900)
    particles = simulate(truth, n_particles=6000, binning=2.0, ctf=False, snr=3.0, shift_sigma=0.0, seed=3)
    exact = fourier_shell_correlation(*exact_halves(particles, 64))
    for pad, last in ((3.0, 22), (2.0, 21)):
        found = diagnose(particles, "decomposition", config=box_of(pad, size=64), dithers=4, surrogates=0)
        difference = np.abs(curve(found, "dithered") - exact)
        assert difference[1 : last + 1].max() < EXACT_CURVE


def exact_halves(particles, size):
    operator = Operator(particles, RunConfig.gather(box=dict(box_size=size, limit="square", kernel="nufft")))
    for half in "AB":
        images = operator.images(half, "square")
        weigher = Weigher.of(images)
        tiles = [weigher(tile, images.read(tile)) for tile in images.tiles()]
        coefficients, weights = (np.concatenate(part) for part in zip(*tiles))
        rotations = images.rotations[:, 0].astype(np.float64)
        solver = Solver(tolerance=3e-3, max_iterations=100)
        density, record = least_squares_volume(coefficients, weights, rotations, size, solver=solver)
        assert record.converged and record.residual <= 3e-3
        yield half_transform(density)


# -- sums


@pytest.mark.parametrize("limit", ["circle", "square"])
@pytest.mark.parametrize("masked", [False, True], ids=["bare", "masked"])
def test_the_terms_sum_to_the_curves(limit, masked):
    found = small(given=small_mask() if masked else None, box=dict(box_size=32, limit=limit))
    rest = curve(found, "in_band") + curve(found, "support")
    square = curve(found, "grid_locked") + curve(found, "corner") + rest
    assert np.abs(square - curve(found, "standard")).max() < TELESCOPE
    assert np.abs(curve(found, "grid_locked_circle") + rest - curve(found, "circle")).max() < TELESCOPE
    assert np.abs(curve(found, "dithered_circle") - rest).max() < TELESCOPE
    assert not np.any(curve(found, "in_band")[9:]) and not np.any(curve(found, "support")[:9])
    if masked:
        own, locked = ("standard", "grid_locked") if limit == "square" else ("circle", "grid_locked_circle")
        terms = (locked, "corner", "in_band", "support", "mask_leak")
        total = sum(curve(found, term, "fsc_masked") for term in terms)
        assert np.abs(total - curve(found, own, "fsc_masked")).max() < TELESCOPE


@pytest.mark.parametrize("groups", [{}, {"imaging": {"symmetry": "C4"}}, {"box": dict(box_size=24, pad_factor=1.5)}])
def test_the_curve_that_is_taken_apart_is_the_runs_own(groups):
    for limit, component in (("square", "standard"), ("circle", "circle")):
        own = {**groups, "box": {"box_size": 32, **groups.get("box", {}), "limit": limit}}
        run = reconstruct(small_particles(True), own)
        found = small(small_particles(True), options={"surrogates": 0}, **own)
        held = np.isfinite(run["fsc_unmasked"].values)
        assert np.abs(curve(found, component) - run["fsc_unmasked"].values)[held].max() < TELESCOPE
        assert np.array_equal(found["insertion_weight"].values, run["insertion_weight"].values)
        assert float(found["data_end"]) == float(run["data_end"])
        assert float(found["resolution"]) == pytest.approx(float(run["resolution"]), nan_ok=True)


@pytest.mark.parametrize(
    "limit,tied,own", [("square", "dithered", "standard"), ("circle", "dithered_circle", "circle")]
)
def test_curves_are_correlations_of_the_operators_maps(limit, tied, own):
    """Where shells hold data, what is spilled off the grid is taken out of the power, which raises a curve a little."""
    found = small(options={"surrogates": 0}, box=dict(box_size=32, pad_factor=1))
    operator = Operator(small_particles(), RunConfig.gather(box=dict(box_size=32, pad_factor=1)))
    first, second = operator.run(Switch("A", limit), Switch("B", limit))
    turned = [operator.run(Switch("B", limit, turn))[0] for turn in turned_grids(2, 0)]
    known = within_sphere(first.transform)
    expected = np.mean([fourier_shell_correlation(known, made.transform) for made in turned], axis=0)
    raised = curve(found, tied) - expected
    assert np.abs(raised[13:]).max() < TELESCOPE
    assert raised.min() > -TELESCOPE and raised[: 8 if limit == "circle" else 11].max() < 0.02
    standard = fourier_shell_correlation(first.transform, second.transform)
    assert np.abs(curve(found, own) - standard).max() < TELESCOPE


def test_every_replica_has_noise_of_its_own():
    few, more = (small(options=dict(dithers=1, surrogates=count)) for count in (1, 2))
    for name in ("surrogate", "surrogate_circle"):
        difference = np.abs(curve(few, name) - curve(more, name))
        assert difference.max() > TELESCOPE
        assert np.any(curve(more, name, "fsc_spread") != curve(few, name, "fsc_spread"))


def test_the_mask_of_the_settings_is_the_runs_own():
    for kind in ("dynamic", "threshold", "sphere"):
        groups = dict(box=dict(box_size=32), mask=dict(kind=kind))
        found = small(options=dict(dithers=1, surrogates=0), **groups)
        run = reconstruct(small_particles(), groups)
        again = small(options=dict(dithers=1, surrogates=0), given=run["mask"].values, box=dict(box_size=32))
        assert str(found["mask_digest"].values) == str(again["mask_digest"].values)
        assert np.array_equal(found["fsc_masked"].values, again["fsc_masked"].values, equal_nan=True)
        assert float(found["mask_volume"]) == pytest.approx(float(run["mask"].sum()) * 6.0**3, rel=1e-5)


# -- bands and numbers


@cache
def ending_in_the_corner():
    particles = simulate(truth_of("steep"), n_particles=500, binning=2.0, ctf=False, snr=10.0, seed=3)
    return particles, diagnose(particles, "decomposition", config=box_of(2.0), dithers=4, surrogates=0)


def test_bands_follow_in_their_order():
    band = ending_in_the_corner()[1]["band"].values
    order = ["measured", "corner", "noise", "support", "no data"]
    places = [order.index(label) for label in band]
    assert places == sorted(places) and set(band) == set(order)
    assert np.flatnonzero(band == "corner").min() == NYQUIST + 1
    last = int(2.0**0.5 * (NYQUIST - 1) + 0.5)  # the last line of even images is left out, so that they are square
    assert np.flatnonzero(band == "noise").max() == last


def test_a_resolution_is_found_beside_noise_and_never_without_data():
    particles, found = ending_in_the_corner()
    run = reconstruct(particles, box_of(2.0))
    assert float(found["resolution"]) == pytest.approx(float(run["resolution"]))
    assert float(found["resolution"]) > float(found["data_end"])
    fsc = diagnose(run, "fsc")
    empty = np.isin(found["band"].values, ("support", "no data"))
    assert empty.any() and np.isnan(fsc["fsc"].values[:, empty]).all()
    assert np.isfinite(curve(found, "standard")[empty]).all()
    circle = decomposed("helices", False, 2.0, "circle", 2)
    assert np.isnan(float(circle["resolution"]))


def test_a_curve_may_fall_through_the_threshold_at_a_shell_of_noise():
    truth = phantom("helices", box_size=64, pixel_size=3.0, b_factor=60.0)
    particles = simulate(truth, n_particles=400, binning=2.0, ctf=True, snr=0.03, seed=3)
    found = diagnose(particles, "decomposition", config=box_of(2.0, size=64), dithers=4, surrogates=0)
    shell = 192.0 / float(found["resolution"])
    assert found["band"].values[[int(shell), int(shell) + 1]].tolist() == ["measured", "noise"]
    assert shell == pytest.approx(192.0 / float(reconstruct(particles, box_of(2.0, size=64))["resolution"]))


def test_noise_has_neither_signal_nor_resolution():
    found = small(make_particles(200, 16), options={"surrogates": 0}, box=dict(box_size=32, limit="square"))
    assert not np.isin(found["band"].values[1:], ("measured", "corner")).any()
    assert np.isnan(float(found["resolution"]))
    assert "no signal was found" in found.attrs["verdict"] and "grid-locked" not in found.attrs["verdict"]
    assert "resolution" in found.coords


def test_the_dataset_says_what_made_it():
    found = small(options={"surrogate_resolution": 30.0}, box=dict(box_size=32, limit="square", pad_factor=1))
    assert (int(found["n_dithers"]), int(found["n_surrogates"])) == (2, 1)
    assert float(found["surrogate_resolution"]) == pytest.approx(30.0)
    assert float(found["particle_nyquist"]) == pytest.approx(1 / 24) and float(found["grid_nyquist"]) == 1 / 12
    assert found.attrs["limit"] == "square" and found.attrs["kernel"] == "trilinear"
    assert float(found["coverage"][8]) == 1.0 and found["coverage"].values[12:].max() == 0.0
    assert '"diagnostic": "decomposition"' in found.attrs["provenance"]
    corner = slice(NYQUIST + 1, NYQUIST + 6)
    predicted = decomposed("helices", False, 1.0)["predicted_corner"].values
    assert np.isfinite(predicted[corner]).all() and np.isnan(predicted[: NYQUIST + 1]).all()


# -- settings


@pytest.mark.parametrize("resample", ["linear", "cubic"])
@pytest.mark.parametrize("limit,own", [("square", "standard"), ("circle", "circle")])
def test_resampling_is_what_the_fourier_way_would_not_have(resample, limit, own):
    box = dict(box_size=32, limit=limit)
    found = small(options={"surrogates": 0}, box=dict(resample=resample, **box))
    other = small(options={"surrogates": 0}, box=box)
    assert np.abs(curve(found, own) - curve(found, "resampling") - curve(other, own)).max() < TELESCOPE
    assert "resampling" not in other["component"] and "fourier_resampled" not in found["component"]
    assert found.attrs["resample"] == resample


@pytest.mark.parametrize(
    "groups",
    [
        {"box": {"kernel": "nearest"}},
        {"box": {"kernel": "kaiser_bessel"}},
        {"box": {"kernel": "nufft"}},
        {"box": {"pad_factor": 1.5}},
        {"box": {"limit": "square", "box_size": 18}},
        {"box": {"box_size": 16}},
        {"refine": {"max_resolution": 38.0}},
        {"refine": {"max_resolution": 38.0}, "box": {"box_size": 18}},
        {"imaging": {"symmetry": "C4"}},
        {"imaging": {"window": (0.8, 1.0), "normalise": True}},
        {"imaging": {"ctf": "phase_flip"}},
    ],
    ids=str,
)
def test_every_setting_has_its_decomposition(groups):
    own = {**groups, "box": {"box_size": 32, **groups.get("box", {})}}
    found = small(small_particles(True), options={"surrogates": 0 if "nufft" in str(groups) else 1}, **own)
    assert np.isfinite(found["fsc"].values).all() and np.isfinite(curve(found, "dithered", "fsc_spread")).all()
    assert "nan" not in found.attrs["verdict"]
    last = 8 if "refine" not in groups else 5
    assert curve(found, "dithered")[1:last].min() > 0.5
    past = int(np.floor(last * 2**0.5)) + 4
    assert np.abs(curve(found, "dithered")[past:]).max(initial=0.0) < 0.15


@pytest.mark.parametrize("limit", ["circle", "square"])
def test_odd_boxes_too(limit):
    truth = phantom("helices", box_size=63, pixel_size=3.0)
    particles = simulate(truth, n_particles=300, binning=63 / 31, ctf=True, snr=5.0, seed=3)
    count = particles.sizes["y"]
    particles = particles.isel(y=slice(0, count - 1 + count % 2), x=slice(0, count - 1 + count % 2))
    assert particles.sizes["y"] == 31
    found = small(particles, box=dict(box_size=63, limit=limit))
    half = reconstruct(particles, box=dict(box_size=63, limit=limit))["half_map"].values
    expected = fourier_shell_correlation(*(half_transform(one) for one in half))
    own, tied = ("circle", "dithered_circle") if limit == "circle" else ("standard", "dithered")
    assert np.abs(curve(found, own) - expected).max() < TELESCOPE
    assert np.abs(curve(found, own) - curve(found, tied))[1:14].max() < 0.05


def test_one_grid_has_no_scatter():
    found = small(options=dict(dithers=1, surrogates=0))
    for term in ("grid_locked", "grid_locked_circle", "corner"):
        assert np.isnan(curve(found, term, "fsc_spread")).all()
    assert np.isfinite(curve(found, "dithered", "fsc_spread")).all()
    assert not {"surrogate", "surrogate_circle", "noise"} & set(found["component"].values)
    assert (int(found["n_dithers"]), int(found["n_surrogates"])) == (1, 0)


def test_the_seed_decides_and_threads_do_not():
    def bits(**compute):
        found = small(compute=compute)
        return found["fsc"].values.tobytes() + found["fsc_spread"].values.tobytes()

    assert bits(threads=1) == bits(threads=2) == bits(threads=2, batch_size=128)
    assert bits(seed=1) != bits(seed=0)


@pytest.mark.parametrize("field", ["dithers", "surrogates", "surrogate_resolution", "particle_diameter"])
def test_options_out_of_bounds_are_refused(field):
    with pytest.raises(InputError, match=field):
        small(options={field: -1})
