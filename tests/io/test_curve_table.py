import csv

import numpy as np
import pytest
from decompositions import make_decomposition

from cryonb import io
from cryonb.errors import InputError


def read(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = [line[2:] for line in lines if line.startswith("#")]
    return comments, list(csv.DictReader(line for line in lines if not line.startswith("#")))


def test_every_curve_is_a_column_with_units_and_settings_above(tmp_path):
    dataset = make_decomposition("square", 2, masked=True)
    io.write_curve(dataset, tmp_path / "a.csv")
    comments, rows = read(tmp_path / "a.csv")
    assert comments[0] == "decomposition, cryonb"
    assert "frequency [1/angstrom], shell_resolution [angstrom], fsc [1]" in comments[1]
    assert "pad_factor [1]: 2" in comments and "voxel_size [angstrom]: 1.5" in comments and "limit: square" in comments
    assert any(line.startswith("verdict: Past 6.0 A") for line in comments)
    for name in ("standard", "in_band", "corner", "grid_locked"):
        column = [float(row[f"fsc.{name}"]) for row in rows]
        np.testing.assert_allclose(column, dataset["fsc"].sel(component=name), atol=1e-8)
    assert [row["band"] for row in rows] == dataset["band"].values.tolist()
    assert "fsc_masked.mask_leak" in rows[0] and "fsc.mask_leak" not in rows[0]


def test_classes_are_named_and_missing_numbers_are_empty(tmp_path):
    dataset = make_decomposition("square", 1, classes=2)
    io.write_curve(dataset, tmp_path / "a.csv")
    _, rows = read(tmp_path / "a.csv")
    assert float(rows[20]["class 2.fsc.standard"]) == pytest.approx(
        float(dataset["fsc"].sel(class_id=2, component="standard")[20])
    )
    assert rows[0]["class 1.predicted_corner"] == "" and rows[35]["class 1.predicted_corner"] != ""


def test_too_many_curves_are_left_out_and_it_is_said(tmp_path):
    dataset = make_decomposition()
    many = dataset["coverage"].expand_dims(direction=np.arange(100)).rename("fsc_cone")
    io.write_curve(dataset.assign(fsc_cone=many), tmp_path / "a.csv")
    comments, rows = read(tmp_path / "a.csv")
    assert "left out: fsc_cone, which has 100 curves" in comments
    assert not any("fsc_cone" in name for name in rows[0])


def test_a_dataset_without_curves_has_no_table(tmp_path):
    with pytest.raises(InputError, match="curves over frequency"):
        io.write_curve(make_decomposition()[["frequency"]], tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()
