"""Formulas as MathML, which browsers draw themselves: no script and no font is fetched.

The conversion is docutils' own. A formula that it cannot convert is a warning, and so ends the build.
"""

import html

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)


def converted(formula: str, node: nodes.Element, as_block: bool) -> str:
    """Return a formula as MathML, or a warning and its source as it was written."""
    try:
        mathml = latex2mathml.tex2mathml(formula, as_block=as_block)
    except Exception as problem:
        LOGGER.warning("a formula cannot be converted: %s: %s", formula, problem, location=node)
        return f"<code>{html.escape(formula)}</code>"
    return mathml.replace("\n", "")


def visit_inline(writer, node: nodes.math) -> None:
    """Write a formula within a line."""
    writer.body.append(converted(node.astext(), node, as_block=False))
    raise nodes.SkipNode


def visit_block(writer, node: nodes.math_block) -> None:
    """Write a formula on lines of its own, with the number that it is referred to by."""
    writer.body.append(writer.starttag(node, "div", CLASS="formula"))
    writer.body.append(converted(node.astext(), node, as_block=True))
    if node.get("number"):
        writer.body.append(f'<span class="formula-number">({node["number"]})</span>')
    writer.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app) -> dict:
    """Add the renderer to Sphinx."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
