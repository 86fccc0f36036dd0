"""The pictures of the site, made by the build: the answers of the notebooks, the demonstration, and the app."""

import base64
import shutil
from pathlib import Path

import nbformat
from PIL import Image
from run_notebooks import Executed

from . import app_picture

ANSWER = "answer"
DEMO = "demo"
LARGE = 200_000
"""More bytes than a picture of the course may have in the checkout."""


def answer_of(notebook: nbformat.NotebookNode) -> bytes:
    """Return the picture that the cell tagged `answer` has made, or nothing where there is no such cell."""
    tagged = [cell for cell in notebook.cells if ANSWER in cell.metadata.get("tags", ())]
    found = [
        output.data["image/png"] for cell in tagged for output in cell.outputs if "image/png" in output.get("data", {})
    ]
    if tagged and not found:
        raise ValueError("the cell tagged answer has made no picture")
    return base64.b64decode(found[-1]) if found else b""


def write_answers(books: list[Executed], folder: Path) -> None:
    """Write the answer picture of every notebook, under its name."""
    for book in books:
        if picture := answer_of(book.notebook):
            (folder / f"{book.name}.png").write_bytes(picture)


def keep_small(picture: Path, kept: Path) -> None:
    """Copy a picture to be committed, with a palette of 256 colours where it would be large otherwise."""
    if picture.stem == DEMO or picture.stat().st_size <= LARGE:
        shutil.copyfile(picture, kept)
    else:
        quantised = Image.open(picture).convert("RGB").quantize(256, dither=Image.Dither.NONE)
        quantised.save(kept, optimize=True)


def write_demo(folder: Path) -> None:
    """Write the picture of the demonstration, for white and for dark pages."""
    from cryonb import demo, plots
    from cryonb.plots.canvas import render
    from cryonb.plots.theme import DARK, PRINT

    sheet = plots.side_by_side(demo.demonstrate(0).tree()).sheet
    for name, theme in ((DEMO, PRINT), (f"{DEMO}_dark", DARK)):
        plots.save_figure(render(sheet, theme), folder / f"{name}.png")


def write_app(folder: Path) -> str:
    """Write pictures of the app; returns why that cannot be done, or an empty text."""
    why_not = app_picture.missing()
    if not why_not:
        app_picture.take(folder)
    return why_not
