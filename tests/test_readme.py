"""The README says what is true: its commands parse, its Python names exist, and its tests are those that CI runs."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import cryonb as cn
from cryonb import cli, diagnostics, plots, refinements
from cryonb.cli import (
    command_compare,
    command_diagnose,
    command_reconstruct,
    command_refine,
    command_simulate,
    compare_recipes,
)

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [
    line for kind, block in BLOCKS if kind == "bash" for line in block.splitlines() if line.startswith("cryonb ")
]


def parser_of(words):
    if words[0] == "diagnose":
        known = {name: diagnostics.get(name) for name in diagnostics.names()}
        return command_diagnose.parser(next(known[word] for word in words if word in known), known)
    if words[0] == "refine":
        return (
            command_refine.parser(refinements.recipe(command_refine.recipe_of(words)))
            if "--resume" not in words
            else None
        )
    if compare_recipes.is_asked(words):
        return compare_recipes.parser()
    makers = {"reconstruct": command_reconstruct, "simulate": command_simulate, "compare": command_compare}
    return makers[words[0]].parser() if words[0] in makers else None


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_parse(line):
    words = shlex.split(line)[1:]
    assert words[0] in cli.COMMANDS
    parser = parser_of(words)
    assert parser is None or parser.read(words[1:])


def test_python_names_exist():
    code = "\n".join(block for kind, block in BLOCKS if kind == "python")
    compile(code, "README.md", "exec")
    names = set(re.findall(r"\bcn\.(\w+)", TEXT))
    assert names
    assert names <= set(cn.__all__)


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory):
    """Return a folder with small files of the names that the README uses."""
    folder = tmp_path_factory.mktemp("readme")
    truth = cn.phantom("helices", box_size=24, pixel_size=4.0)
    particles = cn.simulate(truth, n_particles=160, snr=5.0)
    cn.write_star(particles, folder / "particles.star", folder / "particles.mrcs")
    cn.write_map(truth, folder / "start.mrc")
    mask = np.pad(np.ones((16,) * 3, np.float32), 4)
    cn.write_map(mask, folder / "mask.mrc", voxel_size=4.0)
    run = cn.reconstruct(particles)
    for number, half in enumerate("AB", 1):
        cn.write_map(run.half_map.sel(half=half), folder / f"half{number}.mrc")
    return folder


SMALLER = {
    "=128": "=36",
    "dithers=4": "dithers=1",
    '"decomposition", ': '"decomposition", surrogates=0, ',
    "n_iterations=8": "n_iterations=1",
    '"class3d", n_classes=2': '"class3d", n_classes=2, n_iterations=1',
    '["homogeneous", "heterogeneous"])': '["homogeneous", "fixed_poses"], refine=dict(n_iterations=1))',
    '("filter_then_mask")': '("filter_then_mask", box_size=24, voxel_size=4.0, lowpass=19.0)',
}
"""What is changed of the README's Python, so that it takes seconds."""


def test_the_python_of_the_readme_runs(folder, monkeypatch):
    monkeypatch.chdir(folder)
    code = "\n".join(block for kind, block in BLOCKS if kind == "python")
    for long, short in SMALLER.items():
        assert long in code
        code = code.replace(long, short)
    names = {}
    exec(code, names)
    assert names["parts"].attrs["verdict"]
    assert (folder / "session.zarr").is_dir()


REFINED = {
    "refine": ["--refine.n-iterations", "2"],
    "recipes": ["--refine.n-iterations", "1", "--box.box-size", "24", "--dithers", "1"],
}
"""What is added to commands that refine, so that they take seconds."""

FEWER = {"box-size 128": "box-size 36", "dithers 4": "dithers 1", "particles 1000": "particles 200"}
"""What is changed of any command, for the same."""

NOT_HERE = ("postprocess.star", "apoferritin.cif", "J45")


@pytest.mark.slow
def test_the_commands_of_the_readme_run_one_after_the_other(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for line in COMMANDS:
        if any(name in line for name in NOT_HERE):
            continue
        for long, short in FEWER.items():
            line = line.replace(long, short)
        words = shlex.split(line)[1:]
        words += REFINED.get(words[0] if "--recipes" not in words else "recipes", []) if "--resume" not in words else []
        short = ["--surrogates", "0"] if "decomposition" in words else []
        assert cli.main([*words, *short]) == 0, (line, capsys.readouterr().err)
    for name in ("parts/decomposition", "run-parts/decomposition", "forensics/map_forensics", "guinier/guinier"):
        assert (folder / f"{name}.png").is_file()
    said = (folder / "compare" / "summary.txt").read_text()
    assert "circle: Past 8.0 A, the Nyquist of your particles" in said and "square: Past 8.0 A" in said


def test_the_words_of_a_verdict_are_explained():
    explained = set(re.findall(r"^\| ([a-z][a-z -]+?) \|", TEXT, flags=re.MULTILINE))
    drawn = {word.split(",")[0] for word in plots.TERM_WORDS.values()} - {"resampling"}
    assert drawn | {"noise", "no data", "below the floor"} <= explained


def test_diagnostics_are_listed():
    assert all(f"`{name}`" in TEXT for name in diagnostics.names())


def test_ci_runs_the_command_of_the_readme():
    marked = [block for kind, block in re.findall(r"<!-- tests -->\n```(\w+)\n(.*?)```", TEXT, flags=re.DOTALL)]
    assert len(marked) == 1
    assert "pytest" in marked[0]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "<!-- tests -->" in script
    assert "pytest" not in script


def test_files_that_are_linked_exist():
    links = [target for target in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in target]
    headings = {"#" + title.lower().replace(" ", "-") for title in re.findall(r"^##+ (.+)$", TEXT, flags=re.MULTILINE)}
    assert links
    assert [target for target in links if not (ROOT / target).exists() and target not in headings] == []
