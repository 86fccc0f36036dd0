"""The pages say what is true: their commands parse, their Python names and settings exist, and their skeletons run."""

import ast
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from test_readme import parser_of

import cryonb as cn
from cryonb import cli, diagnostics, plots
from cryonb.cli import command_lab
from cryonb.config import RunConfig
from cryonb.contracts import plugging
from cryonb.errors import FormatError
from cryonb.knobs import hints
from cryonb.refine import recipes

DOCS = Path(__file__).parents[2] / "notebooks" / "docs"
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md"))}
FENCE = re.compile(r"^```(\{code-cell\} python3|\w+)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\w+\.py)\n")
GROUPS = {name: set(hints(group)) for name, group in hints(RunConfig).items()}
PLUGS = {"shell_power", "fixed_poses_at_half"}
"""What the skeletons of contributing.md bring."""


def blocks(page, kind):
    """Return the blocks of code of a page, those of its figures without their header."""
    found = [(sort.split()[-1].rstrip("3"), text) for sort, text in FENCE.findall(PAGES[page])]
    return [
        re.sub(r"\A(---\n.*?^---\n|:tags:.*\n)", "", text, flags=re.MULTILINE | re.DOTALL)
        for sort, text in found
        if sort == kind
    ]


def whole(script):
    """Return a script with the lines that a backslash continues joined."""
    return re.sub(r"\\\n\s*", "", script)


def commands(page):
    """Return every command of cryonb that a page gives, in a block or within a line."""
    lines = [line.strip().removeprefix("srun ") for text in blocks(page, "bash") for line in whole(text).splitlines()]
    lines += re.findall(r"`(cryonb [^`…]+)`", re.sub(FENCE, "", PAGES[page]))
    return [line for line in lines if line.startswith("cryonb ") and "COMMAND" not in line]


COMMANDS = [(page, line) for page in PAGES for line in dict.fromkeys(commands(page))]
SKELETONS = {FILE.match(text)[1]: text for text in blocks("contributing", "python") if FILE.match(text)}


pytestmark = pytest.mark.usefixtures("plugs_go_again")


def plugged_in(folder, name):
    """Plug a skeleton of contributing.md in."""
    (folder / name).write_text(SKELETONS[name], encoding="utf-8")
    return cn.plug_in(folder / name)


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=[f"{page}: {line[:60]}" for page, line in COMMANDS])
def test_commands_parse(page, line, tmp_path):
    words = shlex.split(line, comments=True)[1:]
    assert words[0] in cli.COMMANDS
    if "shell_power" in words:
        plugged_in(tmp_path, "shell_power.py")
    if len(words) > 1:
        parser = command_lab.parser() if words[0] == "lab" else parser_of(words)
        assert parser is None or parser.read(words[1:])


@pytest.mark.parametrize("page", PAGES)
def test_python_compiles_and_its_names_exist(page):
    for text in blocks(page, "python"):
        compile(text, page, "exec")
    assert set(re.findall(r"\bcn\.(\w+)", PAGES[page])) <= set(cn.__all__)


@pytest.mark.parametrize("page", PAGES)
def test_settings_exist(page):
    named = re.findall(r"`(box|mask|imaging|refine|compute)\.(\w+)", PAGES[page])
    for text in blocks(page, "python"):
        named += [found for node in ast.walk(ast.parse(text)) for found in keywords(node)]
    assert [pair for pair in named if pair[1] not in GROUPS[pair[0]]] == []


def keywords(node):
    """Yield the settings that a keyword such as box=dict(...) gives."""
    if isinstance(node, ast.keyword) and node.arg in GROUPS and isinstance(node.value, ast.Call):
        yield from ((node.arg, inner.arg) for inner in node.value.keywords if inner.arg)


@pytest.mark.parametrize("page", PAGES)
def test_diagnostics_options_and_recipes_exist(page):
    for text in blocks(page, "python"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "cn.diagnose":
                check_diagnose(node)
            if isinstance(node, ast.keyword) and node.arg == "recipe":
                assert node.value.value in {*recipes.names(), *PLUGS}


def check_diagnose(call):
    name = ast.literal_eval(call.args[1])
    if name in PLUGS:
        return
    given = {keyword.arg for keyword in call.keywords if keyword.arg}
    own = {*hints(diagnostics.get(name).options), "config", "mask", "references", "particles", "progress", "run"}
    assert given <= own, given - own


def test_words_of_the_verdict_are_explained():
    rows = set(re.findall(r"^\| ([a-z][a-z -]+?) \|", PAGES["concepts"], flags=re.MULTILINE))
    words = {word.split(",")[0] for word in plots.TERM_WORDS.values()}
    assert words | {"noise", "no data", "below the floor"} <= rows
    assert all(f"\n{word}\n" in PAGES["glossary"] for word in words - {"resampling"})


def test_terms_are_in_the_glossary():
    used = {term for page in PAGES.values() for term in re.findall(r"\{term\}`(?:[^`<]*<)?([^`>]+)>?`", page)}
    listed = {line.strip() for line in re.findall(r"^(\S.*)\n    \S", PAGES["glossary"], flags=re.MULTILINE)}
    assert {" ".join(term.lower().split()) for term in used} - {term.lower() for term in listed} == set()


@pytest.fixture(name="particles", scope="module")
def _particles():
    return cn.simulate(cn.phantom("helices", box_size=24, pixel_size=4.0), n_particles=120, snr=5.0)


def test_the_diagnostic_runs(particles, tmp_path):
    assert plugged_in(tmp_path, "shell_power.py") == ("DIAGNOSTIC shell_power",)
    run = cn.reconstruct(particles)
    power = cn.diagnose(run, "shell_power")
    whole = run.cryo.shell_power(per_coefficient=False)
    half = run["half_map"].sel(half="A").values
    assert np.isclose(float(power.power.sel(half="A")[0]), float(half.sum()) ** 2, rtol=1e-4)
    assert (whole.power.values >= power.power.values).all()
    assert cn.draw(power).sheet.rows


def test_the_recipe_runs(particles, tmp_path):
    assert plugged_in(tmp_path, "fixed_poses_at_half.py") == ("RECIPE fixed_poses_at_half",)
    run = cn.refine(particles, refine=dict(recipe="fixed_poses_at_half"))
    assert np.array_equal(run["half_map"].values.squeeze(), cn.reconstruct(particles)["half_map"].values.squeeze())


def test_the_format_reads(tmp_path):
    assert plugged_in(tmp_path, "numpy_maps.py") == ("FORMAT NumPy map",)
    density = np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32)
    np.save(tmp_path / "map.npy", density)
    opened = cn.open_map(tmp_path / "map.npy", 1.5)
    assert np.array_equal(opened["density"].values, density) and float(opened["voxel_size"]) == 1.5
    with pytest.raises(FormatError, match="voxel_size"):
        cn.open_map(tmp_path / "map.npy")


@pytest.mark.parametrize("setting", [dict(engine="one_after_the_other"), dict(backend="one_thread")])
def test_the_engine_and_the_backend_give_the_same_bits(particles, tmp_path, setting):
    plugged_in(tmp_path, f"{next(iter(setting.values()))}.py")
    made = cn.reconstruct(particles, compute=setting)["half_map"].values
    assert np.array_equal(made, cn.reconstruct(particles)["half_map"].values)


def test_every_plug_has_a_skeleton():
    bound = {name for text in SKELETONS.values() for name in plugging.PLUGS if f"\n{name} = " in text}
    assert bound == set(plugging.PLUGS)


def test_the_timetable_adds_up():
    text = PAGES["instructor"]
    rows = re.findall(r"^\| (\d+) – (\d+) \| (.*)$", text, flags=re.MULTILINE)
    spans = [(int(start), int(end)) for start, end, _ in rows]
    assert spans[0][0] == 0 and spans[-1][1] == 120
    assert all(one[1] == other[0] for one, other in zip(spans, spans[1:]))
    planned = {
        found[1]: end - start for (start, end), row in zip(spans, rows) if (found := re.search(r"/(\d\d)_", row[2]))
    }
    told = dict(re.findall(r"^### (\d\d) .*\((\d+) min", text, flags=re.MULTILINE))
    assert {number: int(minutes) for number, minutes in told.items()} == planned


def test_every_notebook_has_its_place():
    books = {book.name for book in DOCS.parent.glob("[0-9][0-9]_*.ipynb")}
    for page in ("course", "instructor"):
        assert books <= set(re.findall(r"\(\.\./(\w+\.ipynb)\)", PAGES[page]))
