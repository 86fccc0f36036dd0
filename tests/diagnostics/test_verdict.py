"""The sentence of a decomposition: made-up curves for every branch, and particles for the numbers in it."""

import re

import numpy as np
import pytest
from noise_particles import make_particles
from small_decompositions import curve, small, small_mask, small_particles

from cryonb.diagnostics.components import split_by_band, telescope
from cryonb.diagnostics.verdict import verdict_of
from cryonb.imaging.bands import Extent
from cryonb.phantoms import phantom
from cryonb.simulate import simulate

pytestmark = pytest.mark.filterwarnings("ignore:the outermost shell")

SHELLS, NYQUIST, LENGTH = 33, 16.0, 192.0
PAST = "Past 12.0 A, the Nyquist of your particles, the curve is "


def bands(*ends):
    """Return bands from pairs of a label and the shell before which it ends."""
    band = np.full(ends[-1][1], "no data", dtype="<U8")
    start = 0
    for label, stop in ends:
        band[start:stop] = label
        start = stop
    return band


def said(band, limit, own=0.2, tied=0.0, masked=None, corner=0.0, limit_shell=None, brought_out=None):
    """Return the verdict on curves that are one in band, `own` and `tied` past the data and `corner` in the corners."""
    shell = np.arange(band.size)
    data = ~np.isin(band, ("support", "no data"))
    corners = (shell > NYQUIST) & (shell <= 2**0.5 * NYQUIST)
    square = limit == "square"
    values = {
        "standard": np.where(data, 0.99, own),
        "dithered": np.where(data, 0.99, tied) if square else np.where(corners, corner, np.where(data, 0.99, 0.0)),
        "circle": np.where(data, 0.99, own),
        "dithered_circle": np.where(data, 0.99, tied),
    }
    curves = {**values, **telescope(values, NYQUIST)}
    hidden = {} if masked is None else {name: np.where(data, 0.99, masked) for name in ("standard", "circle")}
    if hidden:
        bright = np.where(data, 0.99, 0.0) if brought_out is None else np.where(shell <= brought_out, 0.9, 0.0)
        hidden |= {"mask_leak": np.zeros(band.size), **split_by_band(bright, limit, NYQUIST)}
    end = limit_shell or (NYQUIST * 2**0.5 if square else NYQUIST)
    extent = Extent(2 * band.size - 2, LENGTH / (2 * band.size - 2), NYQUIST / LENGTH, LENGTH, end / LENGTH)
    return verdict_of(curves, hidden, band, extent, limit)


IN_BAND = ("measured", 17)
CIRCLE = bands(IN_BAND, ("support", 19), ("no data", SHELLS))
SQUARE = bands(IN_BAND, ("corner", 21), ("noise", 23), ("support", 25), ("no data", SHELLS))
CASES = {
    "circle with a tail": (
        (CIRCLE, "circle"),
        {},
        PAST + "grid-locked interpolation (0.20 on average, 0.00 on turned grids); nothing past 12.0 A was measured.",
    ),
    "circle without": (
        (CIRCLE, "circle", 0.02),
        {},
        PAST + "nothing (0.02 on average); nothing past 12.0 A was measured.",
    ),
    "circle with corners to be had": (
        (CIRCLE, "circle", 0.02),
        dict(corner=0.3),
        PAST + "nothing (0.02 on average); nothing past 12.0 A was measured; with the corners of the images (limit "
        "square) there is signal down to 8.7 A.",
    ),
    "what is tied to the particle is no grid": (
        (CIRCLE, "circle", 0.2, 0.19),
        {},
        PAST + "correlation that neither data nor signal account for (0.20 on average, 0.19 on turned grids), such "
        "as a background makes; nothing past 12.0 A was measured.",
    ),
    "square": (
        (SQUARE, "square"),
        {},
        PAST + "corner signal down to 9.6 A and grid-locked interpolation beyond (0.20 on average, 0.00 on turned "
        "grids); nothing past 8.7 A was measured.",
    ),
    "square without a tail": (
        (SQUARE, "square", 0.01),
        {},
        PAST + "corner signal down to 9.6 A and nothing beyond (0.01 on average); nothing past 8.7 A was measured.",
    ),
    "signal ends in band": (
        (bands(("measured", 11), ("noise", 17), ("support", 19), ("no data", SHELLS)), "circle", 0.0),
        {},
        PAST + "nothing (0.00 on average); signal ends at 19.2 A already; nothing past 12.0 A was measured.",
    ),
    "signal ends at nyquist": (
        (bands(IN_BAND, ("noise", 23), ("support", 25), ("no data", SHELLS)), "square", -0.001),
        {},
        PAST + "nothing (0.00 on average); nothing past 8.7 A was measured.",
    ),
    "no signal, whatever the tail": (
        (bands(("measured", 1), ("noise", 17), ("support", 19), ("no data", SHELLS)), "circle", 0.3),
        {},
        PAST + "correlation that neither data nor signal account for (0.30 on average, 0.00 on turned grids), such "
        "as a background makes; no signal was found; nothing past 12.0 A was measured.",
    ),
    "a faint first shell is no end": (
        (bands(("measured", 1), ("noise", 3), IN_BAND, ("support", 19), ("no data", SHELLS)), "circle", 0.01),
        {},
        PAST + "nothing (0.01 on average); nothing past 12.0 A was measured.",
    ),
    "mask": (
        (CIRCLE, "circle", 0.06, 0.0, 0.7),
        {},
        PAST + "grid-locked interpolation (0.06 on average, 0.00 on turned grids); nothing past 12.0 A was measured; "
        "the mask lifts the curve from 0.06 to 0.70 where there are no data.",
    ),
    "mask that leaks little": (
        (CIRCLE, "circle", 0.06, 0.0, 0.07),
        {},
        PAST + "grid-locked interpolation (0.06 on average, 0.00 on turned grids); nothing past 12.0 A was measured.",
    ),
    "grid ends with the data": (
        (bands(IN_BAND), "circle"),
        {},
        "The grid ends with the data, at 12.0 A: the curve is signal to the end, and the interpolation grid makes at "
        "most 0.00 of it.",
    ),
    "grid ends with the data, signal before": (
        (bands(("measured", 9), ("noise", 17)), "circle"),
        {},
        "The grid ends with the data, at 12.0 A: the curve is signal down to 24.0 A and noise beyond, and the "
        "interpolation grid makes at most 0.00 of it.",
    ),
    "data end before the grid": (
        (bands(("measured", 9), ("support", 11), ("no data", 17)), "circle"),
        dict(limit_shell=8.3),
        "The data end before the grid, at 24.0 A: the curve is signal to the end, and the interpolation grid makes at "
        "most 0.00 of it.",
    ),
    "no signal on the data's own grid": (
        (bands(("measured", 1), ("noise", 17)), "circle"),
        {},
        "The grid ends with the data, at 12.0 A: no signal was found, and the interpolation grid makes at most 0.00 "
        "of it.",
    ),
    "grid ends among the corners": (
        (bands(IN_BAND, ("corner", 20)), "square"),
        {},
        PAST + "corner signal down to 10.1 A; the grid ends at 10.1 A, before the data do.",
    ),
    "grid ends among the corners, signal before": (
        (bands(IN_BAND, ("corner", 19), ("noise", 20)), "square"),
        {},
        PAST + "corner signal down to 10.7 A and noise beyond; the grid ends at 10.1 A, before the data do.",
    ),
    "grid ends among empty corners": (
        (bands(("measured", 9), ("noise", 20)), "square"),
        {},
        PAST + "noise; signal ends at 24.0 A already; the grid ends at 10.1 A, before the data do.",
    ),
    "all past nyquist is support": (
        (bands(IN_BAND, ("support", 19)), "circle", 0.2, 0.1),
        {},
        PAST + "grid-locked interpolation (0.20 on average, 0.10 on turned grids); nothing past 12.0 A was measured.",
    ),
    "data cut far before nyquist": (
        (bands(("measured", 6), ("support", 8), ("no data", 19)), "circle", 0.4),
        dict(limit_shell=5.1),
        PAST + "grid-locked interpolation (0.40 on average, 0.00 on turned grids); signal ends at 38.4 A already; "
        "nothing past 38.4 A was measured.",
    ),
}


@pytest.mark.parametrize("arguments,named,sentence", CASES.values(), ids=CASES)
def test_what_is_said(arguments, named, sentence):
    assert said(*arguments, **named) == sentence


def figures(text):
    return [float(figure) for figure in re.findall(r"([0-9.]+) A\b", text)]


@pytest.mark.parametrize(
    "limit,own,tied", [("square", "standard", "dithered"), ("circle", "circle", "dithered_circle")]
)
@pytest.mark.parametrize("pad", [1, 2])
def test_numbers_are_those_of_the_dataset(limit, own, tied, pad):
    found = small(box=dict(box_size=32, limit=limit, pad_factor=pad))
    text, band = found.attrs["verdict"], found["band"].values
    assert figures(text)[0] == pytest.approx(1.0 / float(found["particle_nyquist"]))
    assert f"nothing past {float(found['data_end']):.1f} A was measured" in text
    tail = band == "no data"
    levels = [round(float(curve(found, name)[tail].mean()), 2) + 0.0 for name in (own, tied)]
    assert f"({levels[0]:.2f} on average" in text
    if "on turned grids" in text:
        assert f"{levels[1]:.2f} on turned grids" in text
    signal = np.flatnonzero(np.isin(band, ("measured", "corner"))).max()
    if limit == "square":
        assert f"corner signal down to {float(found['shell_resolution'][signal]):.1f} A" in text


def test_no_resolution_is_finer_than_the_data():
    for limit in ("circle", "square"):
        for size in (16, 18, 20, 24, 32):
            found = small(options={"surrogates": 0}, box=dict(box_size=size, limit=limit))
            finest = min(figures(found.attrs["verdict"]))
            furthest = 192.0 / (8 * 2**0.5)
            assert finest >= round(furthest, 1) and "nan" not in found.attrs["verdict"]
            own = found.attrs["verdict"].split("; with the corners")[0]
            assert min(figures(own)) >= round(float(found["data_end"]), 1)


def test_particles_without_signal_have_none():
    for limit in ("circle", "square"):
        text = small(make_particles(200, 16), box=dict(box_size=32, limit=limit)).attrs["verdict"]
        assert "no signal was found" in text and "grid-locked" not in text and "corner" not in text


def test_a_mask_that_lifts_the_curve_is_named():
    found = small(given=small_mask(), box=dict(box_size=32))
    empty = found["band"].values == "no data"
    levels = [float(curve(found, "circle", variable)[empty].mean()) for variable in ("fsc", "fsc_masked")]
    assert levels[1] > 0.3
    words = f"the mask lifts the curve from {levels[0]:.2f} to {levels[1]:.2f} where there are no data"
    assert words in found.attrs["verdict"]


def test_signal_that_ends_in_band_is_said_to():
    truth = phantom("helices", box_size=64, pixel_size=3.0, b_factor=1500.0)
    particles = simulate(truth, n_particles=300, binning=2.0, ctf=False, snr=1.0, seed=3)
    found = small(particles, options={"surrogates": 0}, box=dict(box_size=64, limit="square"))
    shell = np.flatnonzero(found["band"].values == "noise").min() - 1
    assert 3 < shell < 16
    assert f"signal ends at {float(found['shell_resolution'][shell]):.1f} A already" in found.attrs["verdict"]


def test_a_circle_is_told_of_the_corners_that_a_square_has():
    circle, square = (
        small(small_particles(), options={"surrogates": 0}, box=dict(box_size=32, limit=limit))
        for limit in ("circle", "square")
    )
    text = circle.attrs["verdict"]
    end = float(re.search(r"limit square\) there is signal down to ([0-9.]+) A", text).group(1))
    assert np.all(curve(square, "dithered")[9 : round(192.0 / end) + 1] >= 0.143)


def test_what_a_mask_brings_out_of_the_noise_is_said():
    assert "under the mask signal reaches 8.7 A" in said(SQUARE, "square", masked=0.2, brought_out=22)
    assert "under the mask signal" not in said(SQUARE, "square", masked=0.2, brought_out=20)


def test_halves_that_are_one_map_are_named():
    one = np.where(np.arange(SHELLS) < 17, 1.0, 0.5)
    values = dict.fromkeys(("standard", "dithered", "circle", "dithered_circle"), one)
    extent = Extent(64, LENGTH / 64, NYQUIST / LENGTH, LENGTH, NYQUIST / LENGTH)
    text = verdict_of({**values, **telescope(values, NYQUIST)}, {}, CIRCLE, extent, "circle")
    assert text == "Both half sets give one and the same map: no curve of theirs tells signal from noise."


def test_a_tail_that_turned_grids_keep_is_not_called_nothing():
    assert "correlation that neither data nor signal account for (0.97 on average, 0.95 on turned grids)" in said(
        CIRCLE, "circle", own=0.97, tied=0.95
    )


def test_a_gap_of_one_shell_does_not_end_the_signal():
    gap = np.where(np.arange(SHELLS) == 9, "noise", CIRCLE)
    assert "already" not in said(gap, "circle")
    two = np.where(np.isin(np.arange(SHELLS), (9, 10)), "noise", CIRCLE)
    assert "signal ends at 24.0 A already" in said(two, "circle")
