import dataclasses
import warnings

import numpy as np
import pytest
from noise_particles import make_particles
from tolerances import CARRIED_SUM, TURNED_SIGNAL

from cryonb.config import RunConfig
from cryonb.errors import InputError, RunStopped
from cryonb.imaging.dither import turned_grids, within_sphere
from cryonb.imaging.fourier import half_transform
from cryonb.imaging.shells import fourier_shell_correlation
from cryonb.phantoms import phantom
from cryonb.refine.loop import reconstruct
from cryonb.refine.operator import Operator, Switch
from cryonb.simulate import simulate

pytestmark = pytest.mark.filterwarnings("ignore:the outermost shell")

SETTINGS = {
    "plain": {},
    "finer": dict(box=dict(box_size=32)),
    "pad 1": dict(box=dict(box_size=24, pad_factor=1)),
    "pad 3": dict(box=dict(pad_factor=3)),
    "nearest": dict(box=dict(kernel="nearest")),
    "kaiser_bessel": dict(box=dict(kernel="kaiser_bessel", pad_factor=1.5)),
    "exact": dict(box=dict(kernel="nufft")),
    "uncorrected": dict(box=dict(gridding_correction=False)),
    "soft": dict(box=dict(box_size=24, corners="soft")),
    "symmetric": dict(imaging=dict(symmetry="D2")),
    "contrast": dict(imaging=dict(ctf="full")),
    "flipped": dict(imaging=dict(ctf="phase_flip")),
    "binned": dict(box=dict(binning=1.25, box_size=20)),
    "linear": dict(box=dict(resample="linear", box_size=32)),
    "cubic": dict(box=dict(resample="cubic", binning=1.25, box_size=32)),
    "treated": dict(imaging=dict(window=(0.8, 1.0), normalise=True, invert_contrast=True)),
    "cut": dict(box=dict(box_size=32), refine=dict(max_resolution=9.0)),
}


@pytest.fixture(scope="module")
def seen():
    """Return 70 particles of helices with contrast transfer, in images of 20 pixels."""
    return simulate("helices", box_size=40, pixel_size=3.0, n_particles=70, binning=2.0, snr=1.0, seed=1)


@pytest.mark.parametrize("limit", ["circle", "square"])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_without_a_switch_it_makes_the_runs_own_half_maps(seen, settings, limit):
    config = RunConfig.gather({"imaging": {"ctf": "none"}, **settings})
    own = dataclasses.replace(config, box=config.box.replace(limit=limit))
    run = reconstruct(seen, own)
    for made, half in zip(Operator(seen, own).run(Switch("A", limit), Switch("B", limit)), run["half_map"].values):
        assert made.transform.tobytes() == half_transform(half).tobytes()
    other = Operator(seen, config).run(Switch("A", limit))[0]
    assert other.transform.tobytes() == half_transform(run["half_map"].values[0]).tobytes()
    assert np.array_equal(other.shell_weight, run["insertion_weight"].values[0])


def test_odd_boxes_too():
    noise = make_particles(40, 13)
    config = RunConfig.gather(box=dict(box_size=21, limit="square"))
    run = reconstruct(noise, config)
    made = Operator(noise, config).run(Switch("B", "square"))[0]
    assert made.transform.tobytes() == half_transform(run["half_map"].values[1]).tobytes()


def test_the_way_of_resampling_is_a_switch(seen):
    operator = Operator(seen, RunConfig.gather(box=dict(box_size=32)))
    run = reconstruct(seen, box=dict(box_size=32, resample="linear"))
    made = operator.run(Switch("A", "circle", resample="linear"))[0]
    assert made.transform.tobytes() == half_transform(run["half_map"].values[0]).tobytes()


def turned_and_unturned(particles, config):
    operator = Operator(particles, config)
    turned, unturned = operator.run(Switch("A", "circle", turned_grids(1, 4)[0]), Switch("A", "circle"))
    return turned.transform, within_sphere(unturned.transform)


@pytest.mark.parametrize("symmetry", ["C1", "C4", "D2", "O"])
def test_operators_turn_with_the_grid(symmetry):
    """Operators about the axes of the grid would make another map; 0.99 at every shell leaves no room for one."""
    particles = simulate(
        "octahedral", box_size=32, pixel_size=6.0, n_particles=400, binning=1.0, ctf=False, snr=5.0, seed=2
    )
    config = RunConfig.gather(imaging=dict(symmetry=symmetry))
    turned, unturned = turned_and_unturned(particles, config)
    assert fourier_shell_correlation(turned, unturned)[1:13].min() > TURNED_SIGNAL
    power = [np.linalg.norm(half[:, :, :8]) for half in (turned, unturned)]
    assert power[0] == pytest.approx(power[1], rel=0.03)


def test_a_lower_symmetry_is_not_mended_by_a_higher_one(seen):
    """The correlation above could fail: operators of a symmetry that the particles lack spoil their map."""
    config = RunConfig.gather(imaging=dict(symmetry="C1", ctf="full"))
    wrong = RunConfig.gather(imaging=dict(symmetry="D2", ctf="full"))
    halves = [Operator(seen, one).run(Switch("A", "circle"))[0].transform for one in (config, wrong)]
    assert fourier_shell_correlation(*halves)[3:9].max() < TURNED_SIGNAL


def test_results_do_not_depend_on_threads(seen):
    turn = turned_grids(1, 0)[0]
    switches = (Switch("A", "square", turn), Switch("B", "circle", keep_weights=True), Switch("B", "square", turn))
    results = []
    for threads in (1, 2, 5):
        config = RunConfig.gather(box=dict(box_size=24), compute=dict(threads=threads))
        results.append([made.transform.tobytes() for made in Operator(seen, config).run(*switches)])
    assert results[0] == results[1] == results[2]


def test_weights_are_kept_where_they_are_wanted(seen):
    config = RunConfig.gather(box=dict(box_size=24))
    operator = Operator(seen, config)
    kept, left = operator.run(Switch("A", "square", keep_weights=True), Switch("A", "square"))
    grid = operator.grid("square")
    assert left.weights is None and kept.weights.shape == (grid.side, grid.side, grid.reach + 1)
    assert kept.weights.max() > 0 and kept.transform.tobytes() == left.transform.tobytes()


def with_posterior(particles, posterior):
    values = np.stack([posterior, 1.0 - np.asarray(posterior)], axis=1)
    numbers = ("class_id", np.array([1, 2]), {"units": "1"})
    return particles.assign_coords(class_id=numbers).assign(
        class_posterior=(("particle", "class_id"), values, {"units": "1"})
    )


def both_halves(particles, config, class_id=0):
    return Operator(particles, config, class_id).run(Switch("A", "square"), Switch("B", "square"))


@pytest.mark.parametrize("ctf", ["none", "full"])
def test_a_posterior_of_one_or_zero_picks_particles(seen, ctf):
    config = RunConfig.gather(box=dict(box_size=24), imaging=dict(ctf=ctf))
    chosen = np.arange(70) % 3 == 0
    shared = with_posterior(seen, chosen.astype(float))
    for class_id, members in ((1, chosen), (2, ~chosen)):
        alone = both_halves(seen.isel(particle=np.flatnonzero(members)), config)
        for made, expected in zip(both_halves(shared, config, class_id), alone):
            largest = np.abs(expected.transform).max()
            assert np.allclose(made.transform, expected.transform, atol=CARRIED_SUM * largest)
            assert np.allclose(made.shell_weight, expected.shell_weight, rtol=CARRIED_SUM)


def test_a_posterior_counts_as_so_many_particles(seen):
    """Half of a particle beside whole ones is a particle beside others that are there twice."""
    config = RunConfig.gather(imaging=dict(ctf="full"))
    whole = np.flatnonzero(np.arange(70) % 3 == 0)
    share = np.full(70, 0.5)
    share[whole] = 1.0
    order = np.concatenate([np.arange(70), whole])
    twice = seen.isel(particle=order).assign_coords(particle=("particle", np.arange(len(order)), {"units": "1"}))
    for made, expected in zip(both_halves(with_posterior(seen, share), config, 1), both_halves(twice, config)):
        largest = np.abs(expected.transform).max()
        assert np.allclose(made.transform, expected.transform, atol=CARRIED_SUM * largest)
        assert np.allclose(2.0 * made.shell_weight, expected.shell_weight, rtol=CARRIED_SUM)


def test_a_run_that_does_not_fit_is_refused_with_a_setting_that_does(seen):
    def wanting(pad, limit=0):
        box, compute = dict(pad_factor=pad, limit="square"), dict(memory_limit=limit / 2**30)
        return Operator(seen, RunConfig.gather(box=box, compute=compute)).plan.memory_bytes

    needed = {pad: wanting(pad) for pad in (1.0, 1.5, 2.0)}
    assert needed[1.0] < needed[1.5] < needed[2.0]
    for pad in (1.5, 1.0):
        rule = rf"must fit in memory; got a run that needs .* MiB where .* box.pad_factor {pad:g} would fit, with"
        with pytest.raises(InputError, match=rule):
            wanting(2.0, needed[pad] + 1)
        assert wanting(pad, needed[pad] + 1)
    with pytest.raises(InputError, match="Set box.pad_factor to 1, box.box_size to a smaller grid"):
        wanting(2.0, needed[1.0] - 2)


def test_thin_grids_are_warned_about(seen):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Operator(seen, RunConfig.gather(box=dict(box_size=20, pad_factor=3)))
    assert any("coefficients a point" in str(one.message) for one in caught)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_listener_stops_every_thread_and_hears_of_the_whole(seen, threads):
    operator = Operator(seen, RunConfig.gather(box=dict(box_size=24), compute=dict(threads=threads)))
    heard = []
    operator.report_to(2, lambda fraction, text: heard.append((fraction, text)))
    switches = (Switch("A", "square", turned_grids(1, 0)[0]), Switch("B", "square"))
    operator.run(*switches)
    fractions = [fraction for fraction, _ in heard]
    assert fractions == sorted(fractions) and fractions[-1] == pytest.approx(1.0)
    steps = {text.partition(", ")[2] for _, text in heard}
    assert {"inserting slices", "to real space", "reading back the turned grid"} <= steps
    assert {text.partition(",")[0] for _, text in heard} <= {"map 1 of 2", "map 2 of 2"}

    def stop(fraction, text):
        raise RunStopped("enough.")

    with pytest.raises(RunStopped):
        operator.report_to(2, stop).run(*switches)


def test_the_phantom_comes_back_through_a_turned_grid():
    """Half A on a turned grid, read back, is the truth as far as the data go."""
    truth = phantom("helices", box_size=32, pixel_size=6.0)
    particles = simulate(truth, n_particles=500, binning=1.0, ctf=False, snr=20.0, shift_sigma=2.0, seed=3)
    made = Operator(particles, RunConfig()).run(Switch("A", "circle", turned_grids(1, 9)[0]))[0]
    known = within_sphere(half_transform(truth["density"].values))
    assert fourier_shell_correlation(made.transform, known)[1:11].min() > TURNED_SIGNAL
