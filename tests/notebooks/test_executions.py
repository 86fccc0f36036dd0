"""Every notebook of the course runs to its end, twice with the same outputs, within time and memory.

Each test is dealt out on its own where several workers run the tests. The first run is shared with the tests of the
documentation. Other tests run beside a notebook and slow it down, so the time that is held to the limit is the clock on
the wall or the time on cores, whichever is shorter: on free cores it would not have taken longer.
"""

import importlib.util

import pytest

NEEDS = ("nbclient", "nbformat", "psutil", "ipykernel", "ipywidgets", "anywidget", "nglview", "PIL")
ABSENT = [package for package in NEEDS if importlib.util.find_spec(package) is None]
if ABSENT:
    pytest.skip(f"{', '.join(ABSENT)} not installed: pip install -e '.[test]'", allow_module_level=True)

import first_runs  # noqa: E402
import outputs  # noqa: E402
import run_notebooks  # noqa: E402

SECONDS, ALL_SECONDS, PEAK_BYTES = 120.0, 360.0, 1.5e9

LONG = ("05", "06", "02", "03")
BOOKS = sorted(run_notebooks.course(), key=lambda book: (book.name[:2] not in LONG, book.name))
"""The longest first, so that no worker is left with one at the end."""

pytestmark = [pytest.mark.notebook, pytest.mark.slow]


def needed(result):
    """Return how long a run would have taken at most on free cores [second]."""
    return min(result.seconds, result.cpu_seconds)


def not_folded(notebook):
    """Return what solutions show to somebody who runs all cells: JupyterLab unfolds the output of every cell."""
    solutions = [cell for cell in notebook.cells if "solution" in cell.metadata.get("tags", [])]
    shown = [output.get("data", {}).get("text/html", str(output)) for cell in solutions for output in cell.outputs]
    return [text for text in shown if not text.startswith("<details><summary>")]


def said_as_errors(notebook):
    """Return what cells have written to the error stream."""
    every = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return [output.text for output in every if output.get("name") == "stderr"]


@pytest.mark.parametrize("book", BOOKS, ids=[book.stem for book in BOOKS])
def test_a_notebook_says_the_same_twice_in_time_and_memory(book, session_folder, record_property):
    again = run_notebooks.executed(book)
    first = first_runs.first_run(book, session_folder / first_runs.FOLDER)
    worse = {name: max(getattr(run, name) for run in (first, again)) for name in ("peak_bytes", "cpu_seconds")}
    record_property("notebook", {"name": book.stem, "seconds": min(first.seconds, again.seconds), **worse})
    differences = outputs.differences(first.notebook, again.notebook)
    assert not differences, f"{book.stem} does not say the same twice"
    warnings = said_as_errors(again.notebook)
    assert not warnings, "a reader would see these warnings: avoid what they warn of, or catch and explain it"
    assert not not_folded(again.notebook), "what a solution prints is folded up: with cn.folded()"
    assert min(needed(first), needed(again)) < SECONDS
    assert worse["peak_bytes"] < PEAK_BYTES
    check_answer(book, again.notebook)


def check_answer(book, notebook):
    """Hold the committed picture of the answer to what the cell makes."""
    answers = [cell for cell in notebook.cells if "answer" in cell.metadata.get("tags", [])]
    assert len(answers) == (book.stem != "00_quick_start")
    for cell in answers:
        made = outputs.picture_of(cell)
        assert made, "the cell tagged answer ends in a figure"
        unlike = outputs.unlike(made, book.parent / "figures" / f"{book.stem}.png")
        assert unlike < outputs.ALIKE, f"figures/{book.stem}.png is not what the cell tagged answer makes: save that"


def test_all_together_they_take_six_minutes_at_most(executed_course):
    results = [run_notebooks.kept(executed_course / book.name) for book in BOOKS]
    assert sum(needed(result) for result in results) < ALL_SECONDS, run_notebooks.table(results)
