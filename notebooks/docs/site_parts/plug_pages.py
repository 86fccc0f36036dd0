"""What plugs in: the protocols, and the backends, engines and formats that are there."""

from cryonb import contracts

from . import restructured as rst

INTRO = """
A diagnostic, a recipe, a backend, an engine or a format is one file in one folder. It is found there by the upper-case
name that it binds, and no list has to be changed.
"""
FOLDERS = {
    "Diagnostic": ("cryonb.diagnostics", "DIAGNOSTIC"),
    "Recipe": ("cryonb.refine.recipes", "RECIPE"),
    "Backend": ("cryonb.backends", "BACKEND"),
    "Engine": ("cryonb.engines", "ENGINE"),
    "Format": ("cryonb.io", "FORMAT"),
}


def pages() -> dict[str, str]:
    """Return the page of protocols."""
    rows = [
        (rst.link(name, f"contract-{name.lower()}"), rst.code(folder), rst.code(binding), plugged(folder, binding))
        for name, (folder, binding) in FOLDERS.items()
    ]
    bodies = [
        [
            *rst.heading(name, 1, f"contract-{name.lower()}"),
            *rst.directive("autoclass", f"cryonb.contracts.{name}", {"members": ""}),
        ]
        for name in FOLDERS
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
