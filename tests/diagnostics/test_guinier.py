"""The Guinier diagnostic: RELION's slope with our doubts, and a B factor that was put in."""

import numpy as np
import pytest
import starfile
from tolerances import GUINIER_SLOPE

from cryonb.diagnostics import diagnose

from .conftest import decaying_halves, refinement


def test_half_maps_of_relion(relion_halves, relion_mask, data):
    theirs = starfile.read(data / "relion/postprocess.star")["general"]
    guinier = diagnose(relion_halves, "guinier", mask=relion_mask)
    assert float(guinier["slope"]) == pytest.approx(theirs["rlnFittedSlopeGuinierPlot"], rel=GUINIER_SLOPE)
    relion_sign = float(guinier["slope_relion"])
    assert relion_sign == pytest.approx(theirs["rlnBfactorUsedForSharpening"], rel=GUINIER_SLOPE)
    assert relion_sign == -float(guinier["b_factor"])
    assert not bool(guinier["reliable"])
    assert "19 shells, and 20 are needed" in guinier.attrs["reason"]
    assert guinier.attrs["verdict"].startswith(f"B = {float(guinier['b_factor']):.3g} A^2 (95 % interval ")
    assert guinier.attrs["verdict"].endswith(f"not reliable, {guinier.attrs['reason']}. Do not sharpen with it.")
    assert (float(guinier["fit_coarse"]), float(guinier["fit_fine"])) == (10.0, pytest.approx(4.2))


@pytest.mark.parametrize("settings", [{}, {"amplitudes": "masked", "config": {"mask": {"kind": "sphere"}}}])
def test_a_b_factor_that_was_put_in(halves, settings):
    guinier = diagnose(halves, "guinier", **settings)
    assert bool(guinier["reliable"]), guinier.attrs["reason"]
    assert float(guinier["b_factor_low"]) < 80 < float(guinier["b_factor_high"])
    assert float(guinier["b_factor"]) == pytest.approx(80, rel=0.05)


def test_a_masked_curve_on_an_unmasked_map_loses_b_factor_and_the_masked_map_stands_beside(halves):
    guinier = diagnose(halves, "guinier", config={"mask": {"kind": "sphere", "radius": 32.0}})
    assert float(guinier["b_factor"]) < 75
    assert float(guinier["b_factor_masked"]) == pytest.approx(80, rel=0.05)
    assert np.isnan(float(diagnose(halves, "guinier")["b_factor_masked"]))


def test_the_line_is_nan_outside_its_range(halves):
    guinier = diagnose(halves, "guinier", fit_coarse=12.0, fit_fine=4.0)
    drawn = guinier["fit"].dropna("frequency")["frequency"].values
    assert 1 / drawn.min() == pytest.approx(12.0)
    assert 1 / drawn.max() == pytest.approx(4.0)
    assert int(guinier["n_shells"]) == drawn.size
    inside = guinier["log_amplitude"] - guinier["fit"]
    assert np.abs(inside).max() < 0.5


def test_the_fit_never_goes_past_the_particle_nyquist():
    run = refinement(
        decaying_halves(), 1.5, np.where(np.arange(33) <= 24, 1.0, 0.0), "square", particle_nyquist=17 / 96
    )
    guinier = diagnose(run, "guinier")
    assert float(guinier["fit_fine"]) == pytest.approx(96 / 17)
    assert not bool(guinier["reliable"])
    assert (guinier["band"] == "corner").any()


def test_the_range_in_the_reason_is_the_range_in_the_dataset(halves):
    guinier = diagnose(halves, "guinier", fit_coarse=10.0, fit_fine=6.5)
    shells = int(guinier["n_shells"])
    fine = float(guinier["fit_fine"])
    assert fine == pytest.approx(96 / 14)
    assert guinier.attrs["reason"].startswith(f"the range 10 to {fine:.3g} A holds {shells} shells")
    assert 1 / float(guinier["fit"].dropna("frequency")["frequency"].max()) == pytest.approx(fine)


def test_a_range_with_hardly_a_shell_is_stated_as_asked_for(halves):
    guinier = diagnose(halves, "guinier", fit_coarse=10.0, fit_fine=9.0)
    assert float(guinier["fit_fine"]) == 9.0
    assert "the range 10 to 9 A holds" in guinier.attrs["reason"]


def test_binned_data_do_not_reach_far_enough():
    run = refinement(
        decaying_halves(), 1.5, np.where(np.arange(33) <= 12, 1.0, 0.0), "circle", particle_nyquist=12 / 96
    )
    reason = diagnose(run, "guinier").attrs["reason"]
    assert "holds 3 shells, and 20 are needed" in reason
    assert "the range ends at 8 A and does not reach 7 A" in reason
