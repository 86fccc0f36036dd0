"""Postprocessing: sharpened only where the fit deserves it, and RELION's decision beside ours."""

import numpy as np
import pytest
import starfile
from tolerances import GUINIER_SLOPE

from cryonb.diagnostics import diagnose
from cryonb.errors import InputError
from cryonb.imaging.fourier import half_transform
from cryonb.imaging.masks import soft_sphere
from cryonb.imaging.shells import shell_amplitude

from .conftest import decaying_halves, volume


def ratio(result, over="unsharpened"):
    sharp, plain = (shell_amplitude(half_transform(result[name].values)) for name in ("sharpened", over))
    return sharp / plain


@pytest.fixture(scope="module")
def relion(relion_halves, relion_mask):
    return diagnose(relion_halves, "postprocess", mask=relion_mask)


def test_an_unreliable_fit_does_not_sharpen(relion):
    assert float(relion["b_factor_used"]) == 0
    assert relion["sharpened"].equals(relion["unsharpened"])
    assert relion.attrs["decision"].startswith("not sharpened: the range 10 to 4.2 A holds 19 shells")
    assert relion.attrs["verdict"].startswith("The corrected curve does not fall to 0.143: no resolution to state; ")
    assert " Not sharpened: the range" in relion.attrs["verdict"]


def test_what_relion_decided(relion, data):
    theirs = starfile.read(data / "relion/postprocess.star")["general"]
    assert float(relion["relion_resolution"]) == pytest.approx(theirs["rlnFinalResolution"])
    assert float(relion["relion_b_factor"]) == pytest.approx(theirs["rlnBfactorUsedForSharpening"], rel=GUINIER_SLOPE)
    assert relion.attrs["relion_decision"].startswith("RELION would report 4.2 A and apply its B factor of 2")
    assert np.isnan(float(relion["resolution"]))


def test_a_user_may_insist(relion_halves, relion_mask):
    forced = diagnose(relion_halves, "postprocess", mask=relion_mask, sharpen="always")
    assert float(forced["b_factor_used"]) == float(forced["b_factor"])
    assert "although the range" in forced.attrs["decision"]


def test_a_reliable_fit_undoes_the_decay(halves):
    result = diagnose(halves, "postprocess", amplitudes="masked")
    used = float(result["b_factor_used"])
    assert used == float(result["b_factor"])
    assert used == pytest.approx(80, rel=0.1)
    shells = slice(4, 22)
    frequency = result["frequency"].values[shells]
    assert ratio(result)[shells] == pytest.approx(np.exp(used * frequency**2 / 4), rel=0.02)
    assert diagnose(halves, "postprocess", sharpen="never")["b_factor_used"] == 0


def test_weights_and_lowpass():
    noisy = volume(decaying_halves(noise=0.5), 1.5)
    result = diagnose(noisy, "postprocess", sharpen="never", mask=soft_sphere(64, 1.5, 32.0, 8.0))
    limit = 96 / float(result["lowpass"])
    assert float(result["lowpass"]) == float(result["resolution"])
    mean = noisy["half_map"].values.mean(axis=0)
    kept = shell_amplitude(half_transform(result["unsharpened"].values)) / shell_amplitude(half_transform(mean))
    fsc = result["fsc"].sel(fsc_kind="corrected").values
    inside = slice(1, int(limit) - 2)
    assert kept[inside] == pytest.approx(np.sqrt(2 * fsc / (1 + fsc))[inside], rel=0.01)
    assert kept[int(limit) + 3 :].max(initial=0) < 1e-3


def test_a_mask_is_made_where_there_is_none(halves):
    result = diagnose(halves, "postprocess")
    assert 0.01 < float(result["mask"].mean()) < 0.5
    assert result["sharpened"].dtype == np.float32


def test_the_detector_is_divided_out(halves):
    table = (np.array([0.0, 0.5]), np.array([1.0, 0.5]))
    result = diagnose(halves, "postprocess", sharpen="never", mtf=table)
    shells = slice(4, 22)
    assert ratio(result)[shells] == pytest.approx(1 / result["mtf"].values[shells], rel=0.02)
    assert result["mtf"].values[-1] == pytest.approx(0.5)
    gaussian = diagnose(halves, "postprocess", sharpen="never", mtf_half_nyquist=0.8)
    assert gaussian["mtf"].values[16] == pytest.approx(0.8)
    assert gaussian["b_factor"] < diagnose(halves, "postprocess", sharpen="never")["b_factor"]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (([0.0, 0.5],), "mtf must be two columns of equal length"),
        (([0.5, 0.0], [1.0, 0.5]), "mtf must have rising frequencies and positive values"),
        (([0.0, 0.5], [1.0, 0.0]), "mtf must have rising frequencies and positive values"),
    ],
)
def test_a_bad_table_is_refused(halves, table, sentence):
    with pytest.raises(InputError, match=sentence):
        diagnose(halves, "postprocess", mtf=table)


def test_relion_would_read_a_resolution_off_empty_shells():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(32, 32, 32))
    pair = volume([shared + 0.1 * rng.normal(size=shared.shape) for _ in range(2)], 2.0, particle_nyquist=8 / 64)
    result = diagnose(pair, "postprocess", sharpen="never", particle_pixel_size=4.0)
    assert float(result["relion_resolution"]) == pytest.approx(4.0)
    assert float(result["data_end"]) > float(result["relion_resolution"])
