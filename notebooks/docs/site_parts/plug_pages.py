"""What plugs in: the protocols, and the backends, engines and formats that are there."""

from cryonb import contracts

from . import restructured as rst

INTRO = """
A diagnostic, a recipe, a backend, an engine or a format is one file in one folder. It is found there by the upper-case
name that it binds, and no list has to be changed.
"""
FOLDERS = {
    "Diagnostic": ("cryonb.diagnostics", "DIAGNOSTIC", "cryonb.contracts.Diagnostic"),
    "Recipe": ("cryonb.refine.recipes", "RECIPE", "cryonb.contracts.Recipe"),
    "Backend": ("cryonb.backends", "BACKEND", "cryonb.contracts.Backend"),
    "Engine": ("cryonb.engines", "ENGINE", "cryonb.contracts.Engine"),
    "Format": ("cryonb.io", "FORMAT", "cryonb.io.formats.FileFormat"),
}
"""Where each sort of plug is looked for, the name that it binds, and the class that says what it must have."""


def pages() -> dict[str, str]:
    """Return the page of protocols."""
    rows = [
        (rst.link(name, f"contract-{name.lower()}"), rst.code(folder), rst.code(binding), plugged(folder, binding))
        for name, (folder, binding, _) in FOLDERS.items()
    ]
    bodies = [
        [
            *rst.heading(name, 1, f"contract-{name.lower()}"),
            *rst.directive("autoclass", contract, {"members": ""}),
        ]
        for name, (_, _, contract) in FOLDERS.items()
    ]
    return {
        "plugs": rst.page(
            rst.heading("What plugs in", label="reference-plugs"),
            [*INTRO.strip().splitlines(), ""],
            rst.table(("Plug", "Folder", "It binds", "There are"), rows),
            *bodies,
        )
    }


def plugged(folder: str, binding: str) -> str:
    """Return the names of what is plugged into a folder."""
    return ", ".join(map(rst.code, contracts.discover(folder, binding)))
