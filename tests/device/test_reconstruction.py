"""Half maps made on a card are those of the CPU, whatever the settings, and little comes back while they are made."""

import gc
from functools import cache

import numpy as np
import pytest
from tolerances import DEVICE_CURVE, DEVICE_MAP, DEVICE_READ_BACK

from cryonb.backends import get_backend
from cryonb.config import RunConfig
from cryonb.imaging.dither import bytes_to_read_back, read_back, read_back_by_kernel, turned_grids, within_sphere
from cryonb.imaging.reconstruct import reconstruct as divide_and_transform
from cryonb.imaging.reconstruct import without_corners
from cryonb.phantoms import phantom
from cryonb.refine.counter import Counter
from cryonb.refine.half_map import accumulated, half_map
from cryonb.refine.loop import reconstruct
from cryonb.refine.prepare import half_sets, images_of
from cryonb.simulate import simulate

pytestmark = pytest.mark.filterwarnings("ignore:the outermost shell")

MOST_OPERATIONS = 200
"""On arrays of a card, from inserted slices to the first map of a grid."""


@cache
def particles(size=24, ctf=True, count=90):
    truth = phantom("helices", box_size=size, pixel_size=6.0)
    return simulate(truth, n_particles=count, ctf=ctf, snr=2.0, shift_sigma=4.0, seed=2)


CASES = {
    "pad 1": dict(box=dict(pad_factor=1)),
    "pad 1.5, square": dict(box=dict(pad_factor=1.5, limit="square", box_size=32)),
    "pad 2": {},
    "nearest": dict(box=dict(kernel="nearest")),
    "kaiser_bessel": dict(box=dict(kernel="kaiser_bessel", pad_factor=1.5)),
    "binned": dict(box=dict(binning=1.5)),
    "linear": dict(box=dict(resample="linear", box_size=30)),
    "cubic, binned": dict(box=dict(resample="cubic", box_size=30, binning=1.2)),
    "odd box": dict(box=dict(box_size=27, limit="square")),
    "D2": dict(imaging=dict(symmetry="D2")),
    "no CTF": dict(imaging=dict(ctf="none")),
    "phase flip": dict(imaging=dict(ctf="phase_flip")),
    "prepared": dict(imaging=dict(normalise=True, invert_contrast=True, window=(0.8, 0.95))),
    "soft corners": dict(box=dict(corners="soft")),
    "corners kept": dict(box=dict(corners="keep", gridding_correction=False)),
    "cut": dict(refine=dict(max_resolution=20.0)),
}


def on(backend, groups, source=None):
    """Return a reconstruction on a backend."""
    compute = {**groups.get("compute", {}), "backend": backend}
    return reconstruct(particles() if source is None else source, {**groups, "compute": compute})


def same(here, there):
    """Assert that two reconstructions agree: maps to a part of the largest voxel, curves absolutely."""
    scale = np.abs(here["half_map"].values).max()
    assert np.abs(there["half_map"].values - here["half_map"].values).max() <= DEVICE_MAP * scale
    assert np.allclose(there["fsc_unmasked"], here["fsc_unmasked"], rtol=0, atol=DEVICE_CURVE, equal_nan=True)
    assert np.allclose(there["insertion_weight"], here["insertion_weight"], rtol=DEVICE_MAP)


@pytest.mark.parametrize("groups", CASES.values(), ids=CASES)
def test_half_maps(device, groups):
    same(on("numba", groups), on("cupy", groups))


def test_exact_half_maps(device):
    """So many images of few pixels that conjugate gradients converge; where they do not, rounding decides."""
    source = particles(12, ctf=False, count=1000)
    here, there = (on(backend, dict(box=dict(kernel="nufft")), source) for backend in ("numba", "cupy"))
    assert "not converged" not in here.attrs["solver"]
    same(here, there)


def test_odd_images(device):
    same(on("numba", {}, particles(21, count=60)), on("cupy", {}, particles(21, count=60)))


def test_some_images_of_a_stack(device):
    """Images of a subset, some of them twice, are uploaded once."""
    rows = np.array([5, 3, 3, 17, 40, 5, 88, 2])
    maps = {}
    for name in ("numba", "cupy"):
        config = RunConfig.gather(compute=dict(backend=name))
        images, backend = images_of(particles(), config).shown(rows), get_backend(name)
        [(_, pixels)] = images.fed(backend, [slice(0, 8)])
        assert np.array_equal(backend.download(pixels), images.read(slice(0, 8)))
        maps[name] = backend.download(half_map(images, 1, Counter(1.0, None)).density)
    assert np.abs(maps["cupy"] - maps["numba"]).max() <= DEVICE_MAP * np.abs(maps["numba"]).max()


@pytest.mark.parametrize("value, said", [(np.nan, "NaN"), (0.0, "zeros only")])
def test_images_are_checked_on_the_card(device, value, said):
    broken = particles().copy(deep=True)
    broken["image"][7] = value
    with pytest.raises(ValueError, match=f"{said}.* in particle 7"):
        on("cupy", {}, broken)


def test_steps_follow_the_memory(stand_in):
    """A card with little memory takes a tile at a time; one with much takes all images, and makes the same map."""
    source = particles(count=200)
    stand_in.card.capacity = 2**30
    at_once = on("cupy", {}, source)
    few = stand_in.card.launches
    stand_in.card.capacity = stand_in.card.held + 6 * 2**20
    stepwise = on("cupy", {}, source)
    assert stand_in.card.launches - few > few
    same(at_once, stepwise)
    same(on("numba", {}, source), stepwise)
    same(at_once, on("cupy", dict(compute=dict(batch_size=64)), source))


def test_little_comes_back(stand_in):
    """Of images, one number each; of a map, what its shells weigh, and the mean of its corners."""
    config, card, found = RunConfig.gather(box=dict(corners="soft"), compute=dict(backend="cupy")), stand_in.card, []
    for count in (40, 40, 160):
        images = half_sets(particles(count=count), config)[0]
        before = card.downloads, card.downloaded_bytes
        half_map(images, 1, Counter(1.0, None))
        found.append((card.downloads - before[0], card.downloaded_bytes - before[1] - 4 * len(images)))
    assert found[1] == found[2]  # the first map of a grid brings back how many points its shells have
    assert found[0][0] <= 6 and found[0][1] < 4000


def test_few_operations_make_a_map(stand_in, monkeypatch):
    """However large the box, planes go together: a card is not kept waiting for launches."""
    done = []
    monkeypatch.setattr(type(stand_in.card), "work", lambda card: done.append(1))
    for size in (24, 48):
        config = RunConfig.gather(box=dict(box_size=size), compute=dict(backend="cupy"))
        accumulator = accumulated(images_of(particles(count=40), config), 1, Counter(1.0, None))
        done.clear()
        without_corners(divide_and_transform(accumulator).density)
        assert len(done) < MOST_OPERATIONS


@pytest.mark.parametrize("size", [16, 21])
def test_a_map_is_read_back_by_a_kernel(device, size):
    density = np.random.default_rng(size).normal(size=(size,) * 3).astype(np.float32)
    for turn in (*turned_grids(2, 1), np.eye(3)):
        exact = read_back(density, turn)
        scale = DEVICE_READ_BACK * np.abs(exact).max()
        assert np.abs(read_back_by_kernel(density, turn) - exact).max() <= scale
        there = read_back(device.upload(density), turn)
        assert device.owns(there)
        assert np.abs(device.download(there) - exact).max() <= scale
        assert np.array_equal(device.download(within_sphere(there)), device.download(there))


@pytest.mark.parametrize("size", [24, 41])
def test_what_reading_back_holds_is_known(stand_in, size):
    card, density = stand_in.card, stand_in.xp.zeros((size,) * 3, np.float32)
    within_sphere(read_back(density, np.eye(3)))
    gc.collect()
    card.peak = before = card.held
    read_back(density, np.eye(3))
    assert 0.7 < (card.peak - before) / bytes_to_read_back(size, by_kernel=True) <= 1.0
