"""Every recipe on the same particles: one table, and what each curve is made of."""

import json

import numpy as np
import pytest
from decompositions import make_decomposition
from refinements_made import make_run

import cryonb as cn
from cryonb.decisions import compare_recipes, decisions
from cryonb.errors import InputError
from cryonb.provenance import lineage


@pytest.fixture(scope="module")
def particles():
    return cn.simulate("helices", box_size=24, pixel_size=5.0, n_particles=60, snr=2.0)


@pytest.fixture(scope="module")
def volume():
    return cn.phantom("helices", box_size=24, pixel_size=5.0)


@pytest.fixture(scope="module")
def tree(particles, volume):
    heard = []
    made = compare_recipes(
        particles,
        volume,
        ["fixed_poses", "resolution_limited"],
        refine=dict(n_iterations=1, max_resolution=15.0),
        decomposition=dict(dithers=1),
        progress=lambda fraction, text: heard.append((fraction, text)),
    )
    return made, heard


def test_each_recipe_has_a_run_a_curve_and_a_row(tree):
    made, _ = tree
    assert list(made["runs"].children) == list(made["curves"].children) == ["fixed_poses", "resolution_limited"]
    table = made["decisions"].to_dataset()
    assert table.attrs["schema"] == "cryonb/decisions"
    assert table["run"].values.tolist() == ["fixed_poses", "resolution_limited"]
    for label, row in zip(table["run"].values, range(2)):
        run, curve = made["runs"][label], made["curves"][label]
        assert json.loads(run.attrs["decisions"])["halves"] == str(table["halves"].values[row])
        np.testing.assert_equal(float(table["claimed_resolution"][row]), float(run["claimed_resolution"]))
        assert str(table["verdict"].values[row]) == " ".join(curve.attrs["verdict"].split())


def test_the_curve_that_is_taken_apart_has_the_poses_of_its_run(tree, particles):
    made, _ = tree
    run = made["runs"]["fixed_poses"].to_dataset()
    direct = cn.diagnose(run, "decomposition", particles=particles, dithers=1, surrogates=0)
    stored = made["curves"]["fixed_poses"].to_dataset()
    np.testing.assert_array_equal(direct["fsc"].values, stored["fsc"].values)


def test_curves_are_taken_apart_on_the_machine_of_their_runs(particles, volume):
    compute = dict(backend="numba", fallback=True, threads=1)
    made = compare_recipes(particles, volume, "fixed_poses", decomposition=dict(dithers=1), compute=compute)
    settings = lineage(made["curves"]["fixed_poses"].to_dataset())[-1]["settings"]
    asked = settings.get("config", settings)["compute"]
    assert {name: asked[name] for name in compute} == compute


def test_progress_goes_on_through_all_of_them(tree):
    _, heard = tree
    fractions = [fraction for fraction, _ in heard]
    assert fractions == sorted(fractions) and fractions[-1] == pytest.approx(1.0, abs=0.01)
    assert heard[0][1].startswith("fixed_poses: ") and heard[-1][1].startswith("resolution_limited: ")


def test_the_tree_can_be_kept_and_drawn(tree, tmp_path):
    made, _ = tree
    cn.save(made, tmp_path / "session.zarr")
    again = cn.load(tmp_path / "session.zarr")
    assert again["decisions"].to_dataset().equals(made["decisions"].to_dataset())
    assert cn.draw(again).sheet.title.startswith("What recipes decide")


def test_labels_carry_settings_of_their_own(particles, volume):
    chosen = {"coarse": dict(recipe="resolution_limited", max_resolution=25.0)}
    made = compare_recipes(particles, volume, chosen, refine=dict(n_iterations=1), decomposition=dict(dithers=1))
    assert float(made["decisions"]["alignment_limit"][0]) >= 25.0
    assert made["decisions"]["recipe"].values.tolist() == ["resolution_limited"]


def test_what_is_named_and_cannot_work_is_refused(particles, volume):
    with pytest.raises(InputError, match="a limit must be set with recipe resolution_limited"):
        compare_recipes(particles, volume, ["resolution_limited"])
    with pytest.raises(InputError, match="Did you mean 'refine3d'"):
        compare_recipes(particles, volume, "refine3")
    with pytest.raises(InputError, match="at least one recipe must be chosen; got none"):
        compare_recipes(particles, volume, [])


def test_of_all_those_that_cannot_work_are_left_out(particles, volume, monkeypatch):
    monkeypatch.setattr("cryonb.decisions.recipes", lambda: ("fixed_poses", "resolution_limited"))
    made = compare_recipes(particles, volume, "all", refine=dict(n_iterations=1), decomposition=dict(dithers=1))
    assert list(made["runs"].children) == ["fixed_poses"]
    assert made["decisions"].attrs["left_out"].startswith("resolution_limited: a limit must be set")


def test_classes_have_a_row_each():
    runs = {"two": make_run(classes=2, claimed=np.nan)}
    table = decisions(runs, {"two": make_decomposition(classes=2)})
    assert table["run"].values.tolist() == ["two, class 1", "two, class 2"]
    assert table["class_number"].values.tolist() == [1, 2]
    assert np.isnan(table["claimed_resolution"].values).all()
    assert str(table["verdict"].values[0]).startswith("Past 6.0 A") and "Class" not in str(table["verdict"].values[1])
