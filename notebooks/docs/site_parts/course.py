"""The course: notebooks are run, and become pages on which what needs a kernel is replaced and links lead to pages."""

import base64
import io
import re
from pathlib import Path

import nbformat
import run_notebooks
from PIL import Image

from . import staging

WIDGET = "application/vnd.jupyter.widget-view+json"
APP = (
    "![The app with two runs: settings and the plan on the left; on the right the verdicts, the tabs, and what both "
    "curves are made of.](figures/app.png)\n\n*Here the app is a picture, since it needs Python behind it. In the "
    "notebook, on your machine or on Binder, it works.*"
)
"""What stands on a page in the place of the app."""
FOLD = "<details>"


def executed(folder: Path | None) -> list[run_notebooks.Executed]:
    """Return every notebook of the course with its outputs.

    A notebook that was kept in the folder, with the same cells as the one of the course, is taken from there; any
    other is run, and kept there.
    """
    return [_kept(book, folder) or _run(book, folder) for book in run_notebooks.course()]


def _kept(book: Path, folder: Path | None) -> run_notebooks.Executed | None:
    path = folder / book.name if folder else None
    if path is None or not path.is_file():
        return None
    result = run_notebooks.kept(path)
    same = [[cell.source for cell in one.cells] for one in (result.notebook, nbformat.read(book, as_version=4))]
    return result if same[0] == same[1] else None


def _run(book: Path, folder: Path | None) -> run_notebooks.Executed:
    result = run_notebooks.executed(book)
    if folder:
        run_notebooks.keep(result, folder)
    return result


def as_far_as_kept(folder: Path | None) -> list[run_notebooks.Executed]:
    """Return every notebook of the course, with its outputs where the folder has them; nothing is run."""
    return [_kept(book, folder) or _taken(nbformat.read(book, as_version=4), book) for book in run_notebooks.course()]


def _taken(notebook: nbformat.NotebookNode, book: Path) -> run_notebooks.Executed:
    return run_notebooks.Executed(notebook, seconds=0.0, peak_bytes=0, name=book.stem)


def write_pages(books: list[run_notebooks.Executed], folder: Path) -> None:
    """Write notebooks as pages of the site."""
    for book in books:
        staging.write(folder / f"{book.name}.ipynb", nbformat.writes(page_of(book.notebook, folder)))


def page_of(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Return a notebook as a page of a folder that holds its pictures; the notebook itself stays as it is."""
    page = nbformat.from_dict(notebook)
    for cell in page.cells:
        if cell.cell_type == "markdown":
            cell.source = staging.in_both_themes(re.sub(r"\]\(docs/", "](../", cell.source), folder)
        else:
            cell.outputs = [still(output, folder) for output in cell.outputs]
            if words := described(cell.outputs):
                cell.metadata["mystnb"] = {"image": {"alt": words}}
    page.metadata.pop("widgets", None)
    return page


def described(outputs: list[nbformat.NotebookNode]) -> str:
    """Return the words that figures carry for those who cannot see them; nothing where none carries any."""
    pictures = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    words = [Image.open(io.BytesIO(base64.b64decode(picture))).info.get("Description", "") for picture in pictures]
    return " ".join(filter(None, words))


def still(output: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Return an output, unfolded where it is folded, or the picture of the app where it is the app."""
    words = output.get("data", {}).get("text/html", "")
    if words.startswith(FOLD):  # the page folds the whole cell
        output["data"]["text/html"] = words.replace(FOLD, "<details open>", 1)
    if WIDGET not in output.get("data", {}):
        return output
    return nbformat.v4.new_output("display_data", {"text/markdown": staging.in_both_themes(APP, folder)})
