"""The reference, written from what is plugged in: a new diagnostic, recipe, setting or command appears by itself."""

from collections.abc import Callable
from pathlib import Path

from . import (
    command_pages,
    dataset_pages,
    diagnostic_pages,
    plug_pages,
    python_pages,
    recipe_pages,
    room_pages,
    setting_pages,
    staging,
)

WRITERS: tuple[Callable[[], dict[str, str]], ...] = (
    python_pages.pages,
    setting_pages.pages,
    diagnostic_pages.pages,
    recipe_pages.pages,
    command_pages.pages,
    dataset_pages.pages,
    plug_pages.pages,
    room_pages.pages,
)
"""Each gives texts by the name of their page; the navigation of the reference keeps this order."""


def write(source: Path) -> None:
    """Write all pages of the reference below a folder of pages."""
    for writer in WRITERS:
        for name, text in writer().items():
            staging.write(source / "reference" / f"{name}.rst", text)
