"""Notebooks run from the first cell to the last, in time and memory, and both files of each pair say the same."""

import importlib.util
import re
import time
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
BOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMES = [book.name for book in BOOKS]
NEEDS = ("nbclient", "nbformat", "jupytext", "ipykernel", "ipywidgets", "anywidget", "nglview")
ABSENT = [package for package in NEEDS if importlib.util.find_spec(package) is None]
CODE_CELLS, SECONDS, GIBIBYTES = 12, 120.0, 1.5
MEMORY = "import resource; print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.skipif(bool(ABSENT), reason=f"{', '.join(ABSENT)} not installed: pip install -e '.[test]'"),
]


@pytest.fixture(name="book", params=BOOKS, ids=NAMES)
def _book(request):
    """Return the path of a notebook and what is in it."""
    import nbformat

    return request.param, nbformat.read(request.param, as_version=4)


def test_a_pair_is_in_step(book):
    import jupytext

    path, notebook = book
    script = jupytext.read(path.with_suffix(".py"))
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == [
        (cell.cell_type, cell.source) for cell in script.cells
    ]


def test_no_outputs_are_kept_and_no_paths_of_a_machine(book):
    path, notebook = book
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    assert 0 < len(cells) <= CODE_CELLS
    for text in (path.read_text(encoding="utf-8"), path.with_suffix(".py").read_text(encoding="utf-8")):
        assert not re.search(r"(^|[\s\"'(])/(home|Users|root|tmp|work)/", text)


def test_pictures_are_there(book):
    path, notebook = book
    found = [re.findall(r"\]\(([^)]+)\)", cell.source) for cell in notebook.cells if cell.cell_type == "markdown"]
    links = [target for targets in found for target in targets if "://" not in target]
    assert links
    assert all((path.parent / target).is_file() for target in links)


@pytest.mark.slow
def test_a_notebook_runs_to_its_end(book, tmp_path):
    import nbformat
    from nbclient import NotebookClient

    path, notebook = book
    notebook.cells.append(nbformat.v4.new_code_cell(MEMORY))
    start = time.monotonic()
    NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert time.monotonic() - start < SECONDS
    (said,) = (output.text for output in notebook.cells[-1].outputs if output.output_type == "stream")
    assert int(said.split()[1]) / 1024**2 < GIBIBYTES
    assert any(isinstance(output.get("data"), dict) and "image/png" in output.data for output in outputs_of(notebook))


def outputs_of(notebook):
    """Return the outputs of all cells."""
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
