import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cryonb.backends import get_backend
from cryonb.imaging.projector import fourier_volume
from cryonb.imaging.rotations import random_rotations
from cryonb.kernels.climbing import WORK, make_refine_pose
from cryonb.kernels.scores import FIT_OF, FIT_ON, PRODUCTS, make_best_turn, make_normal_equations
from cryonb.refine.observed import Rows

LIMIT = 7.0
ROWS = Rows.within(LIMIT)


def smooth_volume(size=24, seed=0):
    rng = np.random.default_rng(seed)
    z, y, x = (np.indices((size,) * 3) - size // 2) / size
    total = np.zeros((size,) * 3)
    for _ in range(8):
        cz, cy, cx = rng.uniform(-0.18, 0.18, 3)
        total += rng.uniform(0.3, 1.0) * np.exp(-((z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2) / 0.004)
    return fourier_volume(total.astype(np.float32), 3.0, max_index=9)


VOLUME = smooth_volume()


def make_probe(target):
    normal_equations = make_normal_equations(target)

    @target.function
    def probe(image, candidate, nothing, data, transfer, start, limit, pose, grid, scale, edge, reach, columns, sums):
        normal_equations(
            image, data, transfer, start, limit, pose[image], 0, grid, scale, edge, reach, columns, sums[image]
        )

    return probe


def sums_at(pose, data, transfer):
    found = np.zeros((1, 27), np.float32)
    arguments = (data, transfer, ROWS.start, np.float32(LIMIT), pose.astype(np.float32)[None], VOLUME.values[None])
    arguments = (*arguments, *VOLUME.grid.kernel_arguments(), found)
    get_backend("numba").launch(make_probe, (), (1, 1, 1), arguments, 1)
    return found[0].astype(np.float64)


def moved(pose, axis, amount):
    turned = pose.copy()
    if axis < 3:
        turned[:9] = (Rotation.from_rotvec(amount * np.eye(3)[axis]).as_matrix() @ pose[:9].reshape(3, 3)).ravel()
    else:
        turned[9 + axis - 3] += amount
    return turned


def model(pose, transfer):
    """Return transfer times slice times ramp: what sums with data of one coefficient pick out, one by one."""
    parts = []
    for value in (1.0, 1j):
        row = []
        for place in range(len(ROWS.kx)):
            data = np.zeros((1, len(ROWS.kx)), np.complex64)
            data[0, place] = value
            row.append(sums_at(pose, data, transfer)[0])
        parts.append(row)
    return np.array(parts[0]) + 1j * np.array(parts[1])


def example(seed=0):
    rng = np.random.default_rng(seed)
    pose = np.concatenate([random_rotations(1, rng)[0].ravel(), rng.normal(0, 0.02, 2)])
    transfer = rng.uniform(0.3, 1.0, (1, len(ROWS.kx))).astype(np.float32)
    data = (rng.normal(size=(1, len(ROWS.kx))) + 1j * rng.normal(size=(1, len(ROWS.kx)))).astype(np.complex64)
    return pose, data, transfer


def test_sums_are_those_of_numerical_derivatives():
    pose, data, transfer = example()
    here = model(pose, transfer)
    step = np.array([2e-3] * 3 + [2e-4] * 2)
    slopes = [
        (model(moved(pose, axis, h), transfer) - model(moved(pose, axis, -h), transfer)) / (2 * h)
        for axis, h in enumerate(step)
    ]
    found = sums_at(pose, data, transfer)
    strength = np.sqrt([(np.abs(slope) ** 2).sum() for slope in slopes])
    assert found[0] == pytest.approx((data[0] * here.conj()).real.sum(), rel=1e-4)
    assert found[1] == pytest.approx((np.abs(here) ** 2).sum(), rel=1e-4)
    for axis, slope in enumerate(slopes):
        of_image, on_slice = (data[0] * slope.conj()).real.sum(), (here * slope.conj()).real.sum()
        # A trilinear slice has kinks: its derivative differs from a difference across one.
        assert found[FIT_OF + axis] == pytest.approx(of_image, abs=0.1 * strength[axis] * np.linalg.norm(data))
        assert found[FIT_ON + axis] == pytest.approx(on_slice, abs=0.05 * strength[axis] * np.linalg.norm(here))
    pairs = [(a, b) for a in range(5) for b in range(a, 5)]
    for place, (a, b) in enumerate(pairs):
        expected = (slopes[a] * slopes[b].conj()).real.sum()
        assert found[PRODUCTS + place] == pytest.approx(expected, abs=0.05 * strength[a] * strength[b])


@pytest.mark.parametrize("free", [False, True])
def test_refinement_goes_back_to_the_pose_that_made_the_image(free):
    pose, _, transfer = example(3)
    data = model(pose, transfer)[None].astype(np.complex64) * (0.5 if free else 1.0)
    start = moved(moved(moved(pose, 0, 0.1), 2, -0.08), 3, 0.01).astype(np.float32)[None, None]
    result = refined(data, transfer, start, free)
    turn = np.rad2deg(
        np.arccos(np.clip((np.trace(start[0, 0, :9].reshape(3, 3) @ pose[:9].reshape(3, 3).T) - 1) / 2, -1, 1))
    )
    assert turn < 0.1
    assert np.abs(start[0, 0, 9:] - pose[9:]).max() < 1e-4
    energy = (np.abs(data) ** 2).sum()
    assert result[0, 0, 0] == pytest.approx(energy, rel=1e-3)


def refined(data, transfer, poses, free, steps=30, shift_range=0.2):
    count = poses.shape[:2]
    result, work = np.zeros((*count, 3), np.float32), np.zeros((*count, WORK), np.float32)
    arguments = (np.full(count, steps), data, transfer, ROWS.start, np.float32(LIMIT), np.float32(0))
    arguments = (*arguments, np.float32(shift_range), np.zeros(count, np.int64), VOLUME.values[None])
    arguments = (*arguments, *VOLUME.grid.kernel_arguments(), poses, result, work)
    get_backend("numba").launch(make_refine_pose, (free,), (*count, 1), arguments, 1)
    return result


def test_refinement_never_goes_downhill_nor_out_of_range():
    pose, data, transfer = example(5)
    rng = np.random.default_rng(6)
    poses = np.stack([moved(pose, 0, angle) for angle in rng.uniform(-1, 1, 6)]).astype(np.float32)[None]
    before = refined(data, transfer, poses.copy(), False, steps=1)[..., 0]
    after = refined(data, transfer, poses, False, steps=20, shift_range=0.05)[..., 0]
    assert (after >= before).all()
    assert (after > before).any()
    assert np.abs(poses[..., 9:]).max() <= 0.05 + 1e-6
    turns = poses[..., :9].reshape(-1, 3, 3)
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), np.broadcast_to(np.eye(3), turns.shape), atol=1e-5)


@pytest.mark.parametrize(("began", "wanted"), [(0.0, 0.01), (0.03, 0.02), (0.015, 0.015)])
def test_a_shift_at_the_end_of_its_range_keeps_no_turn_from_being_found(began, wanted):
    """The image is centred by more than the range; its pose begins inside, further out, or between."""
    pose, _, transfer = example(3)
    pose[9:] = 0.02, 0.0
    data = model(pose, transfer)[None].astype(np.complex64)
    start = moved(moved(pose, 0, 0.05), 2, -0.05)
    start[9] = began
    start = start.astype(np.float32)[None, None]
    refined(data, transfer, start, False, shift_range=0.01)
    cosine = (np.trace(start[0, 0, :9].reshape(3, 3) @ pose[:9].reshape(3, 3).T) - 1) / 2
    assert np.rad2deg(np.arccos(np.clip(cosine, -1, 1))) < 2.0
    assert start[0, 0, 9] == pytest.approx(wanted, abs=1e-4)


def test_no_steps_leave_a_pose_alone():
    pose, data, transfer = example(7)
    poses = pose.astype(np.float32)[None, None]
    result = refined(data, transfer, poses.copy(), False, steps=0)
    assert (result == 0).all()


@pytest.mark.parametrize("width", [1, 64])
def test_the_best_turn_is_the_largest_of_both_halves(width):
    rng = np.random.default_rng(8)
    even, odd = (rng.normal(size=(6, 3, 70)).astype(np.float32) for _ in range(2))
    value, turn = np.empty((3, 70), np.float32), np.empty((3, 70), np.int32)
    get_backend("numba").launch(make_best_turn, (width,), (3, -(-70 // width), 1), (even, odd, value, turn), 1)
    both = np.concatenate([even + odd, even - odd])
    np.testing.assert_array_equal(value, both.max(axis=0))
    np.testing.assert_array_equal(turn, both.argmax(axis=0))
