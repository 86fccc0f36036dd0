"""The folder that Sphinx reads: the pages, the course beside them, and how the pages hang together."""

import re
import shutil
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
NOTEBOOKS = DOCS.parent
ROOT = NOTEBOOKS.parent

BELOW = {
    "concepts.md": ("glossary", "which_program_shows_what"),
    "course.md": ("course/*", "instructor"),
}
"""Pages that others stand below in the navigation; a star stands for all notebooks."""


def stage_pages(source: Path) -> None:
    """Copy the pages, with links to notebooks and figures as they are on the site."""
    for page in sorted(DOCS.glob("**/*.md")):
        copy = source / page.relative_to(DOCS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = page.read_text(encoding="utf-8")
        write(copy, re.sub(r"\]\(\.\./(?=\d\d_|figures/)", "](course/", text))
    write(source / "readme.md", (ROOT / "README.md").read_text(encoding="utf-8"))
    write(source / "changelog.md", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))


def stage_plain_course(source: Path) -> None:
    """Copy the notebooks as they are written, without outputs, with the committed pictures."""
    from . import course

    for book in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        course.write_page(course.read(book), source / "course" / book.name)
    shutil.copytree(NOTEBOOKS / "figures", source / "course" / "figures", dirs_exist_ok=True)


def hang_together(source: Path) -> None:
    """Put those pages that are there below others into the navigation."""
    for name, below in BELOW.items():
        page = source / name
        names = [found for pattern in below for found in _names(source, pattern)]
        if page.is_file() and names:
            toctree = "\n".join(["", "```{toctree}", ":hidden:", "", *names, "```", ""])
            write(page, page.read_text(encoding="utf-8") + toctree)


def _names(source: Path, pattern: str) -> list[str]:
    found = sorted([*source.glob(f"{pattern}.md"), *source.glob(f"{pattern}.ipynb")])
    return [path.relative_to(source).with_suffix("").as_posix() for path in found]


def write(path: Path, text: str) -> None:
    """Write a file unless it holds that text already, so that what has not changed is not rendered again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
