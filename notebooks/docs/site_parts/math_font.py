"""The font that formulas are drawn with: browsers know how, and many machines have no font that lets them.

STIX Two Math comes with the package ziamath, under the SIL Open Font License; the site gets the part of it that
formulas use.
"""

from importlib.resources import files
from pathlib import Path

from fontTools import subset

NAME = "math.woff"
RANGES = (
    (0x20, 0x7E),
    (0xA0, 0xFF),
    (0x370, 0x3FF),  # Greek
    (0x2010, 0x209F),
    (0x2100, 0x23FF),  # letters, arrows, operators, braces
    (0x27C0, 0x27EF),
    (0x2A00, 0x2AFF),
    (0x1D400, 0x1D7FF),  # the letters of variables
)
"""First and last characters that are kept."""


def write(app, problem) -> None:
    """Put the font beside the style of a site that was built."""
    static = Path(app.outdir) / "_static"
    if problem is None and static.is_dir():
        options = subset.Options(flavor="woff", layout_features=["*"], notdef_outline=True)
        font = subset.load_font(str(files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf"), options)
        kept = subset.Subsetter(options)
        kept.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
        kept.subset(font)
        subset.save_font(font, str(static / NAME), options)


def setup(app) -> dict:
    """Add it to Sphinx."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
