"""The folder that Sphinx reads: the pages, the course beside them, and how the pages hang together."""

import re
import shutil
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
NOTEBOOKS = DOCS.parent
ROOT = NOTEBOOKS.parent
COURSE = "course"
"""Folder of the notebooks on the site, with their pictures in `figures` beside them."""

BELOW = {
    "concepts": ("glossary", "which_program_shows_what"),
    "course": (f"{COURSE}/*", "instructor"),
}
"""Pages that others stand below in the navigation; a star stands for all notebooks."""

PICTURE = re.compile(r"!\[(?P<words>[^\]]*)\]\((?P<path>[^)\s]+)\.png\)(?!\{)")


def stage_pages(source: Path) -> None:
    """Copy the pages, with links to notebooks and pictures as they are on the site, once the pictures are there."""
    for page in sorted(DOCS.glob("**/*.md")):
        name = page.relative_to(DOCS).with_suffix("").as_posix()
        text = re.sub(r"\]\(\.\./(?=\d\d_|figures/)", f"]({COURSE}/", page.read_text(encoding="utf-8"))
        write(source / f"{name}.md", in_both_themes(text, source / COURSE, f"{COURSE}/") + navigation_below(name))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    write(source / "readme.md", readme.replace("\n### ", "\n## "))  # a section of it is a page here
    write(source / "changelog.md", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))


def navigation_below(name: str) -> str:
    """Return the lines that put others below a page, of those that are there; nothing for most pages."""
    found = [below for pattern in BELOW.get(name, ()) for below in _names(pattern)]
    return "\n".join(["", "```{toctree}", ":hidden:", "", *found, "```", ""]) if found else ""


def _names(pattern: str) -> list[str]:
    if pattern.startswith(COURSE):
        return [f"{COURSE}/{book.stem}" for book in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]
    return [pattern] if (DOCS / f"{pattern}.md").is_file() else []


def stage_committed_pictures(source: Path) -> None:
    """Copy the pictures of the checkout."""
    shutil.copytree(NOTEBOOKS / "figures", source / COURSE / "figures", dirs_exist_ok=True)


def in_both_themes(text: str, course: Path, before: str = "") -> str:
    """Return a text in which a picture with a dark twin, NAME_dark.png, is there once for each theme."""

    def twice(found: re.Match) -> str:
        words, path = found["words"], found["path"]
        if not (course / f"{path.removeprefix(before)}_dark.png").is_file():
            return found[0]
        return f"![{words}]({path}.png){{.only-light}}\n![{words}]({path}_dark.png){{.only-dark}}"

    return PICTURE.sub(twice, text)


def write(path: Path, text: str) -> None:
    """Write a file unless it holds that text already, so that what has not changed is not rendered again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
