"""The verbs that decide take files, Datasets and arrays alike, and refuse in one sentence."""

import numpy as np
import pytest

import cryonb as cn
from cryonb.errors import InputError

QUICK = dict(recipe="homogeneous", n_iterations=1, search_resolution=20.0)


@pytest.fixture(scope="module")
def particles():
    return cn.simulate("helices", box_size=24, pixel_size=5.0, n_particles=60, snr=2.0)


@pytest.fixture(scope="module")
def volume():
    return cn.phantom("helices", box_size=24, pixel_size=5.0)


@pytest.fixture(scope="module")
def files(particles, volume, tmp_path_factory):
    """Return a folder with the same particles and map as files."""
    folder = tmp_path_factory.mktemp("files")
    cn.write_star(particles, folder / "p.star", folder / "p.mrcs")
    cn.write_map(volume, folder / "map.mrc")
    line = np.arange(24) - 12
    inside = line[:, None, None] ** 2 + line[:, None] ** 2 + line**2 < 100
    cn.write_map(inside.astype(np.float32), folder / "mask.mrc", voxel_size=5.0)
    return folder


@pytest.fixture(scope="module")
def run(files):
    return cn.refine(files / "p.star", files / "map.mrc", refine=QUICK)


def test_recipes_are_those_of_the_folder():
    wanted = {"fixed_poses", "heterogeneous", "homogeneous", "class3d", "refine3d", "resolution_limited"}
    assert wanted <= set(cn.recipes())


def test_files_and_datasets_give_the_same_run(files, run):
    table, volume = cn.open_particles(files / "p.star"), cn.open_map(files / "map.mrc")
    again = cn.refine(table, [volume], {"refine": QUICK})
    np.testing.assert_array_equal(again["half_map"].values, run["half_map"].values)
    np.testing.assert_array_equal(again["psi"].values, run["psi"].values)


def test_refine_is_the_last_of_iterate(files, run):
    runs = list(cn.iterate(files / "p.star", files / "map.mrc", refine={**QUICK, "n_iterations": 2}))
    assert [int(one["iteration"]) for one in runs] == [1, 2]
    np.testing.assert_array_equal(runs[0]["half_map"].values, run["half_map"].values)
    assert cn.history(runs)["iteration"].values.tolist() == [1, 2]


def test_a_bad_setting_is_refused_before_the_first_iteration_is_asked_for(files):
    with pytest.raises(InputError, match="Did you mean 'homogeneous'"):
        cn.iterate(files / "p.star", refine=dict(recipe="homogenous"))


def test_a_mask_may_be_a_file(files):
    run = cn.refine(files / "p.star", files / "map.mrc", refine=QUICK, mask=files / "mask.mrc")
    np.testing.assert_array_equal(run["mask"].values, cn.open_map(files / "mask.mrc")["density"].values)


def test_a_folder_keeps_iterations_and_goes_on(files, run, tmp_path):
    cn.refine(files / "p.star", files / "map.mrc", refine=QUICK, checkpoint=tmp_path / "kept")
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"iteration_001.nc", "state.npz"}
    np.testing.assert_array_equal(cn.load(tmp_path / "kept" / "iteration_001.nc")["half_map"], run["half_map"])
    more = dict(refine={**QUICK, "n_iterations": 2}, checkpoint=tmp_path / "kept")
    assert [int(one["iteration"]) for one in cn.iterate(files / "p.star", files / "map.mrc", **more)] == [2]


def test_the_plan_says_what_will_be_done(files):
    plan = cn.plan(files / "p.star", files / "map.mrc", refine=QUICK)
    assert plan.sampling.box_size == 24
    text = str(plan)
    assert "60" in text and "24" in text and ("MiB" in text or "GiB" in text)


def test_a_table_needs_no_poses(particles, files, volume):
    bare = cn.open_particles(files / "p.star").drop_vars(["rot", "tilt", "psi", "shift_y", "shift_x"])
    assert np.isfinite(cn.refine(bare, volume, refine=QUICK)["rot"].values).all()
    with pytest.raises(InputError, match="particles must have poses where they are not searched"):
        cn.refine(bare, volume, refine={**QUICK, "search": "local"})


def test_a_run_and_its_particles_are_joined_for_export(files, run, tmp_path):
    joined = cn.rejoin(run, files / "p.star")
    for name in ("rot", "tilt", "psi", "shift_x", "random_subset", "class_number"):
        np.testing.assert_array_equal(joined[name].values, run[name].values)
    cn.write_star(joined, tmp_path / "run.star")
    cn.write_cs(joined, tmp_path / "run.cs")
    for name in ("run.star", "run.cs"):
        found = cn.open_particles(tmp_path / name)
        np.testing.assert_array_equal(found["random_subset"].values, run["random_subset"].values)
        np.testing.assert_array_equal(found["class_number"].values, run["class_number"].values)
        np.testing.assert_array_equal(found["image"].values, joined["image"].values)
        np.testing.assert_allclose(found["shift_x"].values, run["shift_x"].values, atol=1e-4)


def test_a_run_is_judged_with_its_particles(files, run):
    parts = cn.diagnose(run, "decomposition", particles=files / "p.star", dithers=1, surrogates=0)
    assert parts.attrs["verdict"]


# What is wrong: (the call, fragments of the sentence)
WRONG = {
    "unknown recipe": (
        dict(refine=dict(recipe="refine3")),
        "recipe must be one of its choices; got 'refine3'. Did you mean",
    ),
    "params of another recipe": (
        dict(refine=dict(recipe="fixed_poses", params=dict(tau=4))),
        "must have a known name; got 'tau'",
    ),
    "no limit": (
        dict(refine=dict(recipe="resolution_limited")),
        "a limit must be set with recipe resolution_limited .* Set refine.max_resolution",
    ),
    "too many classes": (
        dict(refine=dict(recipe="homogeneous", n_classes=3)),
        "n_classes must be 1 with recipe homogeneous; got 3",
    ),
    "wrong reference": (dict(references="particles"), "a reference must be a map, half maps or a run; got particles"),
}


@pytest.mark.parametrize("verb", [cn.refine, cn.plan], ids=lambda verb: verb.__name__)
@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_work_is_refused_in_a_sentence(verb, case, files, particles):
    settings, words = WRONG[case]
    settings = {**settings, "references": particles} if "references" in settings else settings
    with pytest.raises(InputError, match=words):
        verb(files / "p.star", **settings)


@pytest.mark.parametrize("verb", [cn.refine, cn.plan], ids=lambda verb: verb.__name__)
def test_particles_without_images_are_refused(verb, files):
    table = cn.open_particles(files / "p.star", images=False)
    with pytest.raises(InputError, match="particles must have images; got a table without images"):
        verb(table, refine=QUICK)


def test_a_reconstruction_takes_no_decisions(particles):
    words = (
        "a reconstruction from given poses must get no settings of refine but max_resolution; got recipe. Use cn.refine"
    )
    for given in (dict(refine=dict(recipe="refine3d")), dict(config={"refine": {"recipe": "refine3d"}})):
        with pytest.raises(InputError, match=words):
            cn.reconstruct(particles, **given)
    shared = cn.RunConfig.gather(refine=dict(recipe="refine3d", max_resolution=15.0))
    run = cn.reconstruct(particles, shared)
    assert float(run["data_end"]) >= 15.0


def test_the_verb_keeps_its_name_beside_the_folder():
    import importlib

    assert importlib.import_module("cryonb.refine.loop").reconstruct
    assert callable(cn.refine) and callable(cn.history)
