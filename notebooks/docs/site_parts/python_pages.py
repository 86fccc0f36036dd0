"""The names of the front door, `cryonb.…`, page by page, from their docstrings."""

import ast
import importlib.util
import inspect
from pathlib import Path

import cryonb
from cryonb import accessor, errors

from . import restructured as rst

PAGES = {
    "files": ("Files: open, save, write", (".io",)),
    "judge": ("Reconstruct, judge and compare", (".verbs", ".compare", ".maps")),
    "refinement": ("Refine", (".refinements", ".history", ".decisions")),
    "make": ("Make particles and maps of known truth", (".phantoms", ".simulate", ".filtered_maps")),
    "look": ("Figures and the app", (".plots", ".widgets", ".folding")),
    "classes": ("Settings as Python classes", (".config",)),
}
"""Pages with their titles, and the files of the package whose names they hold; what is nowhere here has a page too."""

REST = ("more", "More")


def pages() -> dict[str, str]:
    """Return the pages of Python names, by name."""
    grouped = {
        page: [name for home in homes for name in cryonb._HOMES.get(home, ())] for page, (_, homes) in PAGES.items()
    }
    placed = {name for names in grouped.values() for name in names}
    rest = [name for name in cryonb._HOME_OF if name not in placed]
    titles = {page: title for page, (title, _) in PAGES.items()}
    if rest:
        grouped[REST[0]], titles[REST[0]] = rest, REST[1]
    made = {f"python/{page}": page_of(titles[page], names) for page, names in grouped.items()}
    made["python/dataset_methods"] = methods_page()
    made["python/errors"] = errors_page()
    return {"python/index": index_page(grouped, titles), **made}


def index_page(grouped: dict[str, list[str]], titles: dict[str, str]) -> str:
    """Return the page that lists all names."""
    parts = [
        rst.heading("Python: the front door", label="reference-python"),
        ["Everything below is reached as ``cn.name`` after ``import cryonb as cn``.", ""],
    ]
    for page, names in grouped.items():
        parts += [rst.heading(titles[page], 1), summary_table(names)]
    others = ["dataset_methods", "errors"]
    return rst.page(*parts, rst.toctree([*grouped, *others]))


def summary_table(names: list[str]) -> list[str]:
    """Return a table of names with the first sentence of each."""
    rows = [(f":py:obj:`cn.{name} <cryonb.{name}>`", summary(getattr(cryonb, name))) for name in names]
    return rst.table(("Name", "What it does"), rows)


def summary(thing: object) -> str:
    """Return the first paragraph of a docstring in one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def page_of(title: str, names: list[str]) -> str:
    """Return the page of some names."""
    return rst.page(rst.heading(title), *(documented(name) for name in names))


def documented(name: str) -> list[str]:
    """Return the lines by which Sphinx puts the documentation of a name of the front door on a page."""
    thing = getattr(cryonb, name)
    heading = rst.heading(f"cn.{name}", 1)
    if not inspect.isclass(thing):
        return [*heading, *rst.directive("autofunction", f"cryonb.{name}")]
    return [*heading, *rst.directive("autoclass", f"cryonb.{name}", {"members": ""})]


def methods_page() -> str:
    """Return the page of what every Dataset can do."""
    lines = [
        accessor.__doc__.split("\n\n")[0],
        "",
        ":ref:`Every diagnostic <reference-diagnostics>` is such a method.",
        "",
    ]
    members = {"members": "draw, describe"}
    title = rst.heading("Methods of a Dataset: ds.cryo")
    return rst.page(title, lines, rst.directive("autoclass", "cryonb.accessor.Cryo", members))


def errors_page() -> str:
    """Return the page of exceptions."""
    own = [
        name for name, thing in vars(errors).items() if inspect.isclass(thing) and thing.__module__ == errors.__name__
    ]
    intro = ["What is raised says in one sentence what must hold, what arrived, and what to do.", ""]
    bodies = [rst.directive("autoexception", f"cryonb.errors.{name}", {"show-inheritance": ""}) for name in own]
    return rst.page(rst.heading("Exceptions"), intro, *bodies)


def module_words(name: str) -> str:
    """Return what the docstring of a file says, up to its first section; the file is read and not loaded."""
    source = Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8")
    lines = (ast.get_docstring(ast.parse(source)) or "").splitlines()
    ends = [place - 1 for place, line in enumerate(lines) if place and line and set(line) == {"-"}]
    return "\n".join(lines[: ends[0]] if ends else lines).strip()
