import signal
import threading
import time
import warnings

import numpy as np
import pytest
from noise_particles import make_particles
from tolerances import LOOP_SUM

from cryonb.errors import InputError, RunStopped
from cryonb.refine.loop import plan, reconstruct


def bits(run):
    return run["half_map"].values.tobytes()


def test_results_have_the_same_bits_whatever_the_machine_does(particles):
    reference = bits(reconstruct(particles, compute=dict(threads=1)))
    for compute in (dict(threads=2), dict(threads=5), dict(threads=1, batch_size=64), dict(threads=2, batch_size=1000)):
        assert bits(reconstruct(particles, compute=compute)) == reference, compute


def test_results_do_not_depend_on_the_order_of_the_table(particles):
    shuffled = particles.isel(particle=np.random.default_rng(1).permutation(70))
    run = reconstruct(shuffled)
    assert bits(run) == bits(reconstruct(particles))
    assert np.array_equal(run["rot"], shuffled["rot"])


def test_a_run_is_labelled_with_what_made_it(particles):
    run = reconstruct(particles, box=dict(box_size=32, binning=1, pad_factor=1.5, limit="square"))
    assert dict(run.sizes) == {"half": 2, "z": 32, "y": 32, "x": 32, "frequency": 17, "particle": 70}
    assert float(run["voxel_size"]) == 1.5 and float(run["pixel_size"]) == 3.0
    assert float(run["particle_nyquist"]) == pytest.approx(1 / 6) and float(run["grid_nyquist"]) == pytest.approx(1 / 3)
    assert run["z"].values[0] == -24.0 and run["frequency"].values[1] == pytest.approx(1 / 48)
    assert run.attrs["limit"] == "square" and run.attrs["kernel"] == "trilinear"
    assert '"verb": "reconstruct"' in run.attrs["provenance"] and '"ctf": "none"' in run.attrs["provenance"]


def test_shells_past_the_data_have_no_fsc(particles):
    circle = reconstruct(particles, box=dict(box_size=32))
    square = reconstruct(particles, box=dict(box_size=32, limit="square"))
    assert np.isfinite(circle["fsc_unmasked"][:9]).all() and np.isnan(circle["fsc_unmasked"][10:]).all()
    assert np.isfinite(square["fsc_unmasked"][:11]).all() and np.isnan(square["fsc_unmasked"][13:]).all()


@pytest.mark.parametrize("kernel", ["nearest", "trilinear", "kaiser_bessel", "nufft"])
@pytest.mark.parametrize("size", [12, 13])
def test_every_kernel_gives_finite_maps_of_noise(kernel, size):
    run = reconstruct(make_particles(40, size), box=dict(kernel=kernel, box_size=size + 4))
    assert np.isfinite(run["half_map"]).all()
    assert abs(float(run["fsc_unmasked"][3:6].mean())) < 0.35


def test_kernels_agree_where_there_is_signal(data):
    from cryonb.imaging.fourier import half_transform
    from cryonb.imaging.shells import fourier_shell_correlation
    from cryonb.io import open_particles

    particles = open_particles(data / "relion" / "noisy.star")

    def first_half(kernel, count):
        run = reconstruct(particles.isel(particle=slice(0, count)), box=dict(kernel=kernel))
        return half_transform(run["half_map"].values[0])

    assert fourier_shell_correlation(first_half("trilinear", 400), first_half("kaiser_bessel", 400))[:9].min() > 0.9
    assert fourier_shell_correlation(first_half("nufft", 100), first_half("kaiser_bessel", 100))[:5].min() > 0.9


def test_a_thinly_filled_grid_is_warned_about(particles):
    with pytest.warns(UserWarning, match="outermost shell of the padded grid holds 0.73 coefficients a point"):
        reconstruct(particles, box=dict(pad_factor=3))
    many = make_particles(400, 16)
    with pytest.warns(UserWarning, match="kernel nearest needs about 12"):
        reconstruct(many, box=dict(kernel="nearest"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reconstruct(many)


def test_a_mask_is_kept_beside_the_maps_and_its_box_is_checked(particles):
    mask = np.ones((16, 16, 16), np.float32)
    assert np.array_equal(reconstruct(particles, mask=mask)["mask"], mask)
    made = reconstruct(particles, {"mask": {"kind": "sphere"}})
    assert made["mask"].values[8, 8, 8] == 1.0
    with pytest.raises(InputError, match="16 x 16 x 16"):
        reconstruct(particles, mask=np.ones((8, 8, 8), np.float32))


def test_corners_are_softened_only_where_every_shell_holds_data(particles):
    z, y, x = np.indices((16,) * 3) - 8
    corner = np.sqrt(x**2 + y**2 + z**2) > 11.5
    auto, kept = reconstruct(particles), reconstruct(particles, box=dict(corners="keep"))
    assert np.ptp(auto["half_map"].values[0][corner]) < 1e-6
    assert np.ptp(kept["half_map"].values[0][corner]) > 1e-3
    finer = reconstruct(particles, box=dict(box_size=32))
    assert bits(finer) == bits(reconstruct(particles, box=dict(box_size=32, corners="keep")))


def test_the_plan_comes_before_the_memory(particles):
    needed = plan(particles, box=dict(box_size=64), imaging=dict(symmetry="D2"))
    assert needed.insertions == 280 and needed.padded_size == 128
    assert "box of 64 voxels" in str(needed)
    with pytest.raises(
        InputError, match=r"a run must fit in memory; got a run that needs .* where 1\.0 MiB are allowed"
    ):
        reconstruct(particles, box=dict(box_size=256, limit="square"), compute=dict(memory_limit=0.001))
    lean = plan(particles, box=dict(pad_factor=1)).memory_bytes
    with pytest.raises(InputError, match=r"box\.pad_factor 1 would fit, with .* MiB"):
        reconstruct(particles, box=dict(pad_factor=3), compute=dict(memory_limit=1.01 * lean / 2**30))


def test_a_run_tells_its_progress_and_stops_when_asked(particles):
    told = []
    reconstruct(particles, progress=lambda fraction, text: told.append(fraction))
    assert told == sorted(told) and told[-1] == 1.0

    def stop(fraction, text):
        raise RunStopped("stopped by the user. Start it again.")

    for box in (dict(), dict(kernel="nufft")):
        with pytest.raises(RunStopped):
            reconstruct(make_particles(400, 16), box=box, progress=stop)


def test_an_interrupt_ends_the_work_of_all_threads_within_a_second():
    """As Ctrl-C does: the main thread is interrupted while the others work."""
    many = make_particles(60000, 16)
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        reconstruct(many, box=dict(box_size=32, kernel="kaiser_bessel"), imaging=dict(symmetry="O"))
    interrupted = time.monotonic()
    while any("ThreadPoolExecutor" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() - interrupted < 1.0
        time.sleep(0.01)


def test_an_exact_run_tells_its_progress(particles):
    told = []
    reconstruct(particles, box=dict(kernel="nufft"), progress=lambda fraction, text: told.append(fraction))
    assert told == sorted(told) and told[-1] == pytest.approx(1.0) and len(set(told)) > 5


def test_symmetry_makes_the_map_symmetric(particles):
    run = reconstruct(particles, imaging=dict(symmetry="C2"), box=dict(kernel="kaiser_bessel"))
    inner = run["half_map"].values[0][1:, 1:, 1:]
    assert np.allclose(inner, inner[:, ::-1, ::-1], atol=1e-4 * np.abs(inner).max())


@pytest.mark.parametrize("box", [dict(box_size=32), dict(box_size=32, limit="square"), dict(pad_factor=1)])
def test_nothing_is_claimed_past_the_finest_resolution_that_was_inserted(box):
    signal = np.exp(-((np.arange(16) - 8) ** 2) / 2.0)
    image = np.broadcast_to(np.outer(signal, signal), (200, 16, 16)).astype(np.float32)
    run = reconstruct(make_particles(200, 16, image=image), box=box, refine=dict(max_resolution=9.6))
    assert float(run["data_end"]) >= 9.6 and float(run["data_limit"]) == pytest.approx(1 / 9.6)
    assert np.isnan(run["fsc_unmasked"].values[6:]).all()
    assert not float(run["resolution"]) < 9.6


def test_kaiser_bessel_needs_padding(particles):
    with pytest.raises(InputError, match=r"at least 1\.5 with kernel kaiser_bessel"):
        reconstruct(particles, box=dict(kernel="kaiser_bessel", pad_factor=1))


def test_provenance_tells_masks_apart_and_speed_not(particles):
    import json

    def record(**kwargs):
        return json.loads(reconstruct(particles, **kwargs).attrs["provenance"])

    plain, quick = record(), record(compute=dict(threads=1))
    assert plain["settings_digest"] == quick["settings_digest"]
    masks = [record(mask=np.full((16,) * 3, value, np.float32))["inputs"] for value in (0.5, 1.0)]
    assert masks[0] != masks[1]


def test_symmetry_is_carried_to_what_judges_the_run(particles):
    from cryonb.diagnostics import diagnose

    run = reconstruct(particles, imaging=dict(symmetry="D2"))
    lone = run.assign_attrs(symmetry="C1")
    thresholds = [diagnose(ds, "fsc")["threshold_curve"].sel(threshold="half_bit").values[0, 4] for ds in (run, lone)]
    assert thresholds[0] > thresholds[1]


def test_an_exact_run_says_how_it_ended(particles):
    run = reconstruct(particles, box=dict(kernel="nufft"))
    assert "converged after" in run.attrs["solver"] and float(run["pad_factor"]) == 1.0


def shared_out(particles, posterior):
    """Return particles with the share of each in two classes."""
    numbered = particles.assign_coords(class_id=("class_id", np.array([1, 2]), {"units": "1"}))
    return numbered.assign(class_posterior=(("particle", "class_id"), posterior, {"units": "1"}))


def test_classes_are_reconstructed_from_their_shares_of_the_particles():
    particles = make_particles(60, 16)
    first = np.arange(60) % 4 < 2
    both = reconstruct(shared_out(particles, np.stack([first, ~first], axis=1).astype(float)), box={"pad_factor": 1})
    for class_id, members in ((1, first), (2, ~first)):
        alone = reconstruct(particles.isel(particle=members), box={"pad_factor": 1})
        one = both.sel(class_id=class_id)
        np.testing.assert_allclose(one["half_map"], alone["half_map"], atol=LOOP_SUM)
        np.testing.assert_allclose(one["insertion_weight"], alone["insertion_weight"], rtol=1e-5)
        np.testing.assert_array_equal(one["band"], alone["band"])
    halved = reconstruct(shared_out(particles, np.full((60, 2), 0.5)), box={"pad_factor": 1})
    whole = reconstruct(particles, box={"pad_factor": 1})
    np.testing.assert_allclose(halved["half_map"].sel(class_id=2), whole["half_map"], atol=LOOP_SUM)


def test_shares_of_a_class_lie_between_none_and_all():
    with pytest.raises(InputError, match="class_posterior must lie between 0 and 1; got 0.5 to 1.5. Repair the table."):
        reconstruct(shared_out(make_particles(8, 16), np.array([[0.5, 1.5]] * 8)))


def test_images_are_interpolated_without_threads_that_wait_for_each_other(particles, monkeypatch):
    from threadpoolctl import threadpool_info, threadpool_limits

    from cryonb.config import RunConfig
    from cryonb.refine import prepare
    from cryonb.refine.operator import Operator, Switch

    seen, interpolate = [], prepare.interpolate_images

    def watched(*given):
        seen.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return interpolate(*given)

    monkeypatch.setattr(prepare, "interpolate_images", watched)
    config = RunConfig.gather(box=dict(box_size=32, resample="linear"))
    with threadpool_limits(2, "blas"):
        reconstruct(particles, config)
        Operator(particles, config).run(Switch("A", "circle"))
    assert set(seen) <= {1}
