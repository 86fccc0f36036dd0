"""``cryonb refine``: what it writes, how it goes on after a stop, and what it refuses."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import mrcfile
import numpy as np
import pytest

import cryonb as cn
from cryonb import cli, plots, refinements
from cryonb.cli import command_refine, inputs, run_folder
from cryonb.units import angstrom

CHECKOUT = str(Path(cn.__file__).parents[1])
SETTINGS = ["--refine.recipe", "homogeneous", "--refine.n-iterations", "2", "--refine.search-resolution", "20"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return a folder with particles and a map to start from."""
    folder = tmp_path_factory.mktemp("files")
    truth = cn.phantom("helices", box_size=24, pixel_size=5.0)
    particles = cn.simulate(truth, n_particles=60, snr=2.0)
    cn.write_star(particles, folder / "p.star", folder / "p.mrcs")
    cn.write_map(truth, folder / "map.mrc")
    return folder


@pytest.fixture(scope="module")
def start(files):
    return ["refine", str(files / "p.star"), "--reference", str(files / "map.mrc"), *SETTINGS]


@pytest.fixture(scope="module")
def refined(start, tmp_path_factory):
    """Return the folder that `cryonb refine` wrote."""
    out = tmp_path_factory.mktemp("refined") / "out"
    assert cli.main([*start, "--out", str(out)]) == 0
    return out


@pytest.fixture
def copied(refined, tmp_path):
    """Return a copy of that folder."""
    shutil.copytree(refined, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def undrawn(monkeypatch):
    """Leave figures out, which take most of the time; the run of `refined` has them."""
    monkeypatch.setattr(plots, "draw", lambda *_: None)
    monkeypatch.setattr(plots, "save_figure", lambda figure, path: path.touch())


def last_of(folder):
    return cn.load(folder / "session.zarr")["refinement"].to_dataset()


def test_it_writes_maps_curves_figures_tables_session_and_summary(refined):
    assert {path.name for path in refined.iterdir()} == {
        *("half_map_A.mrc", "half_map_B.mrc", "map.mrc", "mask.mrc", "particles.star", "particles.cs"),
        *("fsc.csv", "fsc.png", "fsc.xml", "refinement.png", "history.png", "session.zarr", "summary.txt"),
        *(run_folder.RECORD, run_folder.CHECKPOINT),
    }
    run = last_of(refined)
    np.testing.assert_array_equal(mrcfile.read(refined / "half_map_B.mrc"), run["half_map"].values[1])
    np.testing.assert_array_equal(mrcfile.read(refined / "map.mrc"), run["volume"].values)
    assert cn.load(refined / "session.zarr")["history"]["iteration"].values.tolist() == [1, 2]
    kept = {path.name for path in (refined / run_folder.CHECKPOINT).iterdir()}
    assert kept == {"iteration_001.nc", "iteration_002.nc", "state.npz"}


def test_the_tables_hold_poses_halves_and_classes(refined, files):
    run = last_of(refined)
    for name in ("particles.star", "particles.cs"):
        table = cn.open_particles(refined / name)
        for column in ("random_subset", "class_number"):
            np.testing.assert_array_equal(table[column].values, run[column].values)
        for column in ("shift_x", "shift_y"):
            np.testing.assert_allclose(table[column].values, run[column].values, atol=1e-4)
        np.testing.assert_array_equal(table["image"].values, cn.open_particles(files / "p.star")["image"].values)


def test_the_summary_says_what_was_decided_and_claimed(refined):
    text = (refined / "summary.txt").read_text()
    run = last_of(refined)
    decided = json.loads(run.attrs["decisions"])
    assert all(f"{name}: {words}" in text for name, words in decided.items())
    claimed = float(run["claimed_resolution"])
    none = "claims no resolution: the curve does not cross before the data end at"
    assert (f"claims {angstrom(claimed, 'A')}" if np.isfinite(claimed) else none) in text
    assert text.startswith("Recipe homogeneous, iteration 1, aligned to ")
    assert "The refinement stopped at the number asked for, not converged, after 2 iterations.\n" in text


def test_the_summary_says_what_was_kept_out_of_the_map(refined):
    particles, run = cn.simulate("helices", box_size=24, pixel_size=5.0, n_particles=2), last_of(refined)
    for finest, said in ((20, True), (5, False)):
        limited = run.assign_attrs(provenance=json.dumps({"settings": {"refine": {"max_resolution": finest}}}))
        text = "\n".join(command_refine.summary(particles, {"refinement": limited.assign_attrs(converged="yes")}))
        assert "The refinement converged after 2 iterations." in text
        assert ("refine.max_resolution keeps what is finer than 20.0 A out of the map." in text) == said


def test_the_command_line_computes_what_python_computes(refined, files):
    settings = dict(recipe="homogeneous", n_iterations=2, search_resolution=20)
    direct = cn.refine(files / "p.star", files / "map.mrc", refine=settings)
    np.testing.assert_array_equal(direct["half_map"].values, last_of(refined)["half_map"].values)


def test_the_plan_comes_first_and_can_come_alone(start, files, tmp_path, capsys):
    assert cli.main([*start, "--plan", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    plan = cn.plan(files / "p.star", files / "map.mrc", refine=dict(recipe="homogeneous", n_iterations=2))
    assert said.split(" particles")[0] == str(plan).split(" particles")[0]
    assert not (tmp_path / "out").exists()


def test_a_recipes_own_settings_are_flags(capsys):
    plug = refinements.recipe("homogeneous")
    text = " ".join(command_refine.parser(plug).format_help().split())
    assert "--refine.params.mask" in text and "settings of homogeneous" in text
    read = command_refine.parser(plug).read(["p.star", "--refine.params.mask", "none"])
    assert inputs.given_settings(read, plug)["refine"] == {"params": {"mask": "none"}}
    assert cli.main(["refine", "--help", "--refine.recipe", "homogeneous"]) == 0
    assert "--refine.params.mask" in capsys.readouterr().out


def test_a_run_that_was_killed_goes_on_to_the_same_bits(start, refined, undrawn, tmp_path, monkeypatch, capsys):
    """Ctrl-C after the first iteration: the process says how to go on, and what goes on ends with the same bits."""
    whole = last_of(refined)
    real = refinements.iterate

    def stopped(*arguments, **settings):
        for number, run in enumerate(real(*arguments, **settings)):
            yield run
            if number == 0:
                raise KeyboardInterrupt

    monkeypatch.setattr(refinements, "iterate", stopped)
    out = tmp_path / "out"
    assert cli.main([*start, "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == (
        f"cryonb: the run was stopped by Ctrl-C; its finished iterations are in {out}. "
        f"Continue with: cryonb refine --resume {out}"
    )
    assert {path.name for path in out.iterdir()} == {run_folder.RECORD, run_folder.CHECKPOINT}
    monkeypatch.setattr(refinements, "iterate", real)
    assert cli.main(["refine", "--resume", str(out)]) == 0
    again = last_of(out)
    assert all(again[name].equals(whole[name]) for name in ("half_map", "volume", "psi", "fsc_unmasked"))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[1] for line in lines if line.startswith("Recipe ")][:2] == [" iteration 1", " iteration 2"]


def test_ctrl_c_before_anything_was_kept_leaves_nothing(start, tmp_path, monkeypatch, capsys):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(refinements, "iterate", stopped)
    assert cli.main([*start, "--out", str(tmp_path / "deep" / "out")]) == 1
    assert capsys.readouterr().err == "cryonb: the run was stopped by Ctrl-C; nothing was written.\n"
    assert not (tmp_path / "deep" / "out").exists()


def test_ctrl_c_before_a_resumed_run_goes_on_says_that_it_is_still_there(copied, monkeypatch, capsys):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(refinements, "plan", stopped)
    assert cli.main(["refine", "--resume", str(copied)]) == 1
    said = capsys.readouterr().err
    assert f"its finished iterations are in {copied}. Continue with: cryonb refine --resume {copied}\n" in said
    assert "nothing was written" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent the POSIX way")
def test_a_process_is_stopped_and_says_how_to_go_on(start, tmp_path):
    many = [*start[:-3], "50", *start[-2:], "--quiet", "--out", "out"]
    program = f"import sys; from cryonb.cli import process; sys.argv = ['cryonb', *{many!r}]; process.run()"
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    environment = {**os.environ, "PYTHONPATH": CHECKOUT}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, **pipes) as process:
        try:
            next(line for line in process.stdout if "iteration 1," in line)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 1, said
    assert "Traceback" not in said
    assert said.strip().splitlines()[-1].endswith("Continue with: cryonb refine --resume out")
    assert (tmp_path / "out" / run_folder.CHECKPOINT / "iteration_001.nc").exists()


def test_what_a_killed_run_was_writing_is_cleared_when_it_is_resumed(copied, undrawn):
    half_written, other = (copied.parent / f".{name}.a1b2_3c4" for name in (copied.name, f"{copied.name}2"))
    for folder in (half_written, other):
        folder.mkdir()
    assert cli.main(["refine", "--resume", str(copied)]) == 0
    assert other.exists() and not half_written.exists()


def test_a_finished_run_may_go_further(copied, undrawn, capsys):
    (copied / "map.mrc").unlink()
    assert cli.main(["refine", "--resume", str(copied), "--refine.n-iterations", "3", "--compute.threads", "1"]) == 0
    assert (copied / "map.mrc").exists()
    assert cn.load(copied / "session.zarr")["history"]["iteration"].values.tolist() == [1, 2, 3]
    assert json.loads((copied / run_folder.RECORD).read_text())["settings"]["refine"]["n_iterations"] == "3"


REFUSED = {
    "other settings": (["--refine.max-resolution", "15"], "refine.max_resolution 15.0 where it was 0.0. Leave it out"),
    "another recipe": (["--refine.recipe", "refine3d"], "refine.recipe refine3d where it was homogeneous"),
    "other params": (["--refine.params.mask", "none"], "refine.params {'mask': 'none'} where it was {}"),
    "other particles": (["q.star"], "--resume must go without what its folder knows; got particles"),
    "another folder": (["--out", "other"], "--resume must go without what its folder knows; got out"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_run_is_resumed_as_it_was_or_not_at_all(case, copied, capsys):
    words, sentence = REFUSED[case]
    before = {path.name for path in copied.rglob("*")}
    assert cli.main(["refine", *words, "--resume", str(copied)]) == 2
    said = capsys.readouterr()
    assert sentence in said.err and len(said.err.splitlines()) == 1
    assert said.out == ""
    assert {path.name for path in copied.rglob("*")} == before


def test_a_folder_with_a_run_is_not_written_over(start, copied, capsys):
    assert cli.main([*start, "--out", str(copied)]) == 2
    words = (
        f"the output folder must hold no other refinement; got one in {copied}. Continue that one with cryonb refine"
    )
    assert words in capsys.readouterr().err


def test_a_damaged_record_is_refused(copied, capsys):
    (copied / run_folder.RECORD).write_text("{")
    assert cli.main(["refine", "--resume", str(copied)]) == 2
    assert "the folder to resume must be that of a refinement; got a damaged" in capsys.readouterr().err


def test_particles_that_change_are_noticed(copied, files, tmp_path, capsys):
    record = json.loads((copied / run_folder.RECORD).read_text())
    other = cn.simulate(cn.open_map(files / "map.mrc"), n_particles=60, snr=2.0, seed=5)
    cn.write_star(other, tmp_path / "q.star", tmp_path / "q.mrcs")
    (copied / run_folder.RECORD).write_text(json.dumps({**record, "particles": str(tmp_path / "q.star")}))
    assert cli.main(["refine", "--resume", str(copied)]) == 2
    assert "a refinement must continue from a folder of the same run; got other particles" in capsys.readouterr().err


def test_classes_have_files_each(files, undrawn, tmp_path, capsys):
    words = ["--refine.recipe", "class3d", "--refine.n-classes", "2", "--refine.n-iterations", "1"]
    table = [str(files / "p.star"), "--reference", str(files / "map.mrc")]
    assert cli.main(["refine", *table, *words, "--out", str(tmp_path / "out")]) == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"map_class_1.mrc", "half_map_class_2_B.mrc", "fsc_class_1.xml", "fsc_class_2.png"} <= names
    assert "class 2: " in capsys.readouterr().out
    words = [
        "compare",
        str(tmp_path / "out"),
        str(tmp_path / "out"),
        "--labels",
        "a",
        "b",
        "--out",
        str(tmp_path / "both"),
    ]
    assert cli.main(words) == 0
    assert "  Recipe class3d, iteration 1, aligned to " in capsys.readouterr().out


def test_a_class_that_lost_its_particles_has_no_curve_and_takes_nothing_from_the_others(
    files, undrawn, tmp_path, capsys, monkeypatch
):
    """The last iteration is as it is where a half of class 2 is empty."""
    iterate = refinements.iterate

    def emptied(*given, **settings):
        for step in iterate(*given, **settings):
            yield step.assign(half_map=step["half_map"].where((step["class_id"] != 2) | (step["half"] != "A"), 0.0))

    monkeypatch.setattr(refinements, "iterate", emptied)
    words = ["--refine.recipe", "class3d", "--refine.n-classes", "2", "--refine.n-iterations", "1"]
    out = tmp_path / "out"
    assert (
        cli.main(["refine", str(files / "p.star"), "--reference", str(files / "map.mrc"), *words, "--out", str(out)])
        == 0
    )
    names = {path.name for path in out.iterdir()}
    assert {"fsc_class_1.csv", "particles.star", "session.zarr"} <= names and "fsc_class_2.csv" not in names
    said = capsys.readouterr().out
    assert said.count("class 2 has no FSC: a half of it holds no particles.") == 1
    assert "class 2 has no FSC" in (out / "summary.txt").read_text()


def test_recipes_are_compared_in_one_table(files, tmp_path, capsys):
    words = ["compare", str(files / "p.star"), "--recipes", "fixed_poses", "resolution_limited"]
    words += ["--reference", str(files / "map.mrc"), "--refine.n-iterations", "1", "--refine.max-resolution", "15"]
    words += ["--dithers", "1"]
    assert cli.main([*words, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("run ") and "signal to [A]" in said.splitlines()[0]
    assert "those of the table" in said and "\nfixed_poses: " in said
    names = {path.name for path in (tmp_path / "out").iterdir()}
    wanted = {
        "compare.png",
        "fixed_poses_decomposition.csv",
        "resolution_limited_map.mrc",
        "session.zarr",
        "summary.txt",
    }
    assert wanted <= names
    session = cn.load(tmp_path / "out" / "session.zarr")
    assert session["decisions"].attrs["schema"] == "cryonb/decisions"
    assert max(map(len, (tmp_path / "out" / "summary.txt").read_text().splitlines()[:6])) <= 200
