"""Build the documentation as static pages, in one command::

    python notebooks/docs/build.py SITE_FOLDER

It runs the course, puts the notebooks with their outputs and pictures beside the pages, takes a picture of the app where
a Chromium is installed, writes the reference from what is plugged in, and has Sphinx render all of it; a warning is an
error. Open SITE_FOLDER/index.html afterwards; no server and no network is needed.

To write pages, leave the course out (seconds instead of minutes), and keep the work between builds::

    python notebooks/docs/build.py SITE_FOLDER --pages-only --work WORK_FOLDER

In a page, a link to ../03_past_nyquist.ipynb leads to that notebook and ../figures/03_past_nyquist.png is its picture, as
they do in the checkout; in a notebook, a link to docs/concepts.md leads to that page. {code-cell} blocks are run by the
build where a page starts with the header that `jupytext --to md:myst` writes. Formulas are $...$ and $$...$$.
"""

import argparse
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parents[1]
sys.path[:0] = [str(DOCS), str(DOCS.parent), str(ROOT)]

from site_parts import reference, staging  # noqa: E402


def build(site: Path, work: Path, pages_only: bool = False) -> int:
    """Build the site; returns 0 if nothing was wrong."""
    source = work / "source"
    staging.stage_pages(source)
    staging.stage_plain_course(source)
    reference.write(source)
    staging.hang_together(source)
    return rendered(source, site, work / "doctrees")


def rendered(source: Path, site: Path, doctrees: Path) -> int:
    """Have Sphinx render a folder, warnings as errors; returns 0 if there was none."""
    from sphinx.cmd.build import main

    strict = ["-W", "--keep-going", "-n", "-q", "--color"]
    return main([*strict, "-b", "html", "-c", str(DOCS), "-d", str(doctrees), str(source), str(site)])


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("site", type=Path, metavar="SITE_FOLDER", help="where the pages go")
    made.add_argument("--pages-only", action="store_true", help="do not run the course: its notebooks as they are written")
    made.add_argument("--work", type=Path, metavar="FOLDER", help="keep what is rendered here: the next build is faster")
    return made


def main(words: list[str] | None = None) -> int:
    """Run the command line."""
    asked = parser().parse_args(words)
    with tempfile.TemporaryDirectory() as temporary:
        return build(asked.site.resolve(), (asked.work or Path(temporary)).resolve(), asked.pages_only)


if __name__ == "__main__":
    sys.exit(main())
