"""Every colour stands out from its paper, and the colours of series from each other, for everybody."""

import itertools

import numpy as np
import pytest

from cryonb.plots import marks
from cryonb.plots.theme import DARK, LIGHT, PRINT, THEMES

COLOURS = {name: value for name, value in vars(marks).items() if name.isupper() and isinstance(value, str)}
SCREENS = [LIGHT, DARK]
LINE, WORD, APART = 3.0, 4.5, 11.0
"""Least contrast of lines and of words (WCAG 2.2, 1.4.11 and 1.4.3), and least distance of two colours in CIELAB."""
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
"""Linear light as others see it (Machado, Oliveira & Fernandes 2009, doi:10.1109/TVCG.2009.113, full strength)."""
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def light_of(colour):
    """Return red, green and blue of a colour as linear light."""
    values = np.array([int(colour[index : index + 2], 16) for index in (1, 3, 5)]) / 255.0
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    low, high = sorted(float(light_of(colour) @ TO_XYZ[1]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab_of(colour, seen_by):
    xyz = TO_XYZ @ np.clip(np.array(BLINDNESS[seen_by]) @ light_of(colour), 0.0, 1.0) / TO_XYZ.sum(axis=1)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", SCREENS, ids=lambda theme: theme.name)
@pytest.mark.parametrize("name", COLOURS)
def test_every_colour_stands_out_from_the_paper(theme, name):
    assert contrast(theme.line(COLOURS[name]), theme.paper) >= LINE
    assert contrast(theme.word(COLOURS[name]), theme.paper) >= WORD


@pytest.mark.parametrize("theme", [PRINT, *SCREENS], ids=lambda theme: theme.name)
def test_words_and_frames_stand_out_from_the_paper(theme):
    assert contrast(theme.ink, theme.paper) >= 7.0
    assert contrast(theme.frame, theme.paper) >= WORD


@pytest.mark.parametrize("seen_by", BLINDNESS)
@pytest.mark.parametrize("theme", SCREENS, ids=lambda theme: theme.name)
def test_the_colours_of_series_differ_for_everybody(theme, seen_by):
    used = [theme.line(colour) for colour in (*(colour for colour, _ in marks.SERIES), marks.VERMILLION)]
    seen = [lab_of(colour, seen_by) for colour in used]
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(one - other) >= APART


def test_files_keep_the_colours_of_the_marks():
    assert all(PRINT.line(colour) == PRINT.word(colour) == colour for colour in COLOURS.values())


def test_screens_ask_for_themes_by_name():
    assert THEMES["light"] is LIGHT and THEMES["dark"] is DARK
