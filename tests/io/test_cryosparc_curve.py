"""The text of a cryoSPARC plot comes in as curves over frequency, or says what it lacks."""

import numpy as np
import pytest

from cryonb import io
from cryonb.errors import FormatError

LENGTH = 96.0
CRYOSPARC = (
    "wave_number\tfsc_nomask\tfsc_sphericalmask\tfsc_loosemask\tfsc_tightmask\tfsc_noisesub_true\tfsc_noisesub\n"
)


def cryosparc_text(rows=8):
    """Lines as cryoSPARC writes them: the wave number of the middle of every shell, and six decimals."""
    return CRYOSPARC + "".join(
        "\t".join(f"{value:.6f}" for value in (row + 0.5, 0.9 - 0.1 * row, 0.95, 0.96, 0.99 - 0.1 * row, np.nan, 0.8))
        + "\n"
        for row in range(rows)
    )


def test_the_text_of_a_cryosparc_plot_is_read_with_the_length_of_its_box(tmp_path):
    path = tmp_path / "J45_fsc_iteration_005.txt"
    path.write_text(cryosparc_text())
    curve = io.open_curve(path, length=LENGTH)
    assert curve.fsc_kind.values.tolist() == ["raw", "masked", "corrected"]
    np.testing.assert_allclose(curve.frequency, (np.arange(8) + 0.5) / LENGTH)
    assert curve.shell.values.tolist() == list(range(8))
    np.testing.assert_allclose(curve.fsc.sel(fsc_kind="raw"), 0.9 - 0.1 * np.arange(8))
    half = float(curve.fsc_resolution.sel(fsc_kind="raw", threshold="0.5"))
    assert half == pytest.approx(LENGTH / 4.5)
    assert np.isnan(curve.fsc_resolution.sel(fsc_kind="corrected")).all()
    assert io.open_curve(path, "masked", length=LENGTH).fsc_kind.values.tolist() == ["masked"]


@pytest.mark.parametrize(
    ("text", "length", "sentence"),
    [
        (
            cryosparc_text(),
            None,
            "counts shells, so that the length of its box .angstrom. must be known; got None. Give",
        ),
        (cryosparc_text(), -1.0, "must be known; got -1.0"),
        (
            "wave_number\tfsc_odd\n0.5\t1.0\n1.5\t0.5\n",
            LENGTH,
            "must have one of the columns fsc_nomask, .* got wave_number",
        ),
        (cryosparc_text() + "broken line of no numbers or or or\n", LENGTH, "must hold a number in every column"),
        (cryosparc_text() + "8.5\t0.1\n", LENGTH, "must hold a number in every column"),
        (CRYOSPARC, LENGTH, "must hold"),
    ],
    ids=["no length", "wrong length", "other columns", "words", "short row", "no rows"],
)
def test_the_text_of_a_cryosparc_plot_that_cannot_be_read_is_a_sentence(tmp_path, text, length, sentence):
    path = tmp_path / "fsc.txt"
    path.write_text(text)
    with pytest.raises(FormatError, match=sentence):
        io.open_curve(path, length=length)
