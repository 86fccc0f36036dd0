"""The Guinier fit: finds what was put in, and says when it should not be believed."""

import mrcfile
import numpy as np
import pytest
import starfile
from tolerances import COUNTING_ERROR, GUINIER_SLOPE, STAR_PRINTED

from cryonb.imaging.fourier import half_transform
from cryonb.imaging.guinier import counting_error, fit_guinier, weighted_line, weighted_log_amplitude
from cryonb.imaging.shells import independent_coefficients, shell_amplitude

FREQUENCY = np.arange(61) / 200.0


def curve(b_factor, seed=0, scatter=0.05):
    rng = np.random.default_rng(seed)
    return 2.0 - b_factor / 4 * FREQUENCY**2 + rng.normal(0, scatter, FREQUENCY.size)


def test_weighting_undoes_the_noise():
    signal, noise = 3.0, 2.0
    fsc = signal**2 / (signal**2 + noise**2)
    mean_of_halves = np.sqrt(signal**2 + noise**2 / 2)
    assert weighted_log_amplitude(np.array([mean_of_halves]), np.array([fsc])) == pytest.approx(np.log(signal))


def test_no_logarithm_where_nothing_correlates():
    fsc = np.array([0.5, 0.0, -0.1, np.nan, 0.5])
    amplitude = np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    assert np.isfinite(weighted_log_amplitude(amplitude, fsc)).tolist() == [True, False, False, False, False]
    assert np.isinf(counting_error(fsc, np.full(5, 100.0))).tolist() == [False, True, True, True, False]


def test_counting_error_is_that_of_drawn_shells():
    rng = np.random.default_rng(0)
    m, draws, snr = 400, 2000, 1.0
    signal = rng.normal(size=(draws, 2 * m)) * np.sqrt(snr)
    first, second = signal + rng.normal(size=signal.shape), signal + rng.normal(size=signal.shape)
    fsc = (first * second).sum(1) / np.sqrt((first**2).sum(1) * (second**2).sum(1))
    logarithm = 0.5 * np.log((((first + second) / 2) ** 2).mean(1)) + 0.5 * np.log(2 * fsc / (1 + fsc))
    expected = counting_error(np.array([0.5]), np.array([m]))[0]
    assert logarithm.std() == pytest.approx(expected, rel=COUNTING_ERROR)


@pytest.mark.parametrize("b_factor", [30.0, 100.0, 250.0])
def test_the_fit_finds_the_b_factor(b_factor):
    fit = fit_guinier(FREQUENCY, curve(b_factor), np.full(61, 0.02), 10.0, 200 / 60)
    assert fit.b_factor_low < b_factor < fit.b_factor_high
    assert fit.b_factor == -4 * fit.slope
    assert fit.reliable
    assert fit.reason.startswith("41 shells from 10 to 3.33 A")
    assert fit.intercept == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize("together", [1, 5])
def test_the_interval_holds_the_truth_as_often_as_it_says(together):
    rng = np.random.default_rng(0)
    x, kernel, held = FREQUENCY[20:] ** 2, np.ones(together) / together**0.5, 0
    for _ in range(300):
        scatter = np.convolve(rng.normal(0, 0.1, x.size + together - 1), kernel, "valid")
        slope, _, half_width = weighted_line(x, -15 * x + scatter, np.full(x.size, 0.02))
        held += abs(slope + 15) < half_width
    assert 0.88 < held / 300 < 0.995


@pytest.mark.parametrize(
    ("coarse", "fine", "b_factor", "words"),
    [
        (10.0, 5.5, 100.0, "the range 10 to 5.56 A holds 17 shells, and 20 are needed"),
        (40.0, 7.9, 100.0, "the range ends at 8 A and does not reach 7 A"),
        (10.0, 200 / 60, 0.0, "includes zero"),
        (10.0, 9.6, 100.0, "holds 1 shells, and 20 are needed"),
    ],
)
def test_doubts_are_named(coarse, fine, b_factor, words):
    fit = fit_guinier(FREQUENCY, curve(b_factor), np.full(61, 0.02), coarse, fine)
    assert not fit.reliable
    assert words in fit.reason


def test_shells_without_a_number_are_left_out():
    log_amplitude = curve(100.0)
    log_amplitude[30:35] = np.nan
    fit = fit_guinier(FREQUENCY, log_amplitude, np.full(61, 0.02), 10.0, 200 / 60)
    assert fit.used.sum() == 36
    assert not fit.used[30:35].any()


def test_points_without_scatter_give_the_line_itself():
    x = np.arange(5.0)
    slope, intercept, half_width = weighted_line(x, 3 * x + 1, np.full(5, 0.1))
    assert (slope, intercept) == (pytest.approx(3.0), pytest.approx(1.0))
    assert half_width > 0


def test_slope_of_relion(data):
    halves = [np.asarray(mrcfile.read(data / f"relion/rec31_half{half}_pad2.mrc"), np.float32) for half in (1, 2)]
    tables = starfile.read(data / "relion/postprocess.star")
    fsc = tables["fsc"]["rlnFourierShellCorrelationCorrected"].to_numpy()
    amplitude = shell_amplitude(half_transform((halves[0] + halves[1]) / 2)) / 64**3
    frequency = np.arange(33) / (64 * 2.1)
    logarithm = weighted_log_amplitude(amplitude, fsc)
    theirs = tables["guinier"]["rlnLogAmplitudesWeighted"].to_numpy()
    assert np.abs(logarithm - theirs)[1:].max() < STAR_PRINTED
    fit = fit_guinier(frequency, logarithm, counting_error(fsc, independent_coefficients(64)), 10.0, 4.2)
    assert fit.slope == pytest.approx(tables["general"]["rlnFittedSlopeGuinierPlot"], rel=GUINIER_SLOPE)
    assert fit.used.sum() == 19
    assert not fit.reliable
    assert "19 shells, and 20 are needed" in fit.reason
