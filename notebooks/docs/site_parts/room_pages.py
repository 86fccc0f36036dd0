"""The rooms of the package: what stands on what, and every file with its first sentence."""

import importlib.util
import pkgutil

import cryonb

from . import python_pages
from . import restructured as rst


def pages() -> dict[str, str]:
    """Return the page of rooms."""
    parts = [rst.heading("The rooms of the package", label="reference-rooms")]
    parts.append([*python_pages.module_words("cryonb").splitlines(), ""])
    for room in sorted(pkgutil.iter_modules(cryonb.__path__), key=lambda found: (not found.ispkg, found.name)):
        if room.ispkg:
            parts += [rst.heading(f"cryonb.{room.name}", 1), files(f"cryonb.{room.name}")]
    single = [
        f"cryonb.{room.name}"
        for room in pkgutil.iter_modules(cryonb.__path__)
        if not room.ispkg and room.name[0] != "_"
    ]
    parts += [rst.heading("Files beside the rooms", 1), sentences(single)]
    return {"rooms": rst.page(*parts)}


def files(room: str) -> list[str]:
    """Return a room's own sentence and the table of its files."""
    folder = importlib.util.find_spec(room).submodule_search_locations
    names = [found.name for found in pkgutil.walk_packages(folder, f"{room}.")]
    return [*python_pages.module_words(room).splitlines(), "", *sentences(names)]


def sentences(names: list[str]) -> list[str]:
    """Return a table of files, each with the first sentence of its docstring."""
    rows = [(rst.code(name), first_sentence(name)) for name in names]
    return rst.table(("File", "What it is about"), rows)


def first_sentence(name: str) -> str:
    """Return the first paragraph of a file's docstring in one line."""
    return " ".join(python_pages.module_words(name).split("\n\n")[0].split())
