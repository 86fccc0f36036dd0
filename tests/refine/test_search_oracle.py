"""The pose search against a list of poses tried one by one, on Cartesian coefficients and with none of its code."""

import dataclasses
from functools import cache

import naive
import numpy as np
import pytest
from noise_particles import make_particles
from scipy.optimize import minimize
from tolerances import SEARCH_ANGLE, SEARCH_CORRELATION, SEARCH_POWER, SEARCH_SCORE, SEARCH_SHIFT

from cryonb.config import RunConfig
from cryonb.imaging.projector import fourier_volume
from cryonb.refine.counter import Counter
from cryonb.refine.prepare import images_of
from cryonb.refine.search import SearchSettings, search

SIZE, PIXEL, WIDTH, LAST = 32, 4.0, 1.3, 9
COUNT, STEP, RANGE = 10, 15.0, 0.08
"""Images; step of the oracle's rotations [degree]; largest shift [fraction of the box]."""

VARIANCE = 4.0 ** (1.0 - np.arange(SIZE // 2 + 1) / (SIZE / 2))
"""Noise that falls from shell to shell; the images are scaled so that it is some ten times the signal."""

VOLTAGE, ABERRATION, AMPLITUDE = 300.0, 2.7, 0.1
SHIFTS = [
    (x, y) for x in np.linspace(-RANGE, RANGE, 6) for y in np.linspace(-RANGE, RANGE, 6) if np.hypot(x, y) <= RANGE
]


@dataclasses.dataclass(frozen=True)
class Scene:
    """Particles with the points that they show and their true poses."""

    particles: object
    objects: list
    rotations: np.ndarray
    shifts: np.ndarray
    members: np.ndarray
    optics: np.ndarray

    def transfer(self, image, plane):
        return naive.contrast_transfer(plane, SIZE * PIXEL, *self.optics[image], VOLTAGE, ABERRATION, AMPLITUDE)


def points_of(seed, copies=1):
    """Gaussian points in a shape without symmetry, or with that of an axis along z."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(24 // copies, 3)) * (4.5, 3.5, 2.5) + (1.0, 0.0, 1.0)
    points *= np.minimum(1.0, 9.0 / np.linalg.norm(points, axis=1))[:, None]
    turns = [naive.rotation(360.0 * number / copies, 0.0, 0.0) for number in range(copies)]
    return np.concatenate([points @ turn.T for turn in turns]), np.tile(rng.uniform(0.5, 1.5, len(points)), copies)


def model_of(points, plane, rotation):
    """Central slice of points."""
    frequencies = plane[:, :1] * rotation[0] + plane[:, 1:] * rotation[1]
    return naive.gaussian_points(*points, WIDTH, frequencies, SIZE)


@cache
def make_scene(objects=(1,), copies=1, count=COUNT, seed=0, signal=40.0):
    """Images of one or several objects in turn, with noise; their table holds no pose."""
    rng = np.random.default_rng(seed)
    angles = np.stack([rng.uniform(-180, 180, count), np.rad2deg(np.arccos(rng.uniform(-1, 1, count)))], axis=1)
    turns = np.array([naive.rotation(*pair, psi) for pair, psi in zip(angles, rng.uniform(-180, 180, count))])
    shifts = rng.uniform(-0.6, 0.6, (count, 2)) * RANGE
    optics = np.stack([rng.uniform(9e3, 2e4, count), rng.uniform(9e3, 2e4, count), rng.uniform(0, 180, count)], axis=1)
    shown = [points_of(seed, copies) for seed in objects]
    members = np.arange(count) % len(shown)
    scene = Scene(None, shown, turns, shifts, members, optics)
    images = np.stack([signal * _clean(scene, image) + _noise(rng) for image in range(count)]).astype(np.float32)
    nothing = {name: np.zeros(count) for name in ("rot", "tilt", "psi", "shift_x", "shift_y", "phase_shift")}
    columns = dict(zip(("defocus_u", "defocus_v", "defocus_angle"), optics.T))
    microscope = {"voltage": [VOLTAGE], "spherical_aberration": [ABERRATION], "amplitude_contrast": [AMPLITUDE]}
    microscope = {name: np.array(value) for name, value in microscope.items()}
    table = {"image": images, "optics_group": np.ones(count, np.int64), **nothing, **columns, **microscope}
    particles = make_particles(count, SIZE, PIXEL, **table)
    scaled = [(points, signal * weights) for points, weights in shown]
    return dataclasses.replace(scene, particles=particles, objects=scaled)


def _clean(scene, image):
    plane = naive.half_circle(SIZE / 2 - 1)
    seen = model_of(scene.objects[scene.members[image]], plane, scene.rotations[image]) * scene.transfer(image, plane)
    seen = seen * np.exp(2j * np.pi * (plane @ scene.shifts[image]))
    y, x = np.indices((SIZE, SIZE)) - SIZE // 2
    waves = np.exp(2j * np.pi / SIZE * (np.multiply.outer(y, plane[:, 1]) + np.multiply.outer(x, plane[:, 0])))
    return 2.0 * (waves @ seen).real / SIZE**2


def _noise(rng):
    transform = np.fft.fft2(rng.normal(size=(SIZE, SIZE)))
    radius = np.hypot(*np.meshgrid(*2 * [np.fft.fftfreq(SIZE, 1 / SIZE)], indexing="ij"))
    return np.fft.ifft2(transform * np.sqrt(np.interp(radius, np.arange(len(VARIANCE)), VARIANCE))).real


def variance_of(plane):
    """Variance of the coefficients: that of a pixel, its root read between the shells, times the pixels."""
    return (np.interp(np.linalg.norm(plane, axis=1), np.arange(len(VARIANCE)), np.sqrt(VARIANCE)) * SIZE) ** 2


def reference_of(points, pad=2.0):
    """Points as the search reads them, held one shell further than it looks."""
    return fourier_volume(naive.gaussian_volume(*points, WIDTH, SIZE).astype(np.float32), pad, max_index=LAST + 1)


def found_in(scene, chosen=slice(None), threads=1, members=None, batch=0, **settings):
    """What the search finds in the particles of a scene."""
    config = RunConfig.gather(compute=dict(batch_size=batch), imaging=dict(symmetry=settings.get("symmetry", "C1")))
    references = [reference_of(points) for points in scene.objects]
    settings = dict(max_index=LAST, search_index=LAST, shift_range=RANGE, candidates=4) | settings
    particles = scene.particles.isel(particle=chosen)
    images = images_of(particles, config)
    return search(images, references, VARIANCE, SearchSettings(**settings), threads, Counter(1.0, None))


class Oracle:
    """Scores of one image, worked out one pose at a time."""

    def __init__(self, scene, image, last=LAST):
        self.plane = naive.half_circle(last)
        self.variance = variance_of(self.plane)
        self.data = naive.coefficients(scene.particles["image"].values[image].astype(float), self.plane)
        self.passed = scene.transfer(image, self.plane)
        self.objects = scene.objects

    def products(self, rotation, shift, number=0):
        model = self.passed * model_of(self.objects[number], self.plane, rotation)
        return naive.compare(self.data, model, self.plane, shift, self.variance)

    def score(self, rotation, shift, number=0):
        """Log-likelihood ratio against an empty image."""
        cross, power, _ = self.products(rotation, shift, number)
        return cross - 0.5 * power

    def best(self, number=0, kept=1):
        """The best rotations of the list, each at its best shift: (score, rotation, shift), best first."""
        moved = np.exp(-2j * np.pi * (np.array(SHIFTS) @ self.plane.T)) * self.data / self.variance
        found = []
        for rotation in every_rotation():
            model = self.passed * model_of(self.objects[number], self.plane, rotation)
            scores = 2.0 * (moved @ model.conj()).real - np.sum(np.abs(model) ** 2 / self.variance)
            found.append((scores.max(), rotation, np.array(SHIFTS[scores.argmax()])))
        return sorted(found, key=lambda pose: -pose[0])[:kept]

    def climbed(self, rotation, shift, number=0):
        """The top of the hill that a pose stands on: score, rotation, shift."""

        def pose(unknowns):
            turned = naive.rotation(unknowns[2], 0, 0) @ tilted(unknowns[0], unknowns[1]) @ rotation
            return turned, shift + unknowns[3:] / 100.0

        def loss(unknowns):
            return -self.score(*pose(unknowns), number)

        found = minimize(loss, np.zeros(5), method="BFGS", options={"eps": 1e-4, "gtol": 1e-4})
        return -found.fun, *pose(found.x)


def tilted(first, second):
    """Turns about y, then about x [degree]."""
    cycle = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    return cycle @ naive.rotation(second, 0, 0) @ cycle.T @ naive.rotation(0, first, 0)


@cache
def every_rotation():
    return naive.every_rotation(STEP)


def angle(first, second):
    """Angle between two rotations [degree]."""
    return np.rad2deg(np.arccos(np.clip((np.trace(first @ second.T) - 1.0) / 2.0, -1.0, 1.0)))


@pytest.fixture(scope="module")
def scene():
    return make_scene()


@pytest.fixture(scope="module")
def found(scene):
    return found_in(scene)


def test_the_scene_itself_is_seen_by_the_oracle(scene):
    for image in range(3):
        oracle = Oracle(scene, image)
        score, rotation, shift = oracle.climbed(scene.rotations[image], scene.shifts[image])
        assert angle(rotation, scene.rotations[image]) < 6.0
        assert score > oracle.score(scene.rotations[image], scene.shifts[image]) > 0.0


@pytest.mark.parametrize("image", range(0, COUNT, 3))
def test_the_best_pose_is_the_oracles(scene, found, image):
    """No hill that starts at one of the eight best poses of the list is higher, and ours is the top of the highest."""
    oracle = Oracle(scene, image)
    ours, moved = found.of_best("rotation")[image], found.of_best("shift")[image]
    reached = oracle.score(ours, moved)
    listed = oracle.best(kept=8)
    assert reached >= listed[0][0]
    top, rotation, shift = max((oracle.climbed(*pose[1:]) for pose in listed), key=lambda hill: hill[0])
    assert reached >= top - SEARCH_SCORE * top
    own_top, own_rotation, own_shift = oracle.climbed(ours, moved)
    assert angle(ours, own_rotation) <= SEARCH_ANGLE
    assert np.linalg.norm(moved - own_shift) * SIZE <= SEARCH_SHIFT
    assert own_top > top or angle(ours, rotation) <= SEARCH_ANGLE


def test_scores_are_what_they_are_called(scene, found):
    for image, place in np.ndindex(4, found.score.shape[1]):
        if not np.isfinite(found.score[image, place]):
            continue
        oracle = Oracle(scene, image)
        pose = found.rotation[image, place], found.shift[image, place]
        cross, power, own = oracle.products(*pose)
        assert found.score[image, place] == pytest.approx(
            oracle.score(*pose), rel=SEARCH_SCORE, abs=SEARCH_SCORE * power
        )
        assert found.correlation[image, place] == pytest.approx(cross / np.sqrt(power * own), abs=SEARCH_CORRELATION)
        assert found.scale[image, place] == pytest.approx(cross / power, abs=SEARCH_POWER)


def test_candidates_are_rotations_in_order_and_share_an_image(found):
    held = np.isfinite(found.score)
    assert held[:, 0].all() and np.all(found.hypotheses > 1000)
    score = np.where(held, found.score, -1e30)
    assert np.all(np.diff(score, axis=1) <= 0)
    identity = np.einsum("mkij,mklj->mkil", found.rotation, found.rotation)[held]
    assert np.allclose(identity, np.eye(3), atol=1e-6) and np.allclose(np.linalg.det(found.rotation[held]), 1.0)
    assert np.allclose(found.weight.sum(axis=1), 1.0) and np.all(found.weight[~held] == 0.0)
    assert np.allclose(found.class_posterior, 1.0)


def test_neither_threads_nor_order_nor_company_change_a_bit(scene, found):
    order = np.random.default_rng(1).permutation(COUNT)
    others = {
        "threads": found_in(scene, threads=2),
        "batch": found_in(scene, batch=64),
        "order": found_in(scene, chosen=order),
    }
    for name, other in others.items():
        for field, values in found.arrays().items():
            assert np.array_equal(values, getattr(other, field)), (name, field)
    alone = found_in(scene, chosen=slice(3, 4))
    for field, values in found.arrays().items():
        assert np.array_equal(values[3:4], getattr(alone, field)), field


def test_a_wider_search_finds_no_less(scene, found):
    wider = found_in(scene, candidates=12)
    assert np.all(wider.of_best("score") >= found.of_best("score") - SEARCH_SCORE * np.abs(found.of_best("score")))


def test_correlation_finds_the_best_correlated(scene):
    found = found_in(scene, score="correlation")
    for image in (0, 5):
        oracle = Oracle(scene, image)
        cross, power, own = oracle.products(found.of_best("rotation")[image], found.of_best("shift")[image])
        near, near_power, _ = oracle.products(*oracle.best()[0][1:])
        assert cross / np.sqrt(power * own) >= near / np.sqrt(near_power * own)
        assert found.of_best("correlation")[image] == pytest.approx(
            cross / np.sqrt(power * own), abs=SEARCH_CORRELATION
        )


def test_a_search_on_fewer_shells_is_refined_on_all(scene, found):
    """The global search looks at 7 shells; what it keeps is compared on all of them."""
    coarse = found_in(scene, search_index=7, candidates=8)
    same = [angle(a, b) < SEARCH_ANGLE for a, b in zip(coarse.of_best("rotation"), found.of_best("rotation"))]
    assert np.mean(same) >= 0.9
    assert coarse.hypotheses.mean() < found.hypotheses.mean()


def test_the_class_is_the_oracles():
    scene = make_scene(objects=(1, 2))
    found = found_in(scene, candidates=8)
    assert np.array_equal(found.of_best("class_index"), scene.members)
    assert np.array_equal(found.class_posterior.argmax(axis=1), scene.members)
    assert np.allclose(found.class_posterior.sum(axis=1), 1.0)
    for image in range(0, COUNT, 4):
        oracle = Oracle(scene, image)
        scores = [oracle.best(number)[0][0] for number in (0, 1)]
        assert np.argmax(scores) == scene.members[image]
        pose = found.of_best("rotation")[image], found.of_best("shift")[image]
        wanted = oracle.score(*pose, number=found.of_best("class_index")[image])
        assert found.of_best("score")[image] == pytest.approx(wanted, rel=2 * SEARCH_SCORE)


def test_equal_classes_share_alike():
    """Twice the same reference: neither class may win, and the poses are those of one."""
    scene = make_scene(objects=(1,))
    twice = dataclasses.replace(scene, objects=scene.objects * 2)
    found, once = found_in(twice, candidates=8), found_in(scene)
    assert np.allclose(found.class_posterior, 0.5, atol=SEARCH_SCORE)
    assert np.allclose(found.of_best("score"), once.of_best("score"), rtol=SEARCH_SCORE)


@pytest.mark.parametrize(("name", "copies"), [("C3", 3), ("C2", 2)])
def test_a_symmetric_particle_is_found_up_to_its_symmetry(name, copies):
    scene = make_scene(objects=(3,), copies=copies)
    found, plain = found_in(scene, symmetry=name), found_in(scene)
    operators = [naive.rotation(360.0 * number / copies, 0.0, 0.0) for number in range(copies)]
    for image in range(0, COUNT, 3):
        ours = found.of_best("rotation")[image]
        oracle = Oracle(scene, image)
        top, rotation, _ = oracle.climbed(ours, found.of_best("shift")[image])
        assert angle(ours, rotation) <= SEARCH_ANGLE
        other, moved = plain.of_best("rotation")[image], plain.of_best("shift")[image]
        assert oracle.score(other, moved) == pytest.approx(top, rel=SEARCH_SCORE)
        assert min(angle(ours @ operator, other) for operator in operators) <= 2 * SEARCH_ANGLE
    assert np.all(found.hypotheses < plain.hypotheses)


@pytest.mark.parametrize(("pad", "factor"), [(2.0, 1.0), (8.0, 0.5)])
def test_a_local_search_climbs_from_where_it_starts(scene, pad, factor):
    """The finer the transform, the nearer to the top of the exact hill."""
    rng = np.random.default_rng(4)
    off = [tilted(*rng.uniform(-3, 3, 2)) @ naive.rotation(rng.uniform(-3, 3), 0, 0) for _ in range(COUNT)]
    started = np.einsum("mij,mjk->mik", np.array(off), scene.rotations)
    moved = scene.shifts + rng.uniform(-0.3, 0.3, (COUNT, 2)) / SIZE
    images = images_of(scene.particles, RunConfig())
    poses = dict(rotations=started[:, None].astype(np.float32), shift_x=moved[:, 0], shift_y=moved[:, 1])
    images = dataclasses.replace(images, **poses)
    settings = SearchSettings(max_index=LAST, search_index=LAST, shift_range=RANGE, local=True)
    found = search(images, [reference_of(scene.objects[0], pad)], VARIANCE, settings, 1, Counter(1.0, None))
    for image in range(0, COUNT, 3):
        top, rotation, shift = Oracle(scene, image).climbed(started[image], moved[image])
        assert angle(found.of_best("rotation")[image], rotation) <= factor * SEARCH_ANGLE
        assert np.linalg.norm(found.of_best("shift")[image] - shift) * SIZE <= factor * SEARCH_SHIFT
        assert found.of_best("score")[image] == pytest.approx(top, rel=factor * SEARCH_SCORE)


def test_a_known_spread_of_shifts_draws_poses_to_the_centre_and_none_leaves_them():
    free, alike, drawn = (found_in(make_scene(), shift_sigma=sigma) for sigma in (0.0, 1e6, 0.002))
    np.testing.assert_array_equal(alike.of_best("shift"), free.of_best("shift"))
    assert np.abs(drawn.of_best("shift")).mean() < 0.7 * np.abs(free.of_best("shift")).mean()
    assert (drawn.of_best("score") < free.of_best("score")).all()
