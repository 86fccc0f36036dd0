"""Build the documentation as static pages, in one command::

    python notebooks/docs/build.py SITE_FOLDER

It runs the course, puts the notebooks with their outputs and pictures beside the pages, takes a picture of the app
where a Chromium is installed, writes the reference from what is plugged in, and has Sphinx render all of it; a warning
is an error. Open SITE_FOLDER/index.html afterwards; no server and no network is needed.

To write pages, leave the course out (seconds instead of minutes), and keep the work between builds::

    python notebooks/docs/build.py SITE_FOLDER --pages-only --work WORK_FOLDER

In a page, a link to ../03_past_nyquist.ipynb leads to that notebook and ../figures/03_past_nyquist.png is its picture,
as they do in the checkout; in a notebook, a link to docs/concepts.md leads to that page. {code-cell} blocks are run by
the build where a page starts with the header that `jupytext --to md:myst` writes. Formulas are $...$ and $$...$$.
"""

import argparse
import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parents[1]
sys.path[:0] = [str(DOCS), str(DOCS.parent), str(ROOT)]

NEEDS = ("cryonb", "sphinx", "myst_nb", "numpydoc", "jupytext", "nbclient", "nbformat", "psutil", "PIL", "ziamath")
if absent := [package for package in NEEDS if importlib.util.find_spec(package) is None]:
    sys.exit(
        f"the documentation must have its packages; got no {', '.join(absent)}. Install them: pip install '.[docs]'"
    )

import run_notebooks  # noqa: E402
from site_parts import course, pictures, reference, staging  # noqa: E402


def build(site: Path, work: Path, pages_only: bool = False, executed: Path | None = None) -> int:
    """Build the site; returns 0 if nothing was wrong."""
    source = work / "source"
    staging.stage_committed_pictures(source)
    books = course.as_far_as_kept(executed) if pages_only else course.executed(executed)
    if not pages_only:
        print(run_notebooks.table(books))
        draw(books, source / staging.COURSE / "figures")
    course.write_pages(books, source / staging.COURSE)
    staging.stage_pages(source)
    reference.write(source)
    failed = rendered(source, work / "html", work / "doctrees")
    if not failed:
        shutil.copytree(work / "html", site, dirs_exist_ok=True)
        print(f"Built: open {site / 'index.html'}")
    return failed


def draw(books: list[run_notebooks.Executed], folder: Path) -> None:
    """Make every picture of the site anew; say so where that of the app cannot be made."""
    pictures.write_answers(books, folder)
    pictures.write_demo(folder)
    if why_not := pictures.write_app(folder):
        print(f"The picture of the app is the committed one: {why_not}.")


def refresh(executed: Path | None) -> None:
    """Make the pictures of the checkout anew, those for dark pages left out."""
    with tempfile.TemporaryDirectory() as temporary:
        draw(course.executed(executed), Path(temporary))
        for path in sorted(Path(temporary).glob("*.png")):
            if not path.stem.endswith("_dark"):
                pictures.keep_small(path, DOCS.parent / "figures" / path.name)


def rendered(source: Path, site: Path, doctrees: Path) -> int:
    """Have Sphinx render a folder, warnings as errors; returns 0 if there was none."""
    from sphinx.cmd.build import main

    strict = ["-W", "--keep-going", "-n", "-q"]
    return main([*strict, "-b", "html", "-c", str(DOCS), "-d", str(doctrees), str(source), str(site)])


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("site", type=Path, nargs="?", metavar="SITE_FOLDER", help="where the pages go")
    made.add_argument(
        "--pages-only", action="store_true", help="run no notebook of the course: they are shown as they are written"
    )
    made.add_argument(
        "--executed",
        type=Path,
        metavar="FOLDER",
        help="notebooks with outputs, reused while their cells are "
        "those of the course; what is not there is run and put there",
    )
    made.add_argument(
        "--work", type=Path, metavar="FOLDER", help="keep what is rendered here: the next build is faster"
    )
    made.add_argument(
        "--refresh-figures", action="store_true", help="make the pictures of notebooks/figures anew instead"
    )
    return made


def main(words: list[str] | None = None) -> int:
    """Run the command line."""
    asked = parser().parse_args(words)
    if asked.refresh_figures:
        refresh(asked.executed)
        return 0
    if asked.site is None:
        parser().error("a folder for the pages must be given")
    with tempfile.TemporaryDirectory() as temporary:
        work = (asked.work or Path(temporary)).resolve()
        return build(asked.site.resolve(), work, asked.pages_only, asked.executed)


if __name__ == "__main__":
    sys.exit(main())
