import numpy as np
import pytest
from tolerances import NUFFT_DOUBLE, NUFFT_SINGLE

from cryonb.errors import InputError
from cryonb.imaging.nufft import columns, complex_kind, make_plan


def some_points(count=200):
    return np.random.default_rng(0).uniform(-np.pi, np.pi, (3, count))


def direct(volume, points):
    size = volume.shape[0]
    z, y, x = np.indices(volume.shape) - size // 2
    return np.array([(volume * np.exp(-1j * (z * p[0] + y * p[1] + x * p[2]))).sum() for p in points.T])


@pytest.mark.parametrize("upsampling", [1.25, 2.0, 0.0])
@pytest.mark.parametrize("precision,tolerance", [("double", NUFFT_DOUBLE), ("single", NUFFT_SINGLE)])
def test_both_fine_grids_give_the_direct_sum(precision, tolerance, upsampling):
    volume = np.random.default_rng(1).normal(size=(9,) * 3).astype(complex_kind(precision))
    points = some_points()
    plan = make_plan(2, 9, precision, upsampling)
    plan.setpts(*columns(points, precision))
    expected = direct(volume, points)
    assert np.abs(plan.execute(volume) - expected).max() < tolerance * np.abs(expected).max()


def test_type_one_is_the_adjoint_of_type_two():
    rng = np.random.default_rng(2)
    volume = rng.normal(size=(8,) * 3) + 0j
    values = rng.normal(size=200) + 1j * rng.normal(size=200)
    plans = [make_plan(kind, 8) for kind in (1, 2)]
    for plan in plans:
        plan.setpts(*columns(some_points()))
    one, other = np.vdot(volume, plans[0].execute(values)), np.vdot(plans[1].execute(volume), values)
    assert abs(one - other) < NUFFT_DOUBLE * np.linalg.norm(volume) * np.linalg.norm(values)


def test_an_unknown_precision_is_refused():
    with pytest.raises(InputError, match="precision must be single or double; got 'half'. Choose one."):
        complex_kind("half")
