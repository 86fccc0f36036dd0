"""How wide words are in the standard font, and how they are broken into lines [inch]."""

import math
from functools import cache

TITLE, HEADLINE, LABEL, TICK, SMALL = 13.0, 10.5, 10.5, 9.5, 9.0
"""Text sizes [point]."""

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@cache
def text_width(words: str, size: float) -> float:
    """Return how long words are in the standard font.

    Parameters
    ----------
    words : str
        One line.
    size : float
        Text size [point].

    Returns
    -------
    float
        Length [inch].
    """
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties

    font = FontProperties(family="DejaVu Sans", size=size)
    width, _, _ = RendererAgg(8, 8, 72).get_text_width_height_descent(words, font, ismath=False)
    return width / 72.0


def shortened(words: str, size: float, inches: float) -> str:
    """Return bold words, cut with an ellipsis where they are too long.

    Parameters
    ----------
    words : str
        One line.
    size : float
        Text size [point].
    inches : float
        Room [inch].

    Returns
    -------
    str
        The words, or their beginning.
    """
    bold = 1.12
    if bold * text_width(words, size) <= inches:
        return words
    while words and bold * text_width(f"{words}…", size) > inches:
        words = words[:-1]
    return f"{words.rstrip()}…"


def wrapped(words: str, size: float, inches: float) -> tuple[str, ...]:
    """Return words broken into lines; a break falls between the parts that " · " separates where there are any.

    Parameters
    ----------
    words : str
        The text.
    size : float
        Text size [point].
    inches : float
        Longest line [inch].

    Returns
    -------
    tuple of str
        The lines; empty for no words.
    """
    if "\n" in words:
        return tuple(line for paragraph in words.split("\n") for line in wrapped(paragraph, size, inches))
    joint = " · " if " · " in words else " "
    lines: list[str] = []
    for part in words.split(joint) if words else ():
        longer = joint.join([lines[-1], part]) if lines else part
        if lines and text_width(longer, size) <= inches:
            lines[-1] = longer
        else:
            lines.append(part)
    return tuple(lines)


def decade(value: float, place: int | None = None) -> str:
    """Return what stands beside a tick of a logarithmic axis.

    Parameters
    ----------
    value : float
        A power of ten.
    place : int, optional
        Of the tick among others; it changes nothing, and matplotlib gives it.

    Returns
    -------
    str
        Plain words, since words of figures are never read as formulas.

    Examples
    --------
    >>> decade(1e-3), decade(1.0)
    ('10⁻³', '10⁰')
    """
    return f"10{str(round(math.log10(value))).translate(RAISED)}"
