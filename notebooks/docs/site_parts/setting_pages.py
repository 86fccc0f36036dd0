"""The settings of a run, group by group, from the dataclasses."""

import inspect

from cryonb.config import MASK_SETTINGS, RunConfig
from cryonb.knobs import hints

from . import knob_tables
from . import restructured as rst

INTRO = """
A setting is written ``group.name``: ``cn.reconstruct(particles, box=dict(pad_factor=1))`` in Python,
``--box.pad-factor 1`` on the command line, and a control of that name in the app. A value that cannot work is refused
with a sentence. Settings that change only the speed leave the digest of a result as it is.
"""


def pages() -> dict[str, str]:
    """Return the page of all settings."""
    parts = [rst.heading("Settings of a run", label="reference-settings"), INTRO.strip().splitlines(), [""]]
    for name, group in hints(RunConfig).items():
        words = inspect.getdoc(group).split("\n\n")[0].splitlines()
        parts += [rst.heading(name, 1, f"settings-{name}"), [*words, ""], knob_tables.table(group, f"{name}.")]
        parts += [mask_kinds()] if name == "mask" else []
    return {"settings": rst.page(*parts)}


def mask_kinds() -> list[str]:
    """Return the table of kinds of mask, and the settings that each of them reads."""
    rows = [(rst.code(kind), ", ".join(map(rst.code, read)) or "nothing") for kind, read in MASK_SETTINGS.items()]
    return ["What each kind of mask reads:", "", *rst.table(("kind", "It reads"), rows)]
