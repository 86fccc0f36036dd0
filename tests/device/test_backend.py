"""The GPU backend by itself: where arrays live, how images are fed, and what its failures say."""

import threading
import time

import numpy as np
import pytest
import strict_cupy
from tiny_kernels import make_histogram, make_product

from cryonb import backends
from cryonb.backends import backend_of, cupy_gpu, failures_named, get_backend, gpu_feed
from cryonb.errors import BackendFailed


def test_arrays_know_where_they_live(device):
    there = device.upload(np.arange(4, dtype=np.float32))
    assert backend_of(there) is device and backend_of(np.zeros(1)).name == "numba"
    assert np.array_equal(device.download(there), [0, 1, 2, 3])
    assert device.download(np.ones(2)).sum() == 2
    with pytest.raises(TypeError):
        np.asarray(there)
    with pytest.raises(TypeError):
        there + np.ones(4)


def test_auto_takes_the_card(device):
    assert get_backend("auto") is device
    assert get_backend("numba").name == "numba"
    assert "compute capability" in device.describe()


def test_launches(device):
    source = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)
    there, result = device.upload(source), device.xp.zeros((5, 4, 3), np.float32)
    device.launch(make_product, (3.0,), source.shape, (there, result))
    assert np.array_equal(device.download(result), 3 * source)
    plane = np.random.default_rng(1).integers(0, 7, (50, 4, 3))
    value = np.random.default_rng(2).normal(size=plane.shape).astype(np.float32)
    total = device.xp.zeros(7, np.float32)
    device.launch_scatter(make_histogram, (), plane.shape, 7, (device.upload(plane), device.upload(value), total))
    expected = np.bincount(plane.ravel(), value.ravel(), 7)
    assert np.allclose(device.download(total), expected, atol=1e-4)
    device.launch(make_product, (3.0,), (0, 4, 3), (there[:0], result[:0]))


def test_images_are_fed_in_order_and_read_ahead(device):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(9, 5, 6, 7)).astype(np.float32)
    callers = set()

    def read(number):
        callers.add(threading.get_ident())
        time.sleep(0.002 * (number % 3))
        return images[number], np.arange(number + 1)

    total = device.xp.zeros((5, 6, 7), np.float32)
    for number, (pixels, count) in enumerate(device.feed(read, range(9))):
        assert pixels.shape == (5, 6, 7) and len(count) == number + 1
        total += pixels * np.float32(number + 1)
        assert np.array_equal(device.download(pixels), images[number])
        assert device.download(count)[-1] == number
    expected = sum(images[number] * np.float32(number + 1) for number in range(9))
    assert np.allclose(device.download(total), expected, atol=1e-4)
    assert threading.get_ident() not in callers
    assert list(device.feed(read, [])) == []


def test_what_reading_raises_arrives(device):
    def read(number):
        if number == 3:
            raise ValueError("a stack that ends too early")
        return np.zeros(2, np.float32)

    fed = device.feed(read, range(8))
    assert [len(next(fed)) for _ in range(3)] == [2, 2, 2]
    with pytest.raises(ValueError, match="ends too early"):
        next(fed)


def test_a_feed_can_be_left(device):
    before = threading.active_count()
    fed = device.feed(lambda number: np.zeros(3, np.float32), range(1000))
    next(fed)
    fed.close()
    assert threading.active_count() <= before


def test_pinned_memory_stops_growing(stand_in):
    def fed(seed):
        counts = np.random.default_rng(seed).integers(20_000, 50_000, 60)
        for _ in stand_in.feed(lambda count: np.zeros(count, np.float32), counts):
            pass
        return stand_in.card.pinned

    held = [fed(seed) for seed in range(6)]
    assert max(held) <= 2 * 250_000 * (gpu_feed.READERS + 2)


def test_few_plans_of_transforms_are_kept(stand_in):
    stand_in.fft.rfft(stand_in.xp.zeros(4, np.float32))
    plans = stand_in.xp.fft.config.get_plan_cache()
    assert plans.get_size() == cupy_gpu.PLANS
    stand_in.card.capacity = 8 * 2**20
    plans.work = stand_in.xp.zeros(2**19, np.uint8)
    assert stand_in.together(32, 2**10) == 960 and plans.get_curr_memsize() == 2**19
    plans.work = stand_in.xp.zeros(2**20, np.uint8)
    assert stand_in.together(32, 2**10) == 1024 and plans.get_curr_memsize() == 0 == stand_in.card.held


def test_images_a_step_takes_follow_the_memory(stand_in):
    stand_in.card.capacity = 8 * 2**20
    assert stand_in.together(32, 2**20) == 32
    assert stand_in.together(32, 2**10) == 1024
    assert stand_in.together(32, 1) == 4096
    assert get_backend("numba").together(32, 1) == 32
    assert stand_in.workers(8) == 1 and get_backend("numba").workers(8) == 8


def test_failures_are_sentences(stand_in):
    stand_in.card.capacity = 1000
    with pytest.raises(BackendFailed, match="must fit in the memory of the GPU"), failures_named():
        stand_in.xp.zeros(10**6)
    stand_in.card.lost = True
    with (
        pytest.raises(BackendFailed, match="must work to the end of a run.*launch failure.*nvidia-smi"),
        failures_named(),
    ):
        stand_in.xp.zeros(1)
    with pytest.raises(KeyError), failures_named():
        raise KeyError("not of a machine's making")


@pytest.mark.parametrize(
    "status, text, expected",
    [
        (35, "driver version is insufficient", "driver must be new enough"),
        (100, "no device is detected", "GPU must be there"),
        (2, "out of memory", "must fit in the memory"),
        (700, "an illegal memory access", "must work to the end"),
    ],
)
def test_failures_by_their_status(status, text, expected):
    problem = RuntimeError("outer")
    problem.__cause__ = strict_cupy.CUDARuntimeError(status, text)
    assert expected in backends.reading_of(problem) and text in backends.reading_of(problem)


def test_the_stand_in_is_strict(stand_in):
    xp = stand_in.xp
    there, here = xp.zeros((3, 3), np.float32), np.zeros((3, 3), np.float32)
    for forbidden in (
        lambda: there + here,
        lambda: here * there,
        lambda: np.add(here, there),
        lambda: xp.stack([there, here]),
        lambda: there.__setitem__(0, here[0]),
        lambda: there[np.array([0, 1])],
        lambda: np.asarray(there),
        lambda: xp.zeros(3).astype(here),
    ):
        with pytest.raises(TypeError):
            forbidden()
    downloads = stand_in.card.downloads
    assert float(there.sum()) == 0.0 and stand_in.card.downloads == downloads + 1
    assert isinstance(there.sum(), type(there)) and there.sum().ndim == 0


def test_the_stand_in_has_only_what_cupy_has(stand_in):
    if strict_cupy.REAL is None:
        pytest.skip("cupy is not installed: its names and arguments cannot be looked at")
    xp, line = stand_in.xp, stand_in.xp.ones(4, np.float32)
    with pytest.raises(AttributeError):
        _ = xp.memmap
    for misunderstood in (
        lambda: xp.sum(line, where=line > 0),
        lambda: line.sum(initial=1.0),
        lambda: xp.sin(line, order="K"),
        lambda: stand_in.fft.rfft(line, workers=2),
        lambda: xp.zeros(3, like=line),
        lambda: line.astype(np.float64, device="cpu"),
    ):
        with pytest.raises(TypeError, match="is not called so"):
            misunderstood()
    assert float(line.sum(axis=0, dtype=np.float64)) == 4.0 and line.reshape(2, -1).shape == (2, 2)


def test_memory_of_the_stand_in_is_given_back(stand_in):
    first = stand_in.xp.zeros(1000, np.float32)
    view = first[:10]
    assert stand_in.card.held == 4000
    del first
    assert stand_in.card.held == 4000 and len(view) == 10
    del view
    assert stand_in.card.held == 0 and stand_in.card.peak == 4000
