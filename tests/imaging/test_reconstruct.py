import naive
import numpy as np
import pytest
from test_projector import blob
from tolerances import GREY_SCALE, LOOP_SUM

from cryonb.imaging.fourier import half_transform
from cryonb.imaging.projector import Grid, fourier_volume, in_plane_limit, slices
from cryonb.imaging.reconstruct import Accumulator, reconstruct, without_corners
from cryonb.imaging.rotations import random_rotations
from cryonb.imaging.shells import fourier_shell_correlation

KERNELS = ("nearest", "trilinear", "kaiser_bessel")


def random_slices(size, count, seed=0):
    rng = np.random.default_rng(seed)
    inside = in_plane_limit(size, "circle", size / 2 - 0.5, pairs="once")
    weights = (rng.uniform(0.5, 1.5, (count, *inside.shape)) * inside).astype(np.float32)
    values = (rng.normal(size=weights.shape) + 1j * rng.normal(size=weights.shape)) * inside
    rotations = random_rotations(count, rng)
    return values.astype(np.complex64), weights, np.ascontiguousarray(rotations[:, None].astype(np.float32))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("size,pad", [(8, 1.0), (9, 1.0), (8, 2.0), (9, 1.5)])
def test_insertion_is_what_the_loops_add(kernel, size, pad):
    values, weights, rotations = random_slices(size, 6)
    grid = Grid.of(size, pad, kernel, size / 2)
    accumulator = Accumulator.empty(grid)
    accumulator.insert(values, weights, rotations)
    folded = accumulator.fold()
    turns = rotations[:, 0].astype(np.float64)
    sums, totals = naive.insert(values, weights, turns, grid.scale, kernel, grid.shape_parameter, grid.reach + 2)
    inner = slice(2, -2)
    sums, totals = (cube[inner, inner, grid.reach + 2 : -2] for cube in (sums, totals))
    assert np.allclose(folded[..., 0] + 1j * folded[..., 1], sums, atol=LOOP_SUM)
    assert np.allclose(folded[..., 2], totals, atol=LOOP_SUM)


@pytest.mark.parametrize("kernel", KERNELS)
def test_any_number_of_threads_gives_the_same_bits(kernel):
    values, weights, rotations = random_slices(16, 20)
    results = []
    for threads in (1, 2, 3, 7):
        accumulator = Accumulator.empty(Grid.of(16, 2.0, kernel, 8))
        accumulator.insert(values, weights, rotations, threads)
        results.append(accumulator.sums.tobytes())
    assert len(set(results)) == 1


@pytest.mark.parametrize("kernel", ["trilinear", "kaiser_bessel"])
@pytest.mark.parametrize("size", [12, 13])
def test_insertion_is_the_adjoint_of_extraction(kernel, size):
    """<extract(v), s> = <v, insert(s)> over the Hermitian volume."""
    values, _, rotations = random_slices(size, 5)
    inside = in_plane_limit(size, "circle", size / 2 - 0.5, pairs="once")
    volume = np.random.default_rng(3).normal(size=(size,) * 3).astype(np.float32)
    prepared = fourier_volume(volume, 2.0, kernel, gridding_correction=False, max_index=size / 2)
    grid = prepared.grid
    read = slices(prepared, rotations[:, 0], inside)
    accumulator = Accumulator.empty(grid)
    accumulator.insert(values, np.broadcast_to(inside, values.shape).copy(), rotations)
    sums = accumulator.sums.reshape(-1, 3)
    spread = sums[:, 0] + 1j * sums[:, 1]
    left = np.vdot(values * inside, read).real
    right = np.vdot(spread, prepared.values).real
    assert left == pytest.approx(right, rel=1e-4)


@pytest.mark.parametrize("size,pad", [(24, 1.0), (25, 1.0), (24, 1.5), (24, 2.0), (25, 2.0), (24, 3.0)])
def test_slices_of_a_map_give_the_map_back(size, pad):
    volume = blob(size)
    rotations = random_rotations(300, np.random.default_rng(4))
    inside = in_plane_limit(size, "circle", pairs="once")
    values = slices(fourier_volume(volume, 3.0, "kaiser_bessel"), rotations, inside)
    turns = np.ascontiguousarray(rotations[:, None].astype(np.float32))
    accumulator = Accumulator.empty(Grid.of(size, pad, "trilinear", size / 2))
    accumulator.insert(values, np.broadcast_to(inside, values.shape).copy(), turns)
    result = reconstruct(accumulator)
    fsc = fourier_shell_correlation(half_transform(result.density), half_transform(volume))
    assert fsc[: size // 4].min() > (0.97 if pad == 1 else 0.995)
    assert np.polyfit(volume.ravel(), result.density.ravel(), 1)[0] == pytest.approx(1.0, abs=GREY_SCALE[pad])
    assert (result.shell_weight[: size // 2] > 0).all()


def test_symmetry_operators_insert_each_slice_many_times():
    values, weights, rotations = random_slices(12, 4)
    turn = np.diag([-1.0, -1.0, 1.0]).astype(np.float32)
    both = np.concatenate([rotations, rotations @ turn], axis=1)
    together = Accumulator.empty(Grid.of(12, 2.0, "trilinear", 6))
    together.insert(values, weights, np.ascontiguousarray(both))
    density = reconstruct(together).density
    inner = density[1:, 1:, 1:]
    assert np.allclose(inner, inner[:, ::-1, ::-1], atol=1e-4 * np.abs(density).max())


def test_shells_that_nothing_reached_have_no_weight():
    values, weights, rotations = random_slices(12, 30)
    accumulator = Accumulator.empty(Grid.of(24, 2.0, "trilinear", 6))
    accumulator.insert(values, weights, rotations)
    shell_weight = reconstruct(accumulator).shell_weight
    assert (shell_weight[:6] > 0).all() and (shell_weight[8:] == 0).all()


def test_corners_become_their_mean():
    volume = np.random.default_rng(0).normal(1.0, 1.0, (20, 20, 20)).astype(np.float32)
    result = without_corners(volume)
    z, y, x = np.indices(volume.shape) - 10
    radius = np.sqrt(x**2 + y**2 + z**2)
    assert np.array_equal(result[radius <= 10], volume[radius <= 10])
    assert np.ptp(result[radius >= 13]) < 1e-6


def test_sums_near_the_origin_do_not_drown_in_rounding():
    """Ten thousand slices that all add one to the origin, which a float32 sum of 1e7 would lose."""
    values, weights, rotations = random_slices(8, 4)
    grid = Grid.of(8, 1.0, "trilinear", 4)
    kept, lost = Accumulator.empty(grid), Accumulator.empty(grid)
    for accumulator in (kept, lost):
        accumulator.sums[:] = 2.0**25
    kept.carry()
    for accumulator in (kept, lost):
        for _ in range(10):
            accumulator.insert(values, weights, rotations)
    expected = 2.0**25 + 10 * float(weights[:, 0, 0].sum())
    middle = (grid.reach, grid.reach, 0, 2)
    errors = [abs(float(accumulator.fold()[middle]) / 2 - expected) for accumulator in (kept, lost)]
    assert errors[0] <= 8.0 < errors[1]


def test_carrying_changes_nothing_but_rounding():
    values, weights, rotations = random_slices(16, 20)
    once, often = (Accumulator.empty(Grid.of(16, 2.0, "kaiser_bessel", 8)) for _ in range(2))
    for image in range(20):
        part = slice(image, image + 1)
        once.insert(values[part], weights[part], rotations[part])
        often.insert(values[part], weights[part], rotations[part])
        often.carry()
    assert np.allclose(once.fold(), often.fold(), atol=LOOP_SUM)


def test_a_reconstruction_can_be_stopped_between_planes():
    values, weights, rotations = random_slices(16, 4)
    accumulator = Accumulator.empty(Grid.of(16, 2.0, "trilinear", 8))
    accumulator.insert(values, weights, rotations)
    with pytest.raises(KeyboardInterrupt):
        reconstruct(accumulator, pause=lambda: (_ for _ in ()).throw(KeyboardInterrupt))
