"""The commands on good input: what they write and what they say."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import mrcfile
import numpy as np
import outputs
import pytest
from decompositions import VERDICTS, make_decomposition

import cryonb as cn
from cryonb import cli, demo, diagnostics, verbs
from cryonb.cli import command_diagnose, command_reconstruct, command_simulate
from cryonb.cli.command_compare import default_labels
from cryonb.errors import RunStopped
from cryonb.knobs import Config, knob


def run(capsys, *words):
    code = cli.main([str(word) for word in words])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return captured


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Return the folder that `cryonb simulate` wrote."""
    out = tmp_path_factory.mktemp("simulated") / "out"
    words = ["simulate", "--box-size", 24, "--pixel-size", 4, "--n-particles", 160, "--snr", 5, "--out", out]
    assert cli.main([str(word) for word in words]) == 0
    return out


@pytest.fixture(scope="module")
def reconstructed(simulated, tmp_path_factory):
    """Return the folder that `cryonb reconstruct` wrote from it."""
    out = tmp_path_factory.mktemp("reconstructed") / "out"
    words = [
        "reconstruct",
        simulated / "particles.star",
        "--box.pad-factor",
        "1",
        "--mask.kind",
        "sphere",
        "--out",
        out,
    ]
    assert cli.main([str(word) for word in words]) == 0
    return out


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_simulate_writes_what_other_commands_read(simulated):
    assert names(simulated) == ["particles.mrcs", "particles.star", "summary.txt", "truth.mrc"]
    particles = cn.open_particles(simulated / "particles.star")
    assert particles.image.shape == (160, 24, 24)
    assert "160 of 24 pixels at 4 A" in (simulated / "summary.txt").read_text()


def test_simulate_takes_a_map(simulated, tmp_path, capsys):
    said = run(capsys, "simulate", simulated / "truth.mrc", "--n-particles", 4, "--seed", 3, "--out", tmp_path / "out")
    assert "4 of 24 pixels at 4 A" in said.out
    assert said.err == ""


def test_reconstruct_writes_maps_curves_figures_session_and_summary(reconstructed):
    assert names(reconstructed) == [
        "fsc.csv",
        "fsc.png",
        "fsc.xml",
        "half_map_A.mrc",
        "half_map_B.mrc",
        "map.mrc",
        "mask.mrc",
        "refinement.png",
        "session.zarr",
        "summary.txt",
    ]
    session = cn.load(reconstructed / "session.zarr")
    half = session["refinement"]["half_map"].sel(half="A")
    with mrcfile.open(reconstructed / "half_map_A.mrc") as mrc:
        assert np.array_equal(mrc.data, half.values)
        assert float(mrc.voxel_size.x) == pytest.approx(4.0)
    assert cn.open_curve(reconstructed / "fsc.xml").sizes["frequency"] > 5
    text = (reconstructed / "summary.txt").read_text()
    assert "80 in half A and 80 in half B" in text
    assert "end at 8.00 A (their Nyquist)" in text


def test_the_command_line_computes_what_python_computes(simulated, reconstructed):
    particles = cn.open_particles(simulated / "particles.star")
    direct = cn.reconstruct(particles, box={"pad_factor": 1}, mask={"kind": "sphere"})
    stored = cn.load(reconstructed / "session.zarr")["refinement"].to_dataset()
    assert np.array_equal(direct.half_map, stored.half_map)


@pytest.mark.parametrize("name", diagnostics.names())
def test_every_diagnostic_judges_a_session(name, simulated, reconstructed, tmp_path, capsys):
    images = verbs.joins_particles(diagnostics.get(name))
    words = ["--particles", simulated / "particles.star"] if images else []
    if name == "noise_substitution":
        words += ["--reference", simulated / "truth.mrc", "--refine.recipe", "refine3d", "--refine.n-iterations", 1]
    said = run(capsys, "diagnose", reconstructed / "session.zarr", name, *words, "--out", tmp_path / "out")
    assert {f"{name}.png", "session.zarr", "summary.txt"} <= set(names(tmp_path / "out"))
    assert said.out.startswith(diagnostics.get(name).title)
    assert cn.load(tmp_path / "out" / "session.zarr")[name].attrs["schema"] == f"cryonb/{name}"


@dataclasses.dataclass(frozen=True)
class StandInOptions(Config):
    """Settings of the stand-in."""

    dithers: int = knob(4, help="Turned grids.", minimum=1)


class StandIn:
    """A diagnostic of particles with a made-up result."""

    name, title, accepts, options = "stand_in", "Stand-in", ("cryonb/particles",), StandInOptions

    def __init__(self, stopped=None):
        self.stopped, self.given = stopped, None

    def compute(self, dataset, options, config, mask, progress):
        self.given = dataset, options, config, mask
        if self.stopped is not None:
            raise self.stopped
        return make_decomposition("square", 2)


@pytest.fixture
def stand_in(monkeypatch):
    plug = StandIn()
    known = {**diagnostics._diagnostics(), plug.name: plug}
    monkeypatch.setattr(diagnostics, "_diagnostics", lambda: known)
    return plug


def test_a_diagnostic_of_images_takes_settings_options_and_a_mask_file(
    stand_in, simulated, reconstructed, tmp_path, capsys
):
    words = ["diagnose", simulated / "particles.star", "stand_in", "--box.box-size", 24, "--box.pad-factor", 1]
    words += ["--dithers", 3, "--mask.kind", "file", "--mask.path", reconstructed / "mask.mrc"]
    said = run(capsys, *words, "--out", tmp_path / "out").out
    dataset, options, config, mask = stand_in.given
    assert (options.dithers, config.box.box_size, config.box.pad_factor) == (3, 24, 1.0)
    assert mask.shape == (24, 24, 24) and dataset.sizes["particle"] == 160
    assert said.splitlines()[1] == f"  {VERDICTS['square']}"
    assert "  band  " in said and "corner signal" in said
    assert {"stand_in.png", "stand_in.csv", "session.zarr", "summary.txt"} == set(names(tmp_path / "out"))


def test_a_run_is_judged_with_its_particles_and_its_settings(stand_in, simulated, reconstructed, tmp_path, capsys):
    words = ["diagnose", reconstructed, "stand_in", "--particles", simulated / "particles.star"]
    run(capsys, *words, "--box.limit", "square", "--out", tmp_path / "out")
    dataset, _, config, mask = stand_in.given
    assert (config.box.pad_factor, config.box.limit) == (1.0, "square")
    assert dataset.attrs["schema"] == "cryonb/particles"
    np.testing.assert_array_equal(mask, cn.load(reconstructed / "session.zarr")["refinement"]["mask"])
    assert cli.main(["diagnose", str(reconstructed), "stand_in", "--out", str(tmp_path / "out")]) == 2
    assert "a reconstruction must come with its particles" in capsys.readouterr().err


def test_decompositions_are_compared_from_their_sessions(stand_in, simulated, reconstructed, tmp_path, capsys):
    run(capsys, "diagnose", simulated / "particles.star", "stand_in", "--out", tmp_path / "parts")
    words = ["compare", tmp_path / "parts", reconstructed, "--labels", "parts", "run", "--out", tmp_path / "both"]
    said = run(capsys, *words).out
    assert said.startswith("parts:") and "corner signal" in said and "raw FSC" in said
    assert {"compare.png", "parts.csv", "run.csv", "session.zarr"} <= set(names(tmp_path / "both"))


def test_a_stopped_run_leaves_what_it_had_finished(stand_in, simulated, tmp_path, capsys):
    finished = make_decomposition().sel(component=["standard", "circle"])
    stand_in.stopped = RunStopped("stopped.", finished)
    words = ["diagnose", str(simulated / "particles.star"), "stand_in", "--out", str(tmp_path / "out")]
    assert cli.main(words) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1].startswith(
        f"cryonb: the run was stopped; the curves finished by then are in {tmp_path}"
    )
    assert names(tmp_path / "out") == ["session.zarr", "stand_in.csv", "summary.txt"]
    assert (tmp_path / "out" / "summary.txt").read_text().startswith("The run was stopped before its end")
    stored = cn.load(tmp_path / "out" / "session.zarr")["stand_in"]
    np.testing.assert_array_equal(stored["fsc"], finished["fsc"])


def test_a_run_stopped_early_leaves_nothing(stand_in, simulated, tmp_path, capsys):
    stand_in.stopped = RunStopped("stopped.")
    words = ["diagnose", str(simulated / "particles.star"), "stand_in", "--out", str(tmp_path / "out")]
    assert cli.main(words) == 1
    assert capsys.readouterr().err == "cryonb: the run was stopped before a curve was finished; nothing was written.\n"
    assert not (tmp_path / "out").exists()


def test_two_half_maps_and_a_mask(reconstructed, tmp_path, capsys):
    halves = [reconstructed / "half_map_A.mrc", reconstructed / "half_map_B.mrc"]
    words = [
        "diagnose",
        *halves,
        "fsc",
        "--mask",
        reconstructed / "mask.mrc",
        "--n-draws",
        2,
        "--out",
        tmp_path / "out",
    ]
    assert "masked FSC" in run(capsys, *words).out
    assert {"fsc.csv", "fsc.xml", "fsc.png"} <= set(names(tmp_path / "out"))


def test_particles_can_be_judged(simulated, tmp_path, capsys):
    said = run(capsys, "diagnose", simulated / "particles.star", "orientations", "--out", tmp_path / "out")
    assert "n particles: 160" in said.out


def test_part_of_a_session(reconstructed, tmp_path, capsys):
    words = ["diagnose", reconstructed / "session.zarr", "sections", "--run", "refinement", "--out", tmp_path / "out"]
    run(capsys, *words)
    words[4] = "refinment"
    assert cli.main([str(word) for word in words]) == 2
    assert "Did you mean 'refinement'?" in capsys.readouterr().err


def test_the_folder_of_a_run_stands_for_its_session(reconstructed, tmp_path, capsys):
    assert "raw FSC" in run(capsys, "diagnose", reconstructed, "fsc", "--out", tmp_path / "fsc").out
    said = run(capsys, "compare", reconstructed, tmp_path / "fsc", "--labels", "b", "a", "--out", tmp_path / "both")
    assert said.out.startswith("b:")
    assert list(cn.load(tmp_path / "both" / "session.zarr").children) == ["b", "a"]


def test_orientations_need_no_images(simulated, tmp_path, capsys):
    (tmp_path / "particles.star").write_text((simulated / "particles.star").read_text())
    said = run(capsys, "diagnose", tmp_path / "particles.star", "orientations", "--out", tmp_path / "out")
    assert "n particles: 160" in said.out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("FinalRefinement-OriginalParticles-PfCRT.star", ["--particle-diameter", 90]),
        ("relion5.star", []),
        ("cryosparc_P12_J24_001_particles.cs", []),
    ],
)
def test_orientations_of_tables_whose_images_are_elsewhere(name, words, data, tmp_path, capsys):
    said = run(capsys, "diagnose", data / "particles" / name, "orientations", *words, "--out", tmp_path / "out")
    assert said.out.startswith("Orientations")


def test_compare_sessions_and_curves(reconstructed, tmp_path, capsys):
    words = ["compare", reconstructed / "session.zarr", reconstructed / "fsc.xml", "--labels", "ours", "stored"]
    said = run(capsys, *words, "--out", tmp_path / "out")
    assert said.out.startswith("ours:")
    assert "stored:" in said.out
    assert {"compare.png", "session.zarr", "summary.txt"} <= set(names(tmp_path / "out"))
    assert set(cn.load(tmp_path / "out" / "session.zarr").children) == {"ours", "stored"}


def test_labels_come_from_names():
    assert default_labels(["x/a.xml", "y/b.dat"]) == ["a", "b"]
    assert default_labels(["x/session.zarr", "y/session.zarr"]) == ["x", "y"]


def test_notes_are_one_line_each_on_stderr(simulated, tmp_path, capsys):
    table = (simulated / "particles.star").read_text().replace("4.000000", "4.100000", 1)
    (tmp_path / "particles.star").write_text(table)
    (tmp_path / "particles.mrcs").write_bytes((simulated / "particles.mrcs").read_bytes())
    said = run(capsys, "reconstruct", tmp_path / "particles.star", "--out", tmp_path / "out")
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("cryonb: note: ")
    assert "4.1" in said.err


def test_demo_takes_the_curve_apart_in_three_boxes(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo, "demo_particles", smaller_demo)
    said = run(capsys, "demo", "--out", tmp_path / "out")
    halves = [f"{name}_half_{half}.mrc" for name in demo.CASES for half in "AB"]
    figures = ["demo.png", "flat_tail.png", "maps.png"]
    assert names(tmp_path / "out") == sorted([*figures, *halves, "session.zarr", "summary.txt"])
    lines = (tmp_path / "out" / "summary.txt").read_text().splitlines()
    assert said.out.splitlines()[: len(lines)] == lines
    assert "6.00 A" in lines[0] and "4.24 A" in said.out
    session = cn.load(tmp_path / "out" / "session.zarr")
    parts = {name: session[f"{name}_decomposition"].to_dataset() for name in demo.CASES}
    for part in parts.values():
        assert f"  {demo.label(part)}: {part.attrs['verdict']}" in lines


@pytest.mark.slow
def test_the_demo_shows_a_tail_of_the_grid_and_a_decay_of_the_corners(tmp_path):
    made = demo.demonstrate()
    cn.save_figure(cn.side_by_side(made.tree()), tmp_path / "demo.png")
    committed = Path(__file__).parents[2] / "notebooks" / "figures" / "demo.png"
    assert outputs.unlike(tmp_path / "demo.png", committed) < outputs.ALIKE, "it is the picture of the README: save it"
    says = {name: part.attrs["verdict"] for name, part in made.parts.items()}
    assert "signal to the end" in says["own_box"]
    assert "grid-locked interpolation" in says["flat_tail"] and "corner signal down" not in says["flat_tail"]
    assert "corner signal down to" in says["corners"] and "grid-locked" not in says["corners"]
    tail = made.parts["flat_tail"].sel(frequency=slice(1 / 5.0, None)).fsc
    assert float(tail.sel(component="circle").mean()) > 0.08
    assert abs(float(tail.sel(component="dithered_circle").mean())) < 0.02
    assert float(tail.sel(component="grid_locked_circle").mean()) > 0.08


def test_demo_keeps_the_runs_that_its_curves_are_of(monkeypatch):
    monkeypatch.setattr(demo, "demo_particles", smaller_demo)
    heard = []
    made = demo.demonstrate(progress=lambda fraction, text: heard.append(fraction))
    assert heard == sorted(heard) and heard[0] < 0.05 and heard[-1] == pytest.approx(1.0)
    own, tail, corners = made.runs.values()
    nyquist = float(own.particle_nyquist)
    assert float(own.grid_nyquist) == nyquist and float(corners.grid_nyquist) == 2 * nyquist
    past = corners.frequency.values > 1.1 * nyquist
    reached = past & (corners.frequency.values < 1.3 * nyquist)
    assert float(corners.insertion_weight.values[:, reached].min()) > 0
    assert float(tail.insertion_weight.values[:, past].max()) < 1e-6 * float(tail.insertion_weight.max())
    for name, part in made.parts.items():
        curve = part.fsc.sel(component="standard" if part.attrs["limit"] == "square" else "circle").values
        held = np.isfinite(made.runs[name].fsc_unmasked.values)
        assert np.allclose(curve[held], made.runs[name].fsc_unmasked.values[held], atol=1e-4)
    assert [int(part.n_dithers) for part in made.parts.values()] == [demo.DITHERS] * 3


def smaller_demo(seed, progress):
    return cn.simulate(
        "helices", box_size=64, pixel_size=1.5, n_particles=200, binning=2.0, snr=5.0, seed=seed, progress=progress
    )


def test_ctrl_c_ends_with_a_sentence_and_nothing_written(tmp_path, capsys, monkeypatch):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "demo_particles", interrupted)
    assert cli.main(["demo", "--out", str(tmp_path / "out")]) == 1
    captured = capsys.readouterr()
    assert captured.err == "cryonb: the run was stopped by Ctrl-C; nothing was written.\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("problem", [RunStopped("the run was stopped."), MemoryError(), ValueError("x")])
def test_a_failed_run_is_one_line_and_exit_code_one(problem, tmp_path, capsys, monkeypatch):
    def fail(*_arguments):
        raise problem

    monkeypatch.setattr(demo, "demo_particles", fail)
    assert cli.main(["demo", "--out", str(tmp_path / "out")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_traceback_is_shown_when_asked_for(tmp_path, monkeypatch):
    def fail(*_arguments):
        raise ValueError("x")

    monkeypatch.setattr(demo, "demo_particles", fail)
    with pytest.raises(ValueError, match="x"):
        cli.main(["demo", "--traceback", "--out", str(tmp_path / "out")])


def test_doctor_reports_packages_backends_and_memory(capsys):
    said = run(capsys, "doctor")
    for word in ("cryonb 0.", "Python 3", "Needed", "Optional", "Backends", "numba", "works", "threads", "GiB free"):
        assert word in said.out
    assert "cryonb can run here, on" in said.out.splitlines()[-1]


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_gives_units_and_defaults(command, capsys):
    assert cli.main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: cryonb {command}")
    assert command == "doctor" or "(default: " in text


@pytest.mark.parametrize(
    "made", [command_reconstruct.parser(), command_simulate.parser()], ids=["reconstruct", "simulate"]
)
def test_every_option_states_its_default(made):
    for action in made._actions:
        if action.option_strings and action.option_strings[0] not in ("-h", "--mask"):
            assert "(default: " in action.help, action.option_strings


@pytest.mark.parametrize("name", diagnostics.names())
def test_every_diagnostic_has_its_options_as_flags(name):
    known = {key: diagnostics.get(key) for key in diagnostics.names()}
    text = command_diagnose.parser(known[name], known).format_help()
    for field in known[name].options.__dataclass_fields__:
        assert f"--{field.replace('_', '-')}" in text


@pytest.mark.parametrize("words", [[], ["--help"], ["help"]])
def test_the_overview_names_every_command(words, capsys):
    text = run(capsys, *words).out
    assert all(f"  {name}" in text for name in cli.COMMANDS)


def test_version(capsys):
    assert run(capsys, "--version").out == f"cryonb {cn.__version__}\n"


def test_as_a_module_with_bad_input(tmp_path):
    command = [sys.executable, "-m", "cryonb", "reconstruct", "nope.star"]
    checkout = str(Path(cn.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": checkout}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, env=environment)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []
