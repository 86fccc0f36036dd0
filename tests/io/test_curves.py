"""Curves of other programs come in with their meaning, and ours go out for others."""

from xml.etree import ElementTree

import numpy as np
import pytest
from tolerances import CURVE_DECIMALS

from cryonb import io, schema
from cryonb.errors import FormatError, InputError, SchemaError
from cryonb.io.curves import first_crossing


def made_up(n=6, kinds=("raw", "corrected")):
    coords = {
        **schema.shell_coordinates(2 * (n - 1), 1.5),
        "fsc_kind": list(kinds),
        "threshold": list(schema.THRESHOLDS),
    }
    fsc = np.linspace(1.0, 0.0, n) * np.ones((len(kinds), 1))
    fsc[:, -1] = np.nan
    resolution = np.full((len(kinds), 4), 5.25)
    resolution[0, 0] = np.nan
    band = np.array(["measured"] * (n - 1) + ["no data"])
    variables = {"fsc": fsc, "fsc_resolution": resolution, "band": band}
    return schema.build(schema.FSC, variables, {**coords, "voxel_size": 1.5, "box_size": 2 * (n - 1)})


def test_relion_postprocess_brings_all_its_curves(data):
    curve = io.open_curve(data / "relion" / "postprocess.star")
    assert curve.fsc_kind.values.tolist() == ["raw", "masked", "phase_randomised", "corrected"]
    assert curve.frequency.values[0] == 0.0 and curve.shell_resolution.values[0] == np.inf
    assert curve.shell.values.tolist() == list(range(33))
    np.testing.assert_allclose(curve.frequency.values, np.arange(33) / 134.4, rtol=1e-6)
    assert float(curve.fsc.sel(fsc_kind="raw")[20]) == 0.246762
    assert float(curve.fsc.sel(fsc_kind="phase_randomised")[10]) == 0.242382
    assert float(curve.resolution) == 4.2
    assert float(curve.randomisation_resolution) == pytest.approx(14.933333)
    assert set(curve.band.values) == {"measured"}
    assert (
        np.isnan(curve.fsc_resolution).all()[()] or float(curve.fsc_resolution.sel(fsc_kind="raw", threshold="0.5")) > 4
    )


def test_a_single_relion_curve_is_raw(data):
    curve = io.open_curve(data / "relion" / "fsc_unmasked_pad2.star")
    assert curve.fsc_kind.values.tolist() == ["raw"]
    full = io.open_curve(data / "relion" / "postprocess.star")
    np.testing.assert_allclose(curve.fsc[0], full.fsc.sel(fsc_kind="raw"), atol=CURVE_DECIMALS)


def test_xml_and_star_of_one_run_agree(data):
    xml = io.open_curve(data / "relion" / "postprocess_fsc.xml")
    star = io.open_curve(data / "relion" / "postprocess.star")
    assert xml.fsc_kind.values.tolist() == ["corrected"]
    np.testing.assert_allclose(xml.fsc[0], star.fsc.sel(fsc_kind="corrected"), atol=CURVE_DECIMALS)
    np.testing.assert_allclose(xml.frequency, star.frequency, atol=CURVE_DECIMALS)
    assert xml.shell.values.tolist() == star.shell.values.tolist()


@pytest.mark.parametrize("entry", ["EMPIAR-10024", "EMPIAR-10097", "EMPIAR-10269", "EMPIAR-11233"])
@pytest.mark.parametrize("iteration", [0, 4, 9])
def test_dat_xml_and_log_of_real_runs_agree(data, entry, iteration):
    folder = data / "fsc_curves" / entry
    dat, xml = (io.open_curve(folder / f"iter{iteration}_fsc.{suffix}") for suffix in ("dat", "xml"))
    np.testing.assert_allclose(dat.fsc, xml.fsc, atol=CURVE_DECIMALS)
    assert dat.frequency.values[0] == 0.0
    reported = io.reported_resolution(folder / f"_postprocess_iter{iteration}.txt")
    interpolated = float(dat.fsc_resolution.sel(fsc_kind="corrected", threshold="0.143"))
    step = float(dat.frequency[1])
    assert abs(1 / interpolated - 1 / reported) < 1.5 * step  # the last whole shell, not interpolated


def test_reported_resolution_of_star_and_of_silence(data, tmp_path):
    assert io.reported_resolution(data / "relion" / "postprocess.star") == 4.2
    (tmp_path / "a.txt").write_text("nothing here")
    with pytest.raises(FormatError, match="must report a final resolution; got none"):
        io.reported_resolution(tmp_path / "a.txt")


def test_curves_of_old_and_new_relion(data):
    assert float(io.open_curve(data / "fsc_curves" / "postprocess.star").resolution) == pytest.approx(16.363636)
    curve = io.open_curve(data / "fsc_curves" / "EMPIAR-11233" / "iter0.star")
    assert float(curve.resolution) == pytest.approx(3.052973)


@pytest.mark.parametrize("n", [6, 7])
def test_csv_says_units_and_settings_and_comes_back(tmp_path, n):
    dataset = made_up(n)
    io.write_curve(dataset, tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text()
    assert "# frequency [1/angstrom]" in text
    assert "# voxel_size [angstrom]: 1.5" in text
    assert "# fsc_resolution [angstrom] raw at 0.143: not reached" in text
    assert "# fsc_resolution [angstrom] corrected at 0.143: 5.25" in text
    curve = io.open_curve(tmp_path / "a.csv")
    np.testing.assert_allclose(curve.fsc, dataset.fsc, rtol=1e-7)
    np.testing.assert_allclose(curve.frequency, dataset.frequency, rtol=1e-9)
    assert curve.band.values.tolist() == dataset.band.values.tolist()
    assert io.open_curve(tmp_path / "a.csv", fsc_kind="raw").fsc_kind.values.tolist() == ["raw"]


def test_xml_is_the_emdbs_and_holds_no_number_where_there_is_none(tmp_path):
    dataset = made_up()
    io.write_curve(dataset, tmp_path / "a.xml")
    root = ElementTree.parse(tmp_path / "a.xml").getroot()
    assert root.tag == "fsc"
    assert root.attrib == {
        "title": "cryonb corrected FSC",
        "xaxis": "Resolution (A-1)",
        "yaxis": "Correlation Coefficient",
    }
    assert [[child.tag for child in point] for point in root] == [["x", "y"]] * 5
    np.testing.assert_allclose([float(point.findtext("y")) for point in root], dataset.fsc[1, :5])
    assert io.open_curve(tmp_path / "a.xml").fsc_kind.values.tolist() == ["corrected"]
    io.write_curve(dataset, tmp_path / "b.xml", fsc_kind="raw")
    assert io.open_curve(tmp_path / "b.xml").fsc_kind.values.tolist() == ["raw"]


def test_an_untitled_xml_is_raw_with_a_warning(tmp_path):
    io.write_curve(made_up(), tmp_path / "a.xml")
    text = (tmp_path / "a.xml").read_text().replace("cryonb corrected FSC", "")
    (tmp_path / "a.xml").write_text(text)
    with pytest.warns(UserWarning, match="does not say which FSC it holds"):
        assert io.open_curve(tmp_path / "a.xml").fsc_kind.values.tolist() == ["raw"]
    assert io.open_curve(tmp_path / "a.xml", fsc_kind="masked").fsc_kind.values.tolist() == ["masked"]


def test_crossings_are_interpolated_and_never_invented():
    frequency = np.array([0.0, 0.1, 0.2, 0.3])
    assert first_crossing(frequency, np.array([1.0, 0.9, 0.4, 0.6]), 0.5) == pytest.approx(1 / 0.18)
    assert np.isnan(first_crossing(frequency, np.array([1.0, 0.9, 0.8, 0.7]), 0.5))
    assert np.isnan(first_crossing(frequency, np.array([1.0, 0.9, 0.8, np.nan]), 0.5))
    assert first_crossing(frequency, np.array([1.0, 0.2, 0.1, 0.0]), 0.5) == pytest.approx(10.0)


BAD = [
    ("a.xml", "<fsc><coordinate><x>1</x>", "must be an FSC curve in XML; got a damaged one"),
    ("a.xml", "<fsc/>", "must hold an FSC curve; got 0 points"),
    ("a.dat", "0.1 0.9\n0.2 x\n", "must hold two columns of numbers; got other text"),
    ("a.dat", "0.1 0.9 3\n0.2 0.8 3\n", "must hold the two columns"),
    ("a.dat", "0.2 0.9\n0.1 0.8\n", "of rising frequency"),
    ("a.csv", "x,y\n1,2\n", "must be headed by frequency and the kinds of FSC"),
    ("a.csv", "frequency,raw\n0.0,1.0\n0.1\n", "must hold numbers in every row"),
    ("a.star", "data_fsc\n\nloop_\n_rlnSpectralIndex #1\n0\n1\n", "must hold an FSC loop; got none"),
]


@pytest.mark.parametrize(("name", "content", "sentence"), BAD, ids=[row[2] for row in BAD])
def test_files_that_hold_no_curve_are_refused(tmp_path, name, content, sentence):
    (tmp_path / name).write_text(content)
    with pytest.raises(FormatError, match=sentence):
        io.open_curve(tmp_path / name)


def test_wrong_words_are_refused(tmp_path, data):
    with pytest.raises(InputError, match="Did you mean 'masked'?"):
        io.open_curve(data / "relion" / "postprocess_fsc.xml", fsc_kind="maskd")
    with pytest.raises(InputError, match="Did you mean 'corrected'?"):
        io.write_curve(made_up(), tmp_path / "a.xml", fsc_kind="correct")
    with pytest.raises(FormatError, match="can write curve"):
        io.write_curve(made_up(), tmp_path / "a.pdf")
    with pytest.raises(SchemaError, match="cryonb/fsc is needed"):
        io.write_curve(io.open_map(data / "relion" / "ref.mrc"), tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("cryoSPARC GSFSC Corrected Mask", "corrected"),
        ("cryoSPARC GSFSC Tight Mask", "masked"),
        ("cryoSPARC GSFSC Spherical Mask", "masked"),
        ("cryoSPARC GSFSC No Mask", "raw"),
        ("RELION masked-corrected FSC", "corrected"),
        ("unmasked", "raw"),
    ],
)
def test_the_title_of_an_xml_file_names_the_kind(tmp_path, title, kind):
    points = "".join(f"<coordinate><x>{(row + 0.5) / 96.0}</x><y>{1 - row / 8}</y></coordinate>" for row in range(8))
    (tmp_path / "a.xml").write_text(f'<fsc title="{title}" xaxis="Resolution (A-1)">{points}</fsc>')
    curve = io.open_curve(tmp_path / "a.xml")
    assert curve.fsc_kind.values.tolist() == [kind]
    assert curve.shell.values.tolist() == list(range(8))


MODEL = """
data_model_general

_rlnOriginalImageSize 16
_rlnCurrentResolution 12.8

data_model_class_1

loop_
_rlnSpectralIndex #1
_rlnResolution #2
_rlnAngstromResolution #3
_rlnSsnrMap #4
_rlnGoldStandardFsc #5
"""


def test_the_model_of_a_refinement_in_halves_holds_its_curve(tmp_path):
    """Lines as RELION 3.1 writes them, where the first resolution stands for infinity."""
    rows = [(0, 0.0, 999.0, 10.0, 1.0)] + [(k, k / 64, 64 / k, 5.0, 1 - 0.1 * k) for k in range(1, 9)]
    path = tmp_path / "run_model.star"
    path.write_text(MODEL + "".join(" ".join(f"{value:.6f}" for value in row) + "\n" for row in rows))
    curve = io.open_curve(path)
    assert curve.fsc_kind.values.tolist() == ["raw"]
    assert float(curve.resolution) == 12.8
    np.testing.assert_allclose(curve.frequency, np.arange(9) / 64, rtol=1e-6)
    np.testing.assert_allclose(curve.fsc[0], 1 - 0.1 * np.arange(9))
    assert io.open_curve(path, "corrected").fsc_kind.values.tolist() == ["corrected"]


def test_the_model_of_a_run_without_halves_holds_none(data):
    """RELION leaves zeros there; they are no curve."""
    with pytest.raises(FormatError, match="must hold an FSC loop; got none. .*other runs leave zeros in theirs"):
        io.open_curve(data / "relion_run" / "out_it005_model.star")
