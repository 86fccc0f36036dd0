"""Exact slices and least squares against direct sums, their own adjoint, and another program's projections."""

import mrcfile
import numpy as np
import pytest
import tolerances

from cryonb.errors import InputError, RunStopped
from cryonb.imaging.exact import Solver, exact_adjoint, exact_slices, least_squares_volume
from cryonb.imaging.fourier import half_indices, half_radius, half_transform, real_space
from cryonb.imaging.projector import in_plane_limit
from cryonb.imaging.rotations import random_rotations
from cryonb.imaging.shells import fourier_shell_correlation


def direct_slices(volume, rotations, size):
    """The slow, obvious sum over voxels."""
    box = len(volume)
    line = np.arange(box) - box // 2
    ky, kx = np.broadcast_arrays(*half_indices(size, 2))
    k = kx[..., None] * rotations[:, None, None, 0] + ky[..., None] * rotations[:, None, None, 1]
    x, y, z = (np.exp(-2j * np.pi * k[..., axis, None] * line / box) for axis in range(3))
    inside = (np.abs(k) <= box / 2 + 1e-9).all(axis=-1)
    return np.einsum("zyx,pabz,paby,pabx->pab", volume, z, y, x) * inside


def ball_of_noise(box, rng):
    line = np.arange(box) - box // 2
    inside = line[:, None, None] ** 2 + line[:, None] ** 2 + line**2 < (0.38 * box) ** 2
    smooth = half_transform(rng.normal(size=(box,) * 3)) * np.exp(-0.5 * (half_radius(box) / (0.2 * box)) ** 2)
    return real_space(smooth, box) * inside


@pytest.mark.parametrize("box", [7, 8])
@pytest.mark.parametrize("size", [None, 5, 6, 10])
def test_slices_are_the_direct_sum(box, size):
    rng = np.random.default_rng(box)
    volume, rotations = rng.normal(size=(box,) * 3), random_rotations(4, rng)
    expected = direct_slices(volume, rotations, size or box)
    found = exact_slices(volume, rotations, size)
    assert found.dtype == np.complex128
    assert np.abs(found - expected).max() < tolerances.NUFFT_DOUBLE * np.abs(expected).max()
    single = exact_slices(volume.astype(np.float32), rotations, size, precision="single")
    assert single.dtype == np.complex64
    assert np.abs(single - expected).max() < tolerances.NUFFT_SINGLE * np.abs(expected).max()


@pytest.mark.parametrize("box", [9, 10])
def test_the_unturned_slice_is_the_transform_of_the_projection(box):
    volume = np.random.default_rng(1).normal(size=(box,) * 3)
    found = exact_slices(volume, np.eye(3)[None])[0]
    expected = half_transform(volume.sum(axis=0), 2)
    assert np.abs(found - expected).max() < tolerances.NUFFT_DOUBLE * np.abs(expected).max()


def test_the_circle_limit_only_leaves_out():
    rng = np.random.default_rng(2)
    volume, rotations = rng.normal(size=(8,) * 3), random_rotations(2, rng)
    square, circle = (exact_slices(volume, rotations, limit=limit) for limit in ("square", "circle"))
    inside = half_radius(8, 2) <= 4
    assert not circle[:, ~inside].any()
    assert square[:, ~inside].any()
    np.testing.assert_allclose(circle[:, inside], square[:, inside], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("precision", ["single", "double"])
def test_batches_do_not_change_the_bits(precision):
    rng = np.random.default_rng(3)
    volume, rotations = rng.normal(size=(16,) * 3), random_rotations(9, rng)
    whole = exact_slices(volume, rotations, precision=precision)
    for batch_size in (1, 4):
        assert np.array_equal(exact_slices(volume, rotations, precision=precision, batch_size=batch_size), whole)


@pytest.mark.parametrize(("box", "size"), [(8, 8), (9, 9), (12, 7), (7, 10)])
def test_the_adjoint_is_the_adjoint(box, size):
    rng = np.random.default_rng(4)
    volume, rotations = rng.normal(size=(box,) * 3), random_rotations(3, rng)
    slices = exact_slices(volume, rotations, size)
    other = rng.normal(size=slices.shape) + 1j * rng.normal(size=slices.shape)
    left, right = np.vdot(slices, other).real, np.vdot(volume, exact_adjoint(other, rotations, size=box))
    scale = np.linalg.norm(slices) * np.linalg.norm(other)
    assert abs(left - right) < tolerances.NUFFT_DOUBLE * scale


@pytest.mark.parametrize(("box", "precision"), [(24, "double"), (25, "double"), (24, "single")])
def test_least_squares_finds_the_volume(box, precision):
    rng = np.random.default_rng(5)
    volume, rotations = ball_of_noise(box, rng), random_rotations(150, rng)
    slices = exact_slices(volume, rotations)
    transfer = np.sin(rng.uniform(0.02, 0.05, (150, 1, 1)) * half_radius(box, 2) ** 2 + 0.6)
    weights = (transfer**2 * in_plane_limit(box, "circle")).astype(np.float32)
    solver = Solver(tolerance=1e-4, max_iterations=200, precision=precision)
    found, record = least_squares_volume(slices * weights, weights, rotations, box, solver=solver)
    assert found.dtype == np.float32
    assert record.converged
    assert record.residual <= 1e-4
    assert record.iterations == len(record.residuals) < 200
    fsc = fourier_shell_correlation(half_transform(found), half_transform(volume))
    assert fsc[: box // 2 - 1].min() > 0.999
    inside = half_radius(box) < box // 2 - 2
    expected = half_transform(volume)[inside]
    slope = np.vdot(expected, half_transform(found)[inside]).real / np.vdot(expected, expected).real
    assert slope == pytest.approx(1.0, abs=0.003)


def test_the_residual_is_that_of_the_normal_equations():
    rng = np.random.default_rng(6)
    box, rotations = 10, random_rotations(40, rng)
    data = rng.normal(size=(40, 10, 6)) + 1j * rng.normal(size=(40, 10, 6))
    weights = rng.uniform(0.5, 2.0, data.shape) * in_plane_limit(box, "circle")
    solver = Solver(tolerance=1e-2, max_iterations=15)
    one, two = (
        least_squares_volume(data * weights, weights, rotations, box, solver=solver, threads=threads)
        for threads in (1, 2)
    )
    assert np.array_equal(one[0], two[0])
    gradient = exact_adjoint(weights * (exact_slices(one[0], rotations) - data), rotations, box)
    start = exact_adjoint(weights * data, rotations, box)
    residual = np.linalg.norm(gradient) / np.linalg.norm(start)
    assert residual == pytest.approx(one[1].residual, abs=tolerances.LEAST_SQUARES)


def test_least_squares_into_a_finer_grid_keeps_to_the_data():
    rng = np.random.default_rng(7)
    volume, rotations = ball_of_noise(24, rng), random_rotations(100, rng)
    slices = exact_slices(volume, rotations, 12)
    weights = np.broadcast_to(in_plane_limit(12, "circle"), slices.shape)
    found, _ = least_squares_volume(slices * weights, weights, rotations, 24)
    fsc = fourier_shell_correlation(half_transform(found), half_transform(volume))
    assert fsc[:5].min() > 0.99
    power = np.abs(half_transform(found)) ** 2
    assert power[half_radius(24) > 9].sum() < 0.01 * power.sum()


def test_the_solver_stops_where_it_is_told_to():
    rng = np.random.default_rng(8)
    rotations = random_rotations(30, rng)
    slices = exact_slices(rng.normal(size=(12,) * 3), rotations)
    weights = np.ones(slices.shape, np.float32)
    solver = Solver(tolerance=1e-12, max_iterations=3)
    _, record = least_squares_volume(slices, weights, rotations, 12, solver=solver)
    assert (record.iterations, record.converged) == (3, False)
    nothing, record = least_squares_volume(0 * slices, weights, rotations, 12)
    assert (record.iterations, record.converged, nothing.any()) == (0, True, False)


def test_progress_runs_to_the_end_and_may_stop_the_work():
    rng = np.random.default_rng(9)
    rotations = random_rotations(5, rng)
    seen = []
    slices = exact_slices(rng.normal(size=(8,) * 3), rotations, progress=lambda fraction, text: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    seen.clear()
    weights = np.ones(slices.shape, np.float32)
    least_squares_volume(slices, weights, rotations, 8, progress=lambda fraction, text: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0

    def stop(fraction, text):
        raise RunStopped("cancelled")

    with pytest.raises(RunStopped):
        least_squares_volume(slices, weights, rotations, 8, progress=stop)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: exact_slices(np.zeros((4, 4, 5)), np.eye(3)[None]), "a volume must be a cube; got"),
        (lambda: exact_slices(np.zeros((4, 4, 4)), np.eye(3)), "rotations must have the shape"),
        (lambda: exact_slices(np.zeros((4, 4, 4)), np.eye(3)[None], limit="disc"), "limit must be square or circle"),
        (lambda: exact_slices(np.zeros((4, 4, 4)), np.eye(3)[None], precision="half"), "precision must be single or"),
        (
            lambda: least_squares_volume(np.zeros((2, 4, 3)), np.zeros((2, 4, 3)), np.eye(3)[None], 4),
            "coefficients, weights and rotations must describe the same slices",
        ),
    ],
)
def test_what_cannot_work_is_refused(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()


def test_slices_of_the_reference_hold_what_relion_projects(data):
    reference = mrcfile.read(data / "relion" / "ref.mrc")
    slices = exact_slices(reference, np.eye(3)[None])
    assert np.allclose(real_space(slices, 64, 2)[0], reference.sum(axis=0), atol=1e-3 * reference.max())
