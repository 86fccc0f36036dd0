"""The documentation builds without a warning, leads nowhere that is not there, and can be read in both themes.

All tests of the built site stand in this file, so that it is built once however many processes the tests run in.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import chromium
import pytest
import site_pages

import cryonb
from cryonb import cli, diagnostics, schema
from cryonb.config import RunConfig
from cryonb.knobs import hints, knobs
from cryonb.refine import recipes

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "notebooks" / "docs"
NEEDS = ("sphinx", "myst_nb", "pydata_sphinx_theme", "sphinx_design", "sphinx_copybutton", "numpydoc", "nbclient")
ABSENT = [package for package in NEEDS if importlib.util.find_spec(package) is None]
CHECKS = (Path(__file__).parent / "page_checks.js").read_text(encoding="utf-8")
BUILD_SECONDS = 1500
SIZES = {"1280": {"width": 1280, "height": 900}, "390": {"width": 390, "height": 844}}
AT_ONCE = "* { transition: none !important; }"
"""Colours of one theme do not fade into those of the other while they are measured."""
NOT_WRITTEN = ("genindex", "search", "py-modindex")
"""Pages that Sphinx makes of the others."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(ABSENT), reason=f"{', '.join(ABSENT)} not installed: pip install -e '.[test]'"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory, executed_course) -> Path:
    """Return the folder of the built documentation."""
    folder = tmp_path_factory.mktemp("documentation") / "site"
    words = [sys.executable, DOCS / "build.py", folder, "--executed", executed_course]
    done = subprocess.run(words, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "WARNING: " not in said, said[-6000:]
    return folder


@pytest.fixture(scope="module")
def pages(site) -> dict:
    """Return every page of it."""
    return site_pages.pages_of(site)


def test_every_link_leads_somewhere(pages):
    assert len(pages) > 40
    assert not site_pages.broken_links(pages)


def test_nothing_is_loaded_from_elsewhere(site, pages):
    assert not site_pages.foreign_loads(site, pages)


def test_the_reference_has_all_that_is_plugged_in(site, pages):
    names = {name for page in pages.values() for name in page.names}
    assert {f"cryonb.{name}" for name in cryonb._HOME_OF} <= names
    reference = site / "reference"
    groups = {"diagnostics": diagnostics.names(), "recipes": recipes.names(), "commands": cli.COMMANDS}
    for folder, words in groups.items():
        assert all((reference / folder / f"{word}.html").is_file() for word in words)
    settings = site_pages.Page(reference / "settings.html").names
    for group, kind in hints(RunConfig).items():
        assert all(f"setting-{group}-{field.name.replace('_', '-')}" in settings for field, _ in knobs(kind))
    text = (reference / "datasets.html").read_text(encoding="utf-8")
    assert all(kind in text for kind in schema.KINDS)


def test_the_course_is_there_with_its_outputs_and_pictures(site):
    for book in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        text = (site / "course" / f"{book.stem}.html").read_text(encoding="utf-8")
        assert "cell_output" in text and text.count("<img") >= 2, book.stem
        assert "{.only-" not in text, "a picture for one theme is shown as text"


@pytest.fixture(scope="module")
def tab():
    """Return a page of a browser with its traffic."""
    if not chromium.found():
        pytest.skip("no Chromium: install Debian's chromium, or set CRYONB_CHROMIUM to the path of one")
    pytest.importorskip("playwright")
    with chromium.running() as browser, chromium.page(browser) as (page, traffic):
        yield page, traffic


@pytest.mark.browser
def test_pages_can_be_read_at_every_width_in_both_themes(site, pages, tab):
    page, traffic = tab
    found = []
    for path in pages:
        name = path.relative_to(site).with_suffix("").as_posix()
        if name in NOT_WRITTEN:
            continue
        page.goto(path.as_uri())
        page.add_style_tag(content=AT_ONCE)
        for width, size in SIZES.items():
            page.set_viewport_size(size)
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme)
                page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
                checked = page.evaluate(CHECKS)
                found += [
                    f"{name}, {width} pixels, {theme}: {what} {which}" for what, which in checked.items() if which
                ]
                shoot(page, f"{name.replace('/', '_')}_{width}_{theme}")
    assert not found, "\n".join(found)
    assert not traffic.complaints
    assert not traffic.hosts


def shoot(page, name):
    """Write a picture of a whole page where pictures are asked for."""
    folder = os.environ.get("CRYONB_SCREENSHOTS", "")
    if folder:
        Path(folder, "docs").mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder, "docs", f"{name}.png"), full_page=True)


@pytest.mark.browser
def test_the_search_finds_without_a_server(site, tab):
    page, traffic = tab
    page.goto(f"{(site / 'search.html').as_uri()}?q=interpolation")
    page.locator("#search-results li a").first.wait_for()
    assert not traffic.complaints
