"""The parts that pages are made of: tables of settings, pages of plugs, formulas, and what a page cannot hold."""

import base64
import dataclasses
import importlib.util
import io
import logging
import sys
from pathlib import Path

import pytest

from cryonb import contracts, diagnostics
from cryonb.config import RunConfig
from cryonb.knobs import Config, knob
from cryonb.plots.canvas import render
from cryonb.plots.marks import Panel, Row, Sheet

NEEDS = ("sphinx", "numpydoc", "nbformat", "nbclient")
ABSENT = [package for package in NEEDS if importlib.util.find_spec(package) is None]
if ABSENT:
    pytest.skip(f"{', '.join(ABSENT)} not installed: pip install -e '.[test]'", allow_module_level=True)

DOCS = Path(__file__).parents[2] / "notebooks" / "docs"
sys.path[:0] = [] if str(DOCS) in sys.path else [str(DOCS)]

import nbformat  # noqa: E402
import numpy as np  # noqa: E402
from docutils import nodes  # noqa: E402
from PIL import Image  # noqa: E402
from site_parts import (  # noqa: E402
    course,
    diagnostic_pages,
    finish,
    knob_tables,
    mathml,
    pictures,
    recipe_pages,
    staging,
)


@dataclasses.dataclass(frozen=True)
class Options(Config):
    """Settings of a diagnostic that is nowhere plugged in."""

    reach: float = knob(8.0, help="How far it looks.", unit="angstrom", minimum=2.0, maximum=30.0)
    way: str = knob("near", help="Which way it looks.", choices=("near", "far"), affects="speed")


class Looking:
    """A diagnostic that is nowhere plugged in."""

    name, title, accepts, options = "looking", "What is seen", ("cryonb/volume",), Options

    def compute(self, dataset, options, config, mask, progress):
        """Return nothing.

        Notes
        -----
        It looks :math:`r` far [1]_.

        References
        ----------
        .. [1] A. Author, A Journal 1, 2 (2026).
        """


def test_a_setting_is_shown_with_all_that_it_says_of_itself():
    text = "\n".join(knob_tables.table(Options, "looking."))
    assert ".. _setting-looking.reach:" in text
    for words in ("How far it looks.", "default ``8``", "a number, from 2 to 30 [angstrom]", "changes the result"):
        assert words in text
    assert "one of ``near``, ``far`` · changes only the speed" in text


def test_a_new_diagnostic_has_its_page_by_itself(monkeypatch):
    known = {name: diagnostics.get(name) for name in diagnostics.names()}
    monkeypatch.setattr(diagnostics, "names", lambda: [*known, "looking"])
    monkeypatch.setattr(diagnostics, "get", lambda name: known.get(name, Looking()))
    made = diagnostic_pages.pages()
    assert ":ref:`looking <diagnostic-looking>`" in made["diagnostics/index"]
    page = made["diagnostics/looking"]
    for words in ("**What is seen.**", "It looks :math:`r` far [1].", "1. A. Author, A Journal 1, 2 (2026)."):
        assert words in page
    assert 'cn.diagnose(dataset, "looking")' in page and "half1.mrc half2.mrc looking" in page


def test_every_recipe_says_what_it_decides():
    text = recipe_pages.pages()["recipes/index"]
    assert text.count("independent") >= 1
    assert all(subject in text for subject in ("Halves", "Limit", "Threshold", "Mask", "Volume"))


def test_formulas_become_mathml_and_a_wrong_one_is_a_warning(caplog):
    node = nodes.math()
    assert "<mfrac>" in mathml.converted(r"\frac{a}{b}", node, as_block=True)
    with caplog.at_level(logging.WARNING, logger="sphinx"):
        logging.getLogger("sphinx").addHandler(caplog.handler)
        try:
            assert mathml.converted(r"\nosuchthing{a < b}", node, as_block=False).endswith("{a &lt; b}</code>")
        finally:
            logging.getLogger("sphinx").removeHandler(caplog.handler)
    assert "cannot be converted" in caplog.text


def test_the_app_becomes_a_picture_for_both_themes(tmp_path):
    (tmp_path / "figures").mkdir()
    for name in ("app", "app_dark"):
        (tmp_path / "figures" / f"{name}.png").write_bytes(b"")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("[words](docs/glossary.md)")])
    shown = {course.WIDGET: {"model_id": "1"}, "text/plain": "an app"}
    book.cells.append(nbformat.v4.new_code_cell("app", outputs=[nbformat.v4.new_output("display_data", shown)]))
    page = course.page_of(book, tmp_path)
    assert page.cells[0].source == "[words](../glossary.md)"
    text = page.cells[1].outputs[0].data["text/markdown"]
    assert "(figures/app.png){.only-light}" in text and "(figures/app_dark.png){.only-dark}" in text
    assert course.WIDGET in book.cells[1].outputs[0].data


def test_figures_bring_their_words_for_those_who_cannot_see_them(tmp_path):
    stream, plain = io.BytesIO(), io.BytesIO()
    render(Sheet((Row((Panel(()),), 1.0),), "A sheet", description="So bright.")).savefig(
        stream, format="png", metadata={"Description": "So bright."}
    )
    Image.new("L", (4, 4)).save(plain, format="png")
    cells = []
    for picture in (stream, plain):
        shown = {"image/png": base64.b64encode(picture.getvalue()).decode()}
        cells.append(nbformat.v4.new_code_cell("figure", outputs=[nbformat.v4.new_output("display_data", shown)]))
    page = course.page_of(nbformat.v4.new_notebook(cells=cells), tmp_path)
    assert page.cells[0].metadata["mystnb"]["image"]["alt"] == "So bright."
    assert "mystnb" not in page.cells[1].metadata


def test_a_picture_without_a_dark_twin_stays_as_it_is(tmp_path):
    text = "![two\nlines](figures/one.png) and ![more](https://example.org/two.png)"
    assert staging.in_both_themes(text, tmp_path) == text


def test_a_picture_that_is_kept_is_small_and_looks_the_same(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 255, 500)[:, None, None] * np.ones((1, 500, 3)) + rng.normal(0, 3, (500, 500, 1))
    Image.fromarray(np.clip(ramp, 0, 255).astype(np.uint8)).save(tmp_path / "large.png")
    assert (tmp_path / "large.png").stat().st_size > 150_000
    monkeypatch.setattr(pictures, "LARGE", 1000)
    pictures.keep_small(tmp_path / "large.png", tmp_path / "kept.png")
    large, kept = (np.asarray(Image.open(tmp_path / name).convert("RGB"), float) for name in ("large.png", "kept.png"))
    assert (tmp_path / "kept.png").stat().st_size < (tmp_path / "large.png").stat().st_size
    assert np.abs(large - kept).mean() < 2


def test_names_break_at_their_joints_and_nowhere_else():
    name = '<span class="pre">cryonb.io.local_resolution</span> a_b <b>c.d</b>'
    assert finish.breakable(name) == ('<span class="pre">cryonb.<wbr>io.local_<wbr>resolution</span> a_b <b>c.d</b>')
    assert finish.breakable('<span class="pre">cn.fsc</span>') == '<span class="pre">cn.fsc</span>'


def test_dois_of_the_running_text_are_links():
    kept = '<pre>doi:10.1/a</pre> <a href="x">doi:10.1000/b</a>'
    body = f"Rosenthal (2003), doi:10.1016/j.jmb.2003.07.013; {kept}, doi:10.1038/nmeth.4347."
    done = finish.linked(body)
    assert done.count("https://doi.org/") == 2 and kept in done
    assert 'href="https://doi.org/10.1016/j.jmb.2003.07.013">doi:10.1016/j.jmb.2003.07.013</a>;' in done
    assert done.endswith('href="https://doi.org/10.1038/nmeth.4347">doi:10.1038/nmeth.4347</a>.')


def test_signatures_of_classes_say_what_can_be_given():
    def shown(thing):
        return finish.signature(None, "class", "name", thing, {}, "(*args, **kwargs)", None)

    assert shown(contracts.Diagnostic) == ("", None)
    assert shown(Options) == ("(reach=8.0, way='near')", None)
    words, _ = shown(RunConfig)
    assert words.startswith("(box=BoxConfig(), mask=MaskConfig()")
    assert shown(ValueError) is None and shown(shown) is None
