"""The pose search on a card: the same poses as on the CPU, a fixed number of downloads a step, and memory that ends."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from noise_particles import make_particles
from tolerances import FLOAT32_RINGS, NUFFT_SINGLE, ON_CARD_ANGLE, ON_CARD_NOISE, ON_CARD_SCORE, ON_CARD_SHIFT

from cryonb import backends
from cryonb.config import RunConfig
from cryonb.imaging import polar, sweep
from cryonb.imaging.ctf import CtfParameters, FrequencyPlane, contrast_transfer
from cryonb.imaging.polar import RingImages, RingProducts, Rings
from cryonb.imaging.projector import FourierVolume, fourier_volume
from cryonb.imaging.rotations import random_rotations
from cryonb.imaging.symmetry import symmetry_operators
from cryonb.refine import search as searching
from cryonb.refine.counter import Counter
from cryonb.refine.prepare import images_of
from cryonb.refine.residual import residual_noise
from cryonb.refine.search import SearchSettings, Seeker, search

SIZE, PIXEL, WIDTH, LAST = 24, 4.0, 1.3, 7
RANGE = 0.08
"""Largest shift [fraction of the field of view]."""

NOISE = np.full(SIZE // 2 + 1, 0.09)


@dataclasses.dataclass(frozen=True)
class Scene:
    """Particles of one or several objects, and the objects as they are looked at."""

    images: object
    volumes: list
    rotations: np.ndarray
    shifts: np.ndarray
    members: np.ndarray

    def references(self, backend):
        """The volumes' transforms on a backend."""
        return [FourierVolume(volume.grid, backend.upload(volume.values)) for volume in self.volumes]


def points_of(seed, symmetry):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(12, 3)) * (4.0, 3.0, 2.5) + (1.0, 0.5, 1.5)
    points *= np.minimum(1.0, 8.0 / np.linalg.norm(points, axis=1))[:, None]
    operators = symmetry_operators(symmetry)
    return np.concatenate([points @ operator.T for operator in operators]), np.tile(
        rng.uniform(0.5, 1.5, 12), len(operators)
    )


def blurred(points, weights, shape):
    """Gaussian points in real space, separably; of any number of dimensions."""
    place = np.arange(SIZE) - SIZE // 2
    lines = [np.exp(-0.5 * ((place - along[:, None]) / WIDTH) ** 2) for along in points.T[: len(shape)]]
    letters = "xyz"[: len(shape)]
    return np.einsum("p," + ",".join("p" + one for one in letters) + "->" + letters[::-1], weights, *lines)


@cache
def make_scene(count=64, objects=(1,), symmetry="C1", ctf=True):
    """Images of points in white noise."""
    rng = np.random.default_rng(0)
    rotations, shifts = random_rotations(count, rng), rng.uniform(-0.6, 0.6, (count, 2)) * RANGE
    members = np.arange(count) % len(objects)
    shown = [points_of(seed, symmetry) for seed in objects]
    clean = []
    for turn, shift, member in zip(rotations, shifts, members):
        points, weights = shown[member]
        seen = points @ turn.T
        seen[:, :2] -= shift * SIZE
        clean.append(blurred(seen, weights, "xy"))
    defocus = rng.uniform(9e3, 2e4, (2, count))
    columns = {"defocus_u": defocus[0], "defocus_v": defocus[1], "defocus_angle": rng.uniform(0, 180, count)}
    microscope = {"voltage": 300.0, "spherical_aberration": 2.7, "amplitude_contrast": 0.1}
    if ctf:
        everything = columns | {"phase_shift": np.zeros(count)}
        everything |= {name: np.full(count, value) for name, value in microscope.items()}
        parameters = CtfParameters(**everything, b_factor=np.zeros(count), scale=np.ones(count))
        factor = contrast_transfer(parameters, FrequencyPlane.of(SIZE, PIXEL))
        clean = np.fft.irfft2(np.fft.rfft2(clean) * factor, s=(SIZE, SIZE))
    pixels = (np.array(clean) + rng.normal(0, 0.3, (count, SIZE, SIZE))).astype(np.float32)
    table = {"image": pixels, "optics_group": np.ones(count, np.int64), "phase_shift": np.zeros(count), **columns}
    table |= {name: np.array([value]) for name, value in microscope.items()}
    table |= dict(zip(("shift_x", "shift_y"), shifts.T * SIZE * PIXEL))
    particles = make_particles(count, SIZE, PIXEL, **table)
    config = RunConfig.gather(imaging=dict(symmetry=symmetry, ctf="full" if ctf else "none"))
    images = images_of(particles, config).posed(rotations, shifts)
    thickness = np.sqrt(2.0 * np.pi) * WIDTH
    density = [blurred(points, weights / thickness, "xyz").astype(np.float32) for points, weights in shown]
    volumes = [fourier_volume(one, max_index=LAST + 1) for one in density]
    return Scene(images, volumes, rotations, shifts, members)


def found_on(backend, scene, counter=None, start=None, images=None, **settings):
    """What a search on a backend finds."""
    settings = SearchSettings(**dict(max_index=LAST, search_index=LAST, shift_range=RANGE, candidates=4) | settings)
    counter, images = counter or Counter(1.0, None), scene.images if images is None else images
    return search(images, scene.references(backend), NOISE, settings, 1, counter, start=start)


def on_cpu(scene, **settings):
    return found_on(backends.get_backend("numba"), scene, **settings)


def with_imaging(scene, **changes):
    """The images with other settings of imaging."""
    config = scene.images.config
    return dataclasses.replace(
        scene.images, config=dataclasses.replace(config, imaging=config.imaging.replace(**changes))
    )


def apart(first, second):
    """Angles between rotations [degree]."""
    chord = np.linalg.norm(first - second, axis=(-2, -1)) / np.sqrt(8.0)
    return np.rad2deg(2.0 * np.arcsin(np.minimum(chord, 1.0)))


def must_agree(here, there):
    """The same best poses, classes and scores."""
    assert np.array_equal(here.of_best("class_index"), there.of_best("class_index"))
    assert apart(here.of_best("rotation"), there.of_best("rotation")).max() <= ON_CARD_ANGLE
    moved = np.linalg.norm(here.of_best("shift") - there.of_best("shift"), axis=1) * SIZE
    assert moved.max() <= ON_CARD_SHIFT
    for name in ("score", "correlation", "scale"):
        ours, theirs = here.of_best(name), there.of_best(name)
        assert np.abs(ours - theirs).max() <= ON_CARD_SCORE * np.abs(ours).max(), name
    assert np.abs(here.class_posterior - there.class_posterior).max() <= ON_CARD_SCORE
    assert np.array_equal(here.hypotheses, there.hypotheses)
    for field, values in there.arrays().items():
        assert type(values) is np.ndarray and values.dtype == getattr(here, field).dtype, field


def test_the_scene_is_found_at_all():
    scene = make_scene()
    assert np.median(apart(on_cpu(scene).of_best("rotation"), scene.rotations)) < 5.0


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"score": "correlation"},
        {"search_index": 5, "candidates": 8},
        {"shift_sigma": 0.02},
        {"local": True},
    ],
    ids=["likelihood", "correlation", "coarse grid", "known shifts", "local"],
)
def test_the_same_poses_as_on_the_cpu(device, settings):
    scene = make_scene()
    must_agree(on_cpu(scene, **settings), found_on(device, scene, **settings))


@pytest.mark.parametrize("scored", ["likelihood", "correlation"])
def test_the_same_poses_of_a_symmetric_particle(device, scored):
    scene = make_scene(objects=(3,), symmetry="D2")
    settings = dict(symmetry="D2", score=scored)
    must_agree(on_cpu(scene, **settings), found_on(device, scene, **settings))


def test_the_same_poses_in_the_same_classes(device):
    scene = make_scene(objects=(1, 2, 4))
    here, there = (found_on(one, scene, candidates=12) for one in (backends.get_backend("numba"), device))
    must_agree(here, there)
    assert np.array_equal(there.of_best("class_index"), scene.members)
    assert set(np.unique(there.class_index)) == {0, 1, 2}
    start = here[:]
    again = dict(local=True, start=start, max_index=6.0)
    must_agree(found_on(backends.get_backend("numba"), scene, **again), found_on(device, scene, **again))


@pytest.mark.parametrize("ctf", ["none", "phase_flip"])
def test_the_same_poses_in_inverted_windowed_normalised_images(device, ctf):
    scene = make_scene(ctf=ctf != "none")
    images = with_imaging(scene, ctf=ctf, invert_contrast=True, normalise=True, window=(0.8, 1.0))
    kept = images.shown(np.arange(0, 64, 3))
    must_agree(on_cpu(scene, images=kept), found_on(device, scene, images=kept))


def test_nothing_is_found_in_no_images(device):
    scene = make_scene()
    assert len(found_on(device, scene, images=scene.images.shown(np.arange(0)))) == 0


@pytest.mark.parametrize("size", [24, 25])
def test_rings_by_products_are_those_of_the_transform(device, size, monkeypatch):
    rings = Rings.of(1, 9, 28)
    pixels = np.random.default_rng(0).normal(size=(7, size, size)).astype(np.float32)
    expected = RingImages(rings, size, 7)(pixels)
    wanted = NUFFT_SINGLE * np.abs(expected).max()
    assert np.abs(RingProducts(rings, size)(pixels) - expected).max() <= wanted
    kx, ky = (line.ravel() for line in rings.points())
    y, x = (line.reshape(-1, 1) for line in np.indices((size, size)) - size // 2)
    exact = pixels.reshape(len(pixels), -1) @ np.exp(-2j * np.pi * (x * kx + y * ky) / size)
    own = RingProducts(rings, size)(pixels).reshape(len(pixels), -1)
    assert np.abs(own - exact).max() <= FLOAT32_RINGS * np.abs(exact).max()
    made = RingProducts(rings, size, device.xp)
    at_once = device.download(made(device.upload(pixels)))
    monkeypatch.setattr(polar, "PRODUCT_BYTES", 2 * size * rings.radius.size * rings.orders * 8)
    in_parts = device.download(made(device.upload(pixels)))
    assert at_once.shape == expected.shape and at_once.dtype == np.complex64
    assert np.abs(at_once - expected).max() <= wanted and np.abs(in_parts - at_once).max() <= wanted


@pytest.mark.parametrize("views", [90, 64, 130])
def test_best_turns_of_one_view_a_thread(device, views):
    """Neighbours walked by one thread, or one a thread: the same largest correlations."""
    rng = np.random.default_rng(views)
    even, odd = rng.normal(size=(2, 6, 5, views)).astype(np.float32)

    def best(backend, width):
        value, turn = backend.xp.zeros((5, views), np.float32), backend.xp.zeros((5, views), np.int32)
        arguments = (backend.upload(even), backend.upload(odd), value, turn)
        backend.launch(sweep.make_best_turn, (width,), (5, -(-views // width), 1), arguments, 1)
        return backend.download(value), backend.download(turn)

    value, turn = best(backends.get_backend("numba"), 64)
    everything = np.concatenate([even + odd, even - odd])
    assert np.array_equal(value, everything.max(axis=0)) and np.array_equal(turn, everything.argmax(axis=0))
    for found, expected in zip(best(device, device.lanes), (value, turn)):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("room", [1, 300_000, 2**30])
def test_neither_blocks_nor_images_at_a_time_decide(device, room, monkeypatch):
    """The grid's poses whatever tables there is room for: blocks of 64 views of one image, or all of several."""
    scene, settings = make_scene(objects=(1, 2)), SearchSettings(LAST, LAST, candidates=8)
    pixels = scene.images.read(slice(0, 9))

    def poses(backend):
        seeker = Seeker(scene.images, scene.references(backend), NOISE, settings)
        observer = seeker._observer
        on_rings = observer.on_rings(slice(0, 9), observer.prepared(backend.upload(pixels)))
        return seeker._sweep, [backend.download(part) for part in seeker._sweep(*on_rings, 8, lambda: None)]

    _, (expected, groups) = poses(backends.get_backend("numba"))
    monkeypatch.setattr(sweep, "TABLE_BYTES", room)
    made, (found, classes) = poses(device)
    assert np.array_equal(classes, groups) and np.allclose(found, expected, atol=1e-5)
    blocks, width = made.slices.shape[1], made.slices.shape[-1]
    assert (blocks > 1, width == 64, made._together(9) > 1) == {
        1: (True, True, False), 300_000: (False, False, False), 2**30: (False, False, True)
    }[room]  # fmt: skip


def test_a_step_downloads_as_often_whatever_its_images(stand_in):
    scene = make_scene()

    def copies(count):
        images = scene.images.shown(np.arange(count))
        card = stand_in.card
        before = card.downloads, card.launches
        found_on(stand_in, scene, images=images)
        return card.downloads - before[0], card.launches - before[1]

    assert copies(64) == copies(33) == copies(8)
    assert copies(64)[0] <= 12


def test_images_of_a_step_follow_memory_pixels_and_operations(stand_in, monkeypatch):
    scene = make_scene()

    def steps():
        return Seeker(scene.images, scene.references(stand_in), NOISE, SearchSettings(LAST, LAST)).steps()

    assert steps() == [slice(0, 64)]
    assert len(steps()) == 1
    with monkeypatch.context() as patched:
        patched.setattr(searching, "STEP_OPERATIONS", 1.0)
        assert steps() == [slice(0, 32), slice(32, 64)]
    with monkeypatch.context() as patched:
        patched.setattr(searching, "STEP_PIXELS", 40 * SIZE**2)
        assert steps() == [slice(0, 32), slice(32, 64)]
    stand_in.card.capacity = 2**24
    assert len(steps()) == 2


def test_a_step_that_does_not_fit_is_searched_in_halves(stand_in, monkeypatch):
    scene = make_scene(count=128)
    expected = on_cpu(scene)
    found_on(stand_in, scene)
    needed = stand_in.card.peak
    tried = []
    whole = Seeker._searched
    monkeypatch.setattr(Seeker, "_searched", lambda *given: tried.append(given[1]) or whole(*given))
    monkeypatch.setattr(stand_in, "together", lambda least, each: 128)
    stand_in.card.capacity = needed // 2
    must_agree(expected, found_on(stand_in, scene))
    assert tried[0] == slice(0, 128) and len(tried) > 2
    assert stand_in.card.held < needed // 4


def test_memory_that_not_even_one_tile_fits_in(stand_in, monkeypatch):
    scene = make_scene()
    references = scene.references(stand_in)
    monkeypatch.setattr(stand_in, "together", lambda least, each: 64)
    stand_in.card.capacity = stand_in.card.held + 2**21
    with pytest.raises(MemoryError, match="Out of memory"):
        search(scene.images, references, NOISE, SearchSettings(LAST, LAST), 1, Counter(1.0, None))


def test_other_failures_are_not_tried_again(stand_in, monkeypatch):
    scene, tried = make_scene(), []

    def lost(*given):
        tried.append(given)
        stand_in.card.lost = True
        stand_in.xp.zeros(1)

    monkeypatch.setattr(Seeker, "_searched", lost)
    with pytest.raises(RuntimeError, match="launch failure"):
        found_on(stand_in, scene)
    assert len(tried) == 1


def test_a_listener_stops_a_step_between_its_parts(device):
    class Stopped(Exception):
        pass

    def listener(done, text):
        if text == "comparing views":
            raise Stopped

    with pytest.raises(Stopped):
        found_on(device, make_scene(), counter=Counter(1.0, listener))


@pytest.mark.parametrize("ctf", ["full", "phase_flip", "none"])
def test_the_same_noise_is_left(device, ctf):
    scene = make_scene(objects=(1, 2), ctf=ctf != "none")
    poses = on_cpu(scene, local=True)
    arguments = with_imaging(scene, ctf=ctf), poses
    here = residual_noise(*arguments, scene.volumes, LAST, lambda: None)
    there = residual_noise(*arguments, scene.references(device), LAST, lambda: None)
    assert type(there) is np.ndarray and np.abs(there - here).max() <= ON_CARD_NOISE * here.max()
    assert np.abs(here[2:LAST] / NOISE[2:LAST] - 1.0).max() < 0.2 or ctf == "phase_flip"
