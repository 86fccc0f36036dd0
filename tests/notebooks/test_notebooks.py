"""Every notebook of the course is written as all of them are: one question, its answer as a picture, and proof.

Nothing is run here but the reading of files; `test_executions` runs them.
"""

import importlib.util
import io
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

NEEDS = ("nbclient", "nbformat", "jupytext", "psutil", "PIL")
ABSENT = [package for package in NEEDS if importlib.util.find_spec(package) is None]
if ABSENT:
    pytest.skip(f"{', '.join(ABSENT)} not installed: pip install -e '.[test]'", allow_module_level=True)

import pages  # noqa: E402
import run_notebooks  # noqa: E402

PAGES = [pages.Page(path) for path in run_notebooks.course()]
TAUGHT = [page for page in PAGES if page.name != "00_quick_start"]
WITH_EXERCISES = [page for page in PAGES if "01" <= page.name[:2] <= "06"]
CODE_CELLS, PICTURE_BYTES = 12, 200_000
HIDDEN = {"source_hidden": True, "outputs_hidden": True}

pytestmark = pytest.mark.notebook


def each(found, name="page"):
    """Return the mark that runs a test on each notebook."""
    return pytest.mark.parametrize(name, found, ids=[page.name for page in found])


def test_the_course_is_complete():
    titles = [page.name[:2] for page in PAGES]
    assert titles == [f"{number:02d}" for number in range(9)], "the course goes from 00 to 08, one notebook each"


@each(PAGES)
def test_a_pair_is_in_step(page):
    import jupytext

    script = page.path.with_suffix(".py")
    assert script.is_file(), f"{page.name} has no script: jupytext --sync notebooks/{page.name}.ipynb"
    pair = [
        [(cell.cell_type, cell.source, pages.tags(cell)) for cell in cells]
        for cells in (page.cells, jupytext.read(script).cells)
    ]
    assert pair[0] == pair[1], f"the script and the notebook differ: jupytext --sync notebooks/{page.name}.py"


@each(PAGES)
def test_no_outputs_are_kept_and_no_paths_of_a_machine(page):
    kept = [cell.source[:60] for cell in page.code if cell.outputs or cell.execution_count is not None]
    assert not kept, "notebooks are committed without outputs: nbstripout"
    for path in (page.path, page.path.with_suffix(".py")):
        found = re.findall(r"(?:^|[\s\"'(])(/(?:home|Users|root|tmp|work)/\S*)", path.read_text(encoding="utf-8"))
        assert not found, "nobody else has these paths: use tempfile.TemporaryDirectory()"


@each(PAGES)
def test_it_is_short_enough_to_be_read(page):
    assert 0 < len(page.code) <= CODE_CELLS, f"{len(page.code)} cells of code, solutions included: join or drop some"


@each(PAGES)
def test_it_opens_with_a_question_and_the_picture_of_its_answer(page):
    title = re.match(r"# (.+)", page.cells[0].source)
    assert title and title.group(1).rstrip().endswith("?"), "the title is the question: '# What is ... ?'"
    expected = "figures/demo.png" if page not in TAUGHT else f"figures/{page.name}.png"
    assert f"]({expected})" in page.before_code, f"the answer picture, ![words]({expected}), stands before any code"


@each(PAGES)
def test_pictures_are_there_with_words(page):
    for words, target in page.pictures:
        path = page.path.parent / target
        assert path.is_file(), f"{target} is linked, but not there: save the picture that the answer cell makes"
        assert len(words.split()) >= 8, f"the words of {target} say what is in it to somebody who cannot see it"


@each(TAUGHT)
def test_one_cell_makes_the_answer_picture(page):
    answers = [cell for cell in page.code if "answer" in pages.tags(cell)]
    assert len(answers) == 1, 'exactly one cell has the tag: # %% tags=["answer"]'
    picture = page.path.parent / "figures" / f"{page.name}.png"
    assert picture.is_file(), f"figures/{page.name}.png is what the cell tagged answer makes: save it"
    assert picture.stat().st_size < PICTURE_BYTES, "pictures stay under 200 kB"


@each(TAUGHT)
def test_one_cell_holds_the_constants(page):
    configuration, *others = [cell for cell in page.code if cell not in page.solutions]
    assert pages.constants_of(configuration), "the first cell of code is the configuration: CONSTANTS in capitals"
    late = [name for cell in others for name in pages.constants_of(cell)]
    assert not late, "all constants stand in the one configuration cell"


@each(PAGES)
def test_figures_are_figure_objects_and_nothing_asks_the_network(page):
    modules = pages.imported(page)
    assert not {name for name in modules if "pyplot" in name}, "use matplotlib.figure.Figure, or cn.draw"
    assert not {name for name in modules if re.match(r"(urllib|requests|http|socket|ftplib)\b", name)}


@each(PAGES)
def test_numbers_quoted_in_the_text_are_asserted(page):
    unproven = pages.unproven(page)
    assert not unproven, "assert each decimal number and percentage of the text, or set it in the configuration"


@each(PAGES)
def test_it_ends_in_asserts_and_its_record(page):
    assert any(pages.asserts_of(cell) for cell in page.code if cell not in page.solutions), "nothing is asserted"
    assert "## Where these numbers come from" in page.prose, "its last section is '## Where these numbers come from'"
    assert "cn.record(" in page.code[-1].source, "its last cell of code is cn.record(...)"


@each(WITH_EXERCISES)
def test_exercises_ask_first_and_answer_when_they_are_opened(page):
    assert re.search(r"^## Exercises$", page.prose, flags=re.MULTILINE), "the section is called '## Exercises'"
    assert len(page.exercises) >= 2, "at least two: '### Exercise 1' and so on"
    assert "three dots" in page.prose, "one line says how a solution is opened: click the three dots"
    opening = page.prose.split("## Exercises")[1].split("### ")[0]
    for title, text, cells in page.exercises:
        assert "predict" in (opening + text).lower(), f"{title}: it asks to predict before anything is run"
        solutions = [cell for cell in cells if "solution" in pages.tags(cell)]
        assert len(solutions) == 1, f"{title}: one cell of code with its solution follows"
        assert pages.asserts_of(solutions[0]), f"{title}: the solution asserts its answer"


@each(PAGES)
def test_solutions_are_hidden(page):
    for cell in page.solutions:
        assert "hide-cell" in pages.tags(cell), 'tags=["solution", "hide-cell"]'
        hidden = {name: cell.metadata.get("jupyter", {}).get(name) for name in HIDDEN}
        assert hidden == HIDDEN, '# %% jupyter={"source_hidden": true, "outputs_hidden": true}'
        assert cell.source.startswith("# Solution\n"), "the first line of a hidden cell is seen: begin with # Solution"


@each([page for page in PAGES if page.name[:2] in ("00", "07", "08")])
def test_only_lessons_have_exercises(page):
    assert not page.exercises or page.solutions


def test_the_course_is_in_the_readme():
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    missing = [page.name for page in PAGES if f"(notebooks/{page.name}.ipynb)" not in text]
    assert not missing, "README.md names each notebook with the question that it answers"


@pytest.mark.parametrize(
    ("prose", "found"),
    [
        ("a tail of 0.12 past 6 Å, at 4.24 Å.", ["0.12", "4.24"]),
        ("25 % of it, or 12.5% more", ["25 %", "12.5%"]),
        ("`0.143` and $f = 0.5$ and [a page](https://x.org/1.5) of RELION 3.1", []),
        ("drops to −0.3; version 1.2.3; files of cryoSPARC 4.5", ["0.3"]),
        ("![A curve that ends at 0.7](figures/a_0.9.png)", ["0.7"]),
        ("64 voxels in 800 particles", []),
    ],
)
def test_numbers_are_found_in_prose(prose, found):
    assert pages.quoted(prose) == found


def test_other_pictures_are_told_apart():
    import outputs
    from PIL import Image

    picture = run_notebooks.FOLDER / "figures" / "demo.png"
    mirrored, blank = io.BytesIO(), io.BytesIO()
    with Image.open(picture) as drawn:
        drawn.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(mirrored, "png")
        Image.new("RGB", drawn.size, "white").save(blank, "png")
    assert outputs.unlike(picture, picture) == 0
    assert all(outputs.unlike(picture, other.getvalue()) > 5 * outputs.ALIKE for other in (mirrored, blank))


def test_outputs_that_chance_decides_are_left_out_and_others_are_not():
    import nbformat
    import outputs

    def ran(*texts):
        made = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in texts]
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("measure()", outputs=made)])

    table = "id='section-{}-8b1f-4ab6-9b1e-0123456789ab' <Axes at 0x7f{}>"
    assert not outputs.differences(ran(table.format("00000000", "aaaaaa0")), ran(table.format("12345678", "bbbbbb1")))
    assert not outputs.differences(ran("one\n", "two\n"), ran("one\ntwo\n"))
    said = outputs.differences(ran("0.12 and 3"), ran("0.12 and 4"))
    assert said == ["code cell 1 ('measure()'): stdout is '0.12 and 3' and then '0.12 and 4'"]


def test_only_what_is_asserted_or_set_is_proven():
    import nbformat

    cells = [
        "WIDTH = 0.120",
        "%matplotlib inline\nx = 3.5  # 0.9\nassert abs(f('0.8') + 2.25) < 1e-3, x",
        "cn.record(x)",
    ]
    book = SimpleNamespace(
        code=[nbformat.v4.new_code_cell(cell) for cell in cells], prose="0.12, 2.25, 3.5, 0.8, 0.143"
    )
    assert pages.proven(book) == {0.12, 2.25, 0.001}
    assert pages.unproven(book) == ["3.5", "0.8"]
    assert pages.values_of("25 %") == {25.0, 0.25}
