"""Outputs of a notebook without what cannot be the same twice: what is left is the same, to the byte."""

import base64
import binascii
import io
import re

CHANCE = (
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"), "UUID"),  # names of parts of xarray's tables
    (re.compile(r"\b0x[0-9a-f]{6,}\b"), "ADDRESS"),  # where an object lies
)
ALIKE = 0.04
"""Pictures that differ by fonts alone stay below it; another curve does not."""
WIDGET = "application/vnd.jupyter.widget-view+json"


def stripped(cell):
    """Return the outputs of a cell as pairs of what each is and its content."""
    found = []
    for output in cell.outputs:
        if output.output_type == "stream":
            joined = found[-1][1] if found and found[-1][0] == output.name else ""
            found[len(found) - bool(joined) :] = [(output.name, joined + output.text)]
        elif output.output_type == "error":
            found.append(("error", f"{output.ename}: {output.evalue}"))
        else:
            found += [(kind, content_of(kind, content)) for kind, content in sorted(output.data.items())]
    return [(kind, settled(content)) for kind, content in found]


def content_of(kind, content):
    """Return what an output holds: bytes of pictures; of a widget only that there is one."""
    if kind == WIDGET:
        return "a widget"
    if kind.startswith("image/") and not kind.endswith("xml"):
        return base64.b64decode(content)
    return content if isinstance(content, str) else repr(content)


def settled(content):
    """Return a text with everything replaced that chance decides; pictures as they are."""
    if isinstance(content, str):
        for pattern, word in CHANCE:
            content = pattern.sub(word, content)
    return content


def differences(one, other):
    """Return a sentence for every cell of two runs of a notebook whose outputs differ."""
    codes = [[cell for cell in notebook.cells if cell.cell_type == "code"] for notebook in (one, other)]
    said = []
    for place, (first, second) in enumerate(zip(*codes, strict=True), 1):
        if wrong := difference(stripped(first), stripped(second)):
            said.append(f"code cell {place} ({first.source.strip().splitlines()[0][:60]!r}): {wrong}")
    return said


def difference(first, second):
    """Return what differs between the outputs of a cell in two runs, or nothing."""
    kinds = [[kind for kind, _ in outputs] for outputs in (first, second)]
    if kinds[0] != kinds[1]:
        return f"the outputs are {', '.join(kinds[0])} and then {', '.join(kinds[1])}"
    for (kind, was), (_, then) in zip(first, second):
        if was != then:
            return f"{kind} is {excerpt(was, then)} and then {excerpt(then, was)}"
    return ""


def excerpt(content, other):
    """Return the place where a content leaves another."""
    if isinstance(content, bytes):
        return f"a picture of {len(content)} bytes ({binascii.crc32(content):08x})"
    start = next(
        (at for at, (one, two) in enumerate(zip(content, other)) if one != two), min(map(len, (content, other)))
    )
    return repr(content[max(0, start - 30) : start + 50])


def picture_of(cell):
    """Return the last picture that a cell makes, as bytes of PNG; nothing if it makes none."""
    made = [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
    return base64.b64decode(made[-1]) if made else b""


def unlike(first, second):
    """Return how far two pictures are apart: 0 for the same, about 0.1 and more for others; bytes of PNG, or paths.

    Both are laid on white and blurred to 96 by 96 fields of grey, so that fonts and versions do not matter; their
    shapes must agree within 5 %, or it is 1.
    """
    import numpy as np
    from PIL import Image

    sheets = []
    for picture in (first, second):
        drawn = Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture).convert("RGBA")
        paper = Image.new("RGBA", drawn.size, "white")
        sheets.append(Image.alpha_composite(paper, drawn).convert("L"))
    shapes = [sheet.width / sheet.height for sheet in sheets]
    if abs(shapes[0] / shapes[1] - 1) > 0.05:
        return 1.0
    fields = [np.asarray(sheet.resize((96, 96), Image.Resampling.BOX), float) / 255 for sheet in sheets]
    ink = max(float((1 - field).mean()) for field in fields)
    return float(abs(fields[0] - fields[1]).mean()) / max(ink, 1e-6)
