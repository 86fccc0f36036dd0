"""Notebooks of the course as pages: what needs a kernel is replaced, and links lead to pages of the site."""

import re
from pathlib import Path

import nbformat

from . import staging

WIDGET = "application/vnd.jupyter.widget-view+json"
APP = (
    "![The app with the runs of this notebook: settings and the plan on the left, verdicts and tabs on the right.]"
    "(figures/app.png)\n\n*On this page the app is a picture: it needs Python behind it. Run the notebook, on your machine "
    "or on Binder, and it stands here.*"
)
"""What stands in the place of the app."""


def read(path: Path) -> nbformat.NotebookNode:
    """Return a notebook."""
    return nbformat.read(path, as_version=4)


def write_page(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook as a page of the site."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"\]\(docs/", "](../", cell.source)
        else:
            cell.outputs = [still(output) for output in cell.outputs]
    notebook.metadata.pop("widgets", None)
    staging.write(path, nbformat.writes(notebook))


def still(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return an output, or the picture of the app where it is the app."""
    if WIDGET not in output.get("data", {}):
        return output
    return nbformat.v4.new_output("display_data", {"text/markdown": APP})
