"""Notebooks made of a few lines, for tests that need no more."""

from pathlib import Path

import nbformat


def write(path: Path, *sources: str) -> str:
    """Write a notebook of code cells; returns its name."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, path)
    return path.name
