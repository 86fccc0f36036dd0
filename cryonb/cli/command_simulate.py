"""``cryonb simulate``: particles with known poses from a phantom, a map or an atomic model."""

from pathlib import Path
from typing import Any

import xarray as xr

from .. import io
from ..errors import must
from ..opening import MAPS
from ..phantoms import KINDS, PhantomConfig, phantom
from ..simulate import SimulationConfig, simulate
from . import inputs
from .console import Console
from .flags import Parser, add_flags, given
from .outputs import check_writable, results_folder

DESCRIPTION = """Make particle images of which everything is known, from a phantom, a map or an atomic model.

Writes particles.star and particles.mrcs (true poses, shifts, defoci, half sets), the truth (MRC) and summary.txt.
"""


def parser() -> Parser:
    """Return the parser of the command.

    Returns
    -------
    Parser
        The parser.
    """
    made = Parser(prog="cryonb simulate", description=DESCRIPTION)
    kinds = ", ".join(KINDS)
    made.add_argument(
        "phantom",
        nargs="?",
        default="helices",
        help=f"{kinds}, a model (.pdb, .cif) or a map (.mrc) (default: helices)",
    )
    made.add_argument("--like", metavar="MRC", help="map in whose frame a model is put (default: none)")
    made.add_argument(
        "--centre",
        nargs=3,
        metavar=("X", "Y", "Z"),
        help="point of a model at the box centre [angstrom] (default: its mean)",
    )
    made.add_argument("--threads", default="0", metavar="NUMBER", help="CPU threads; 0 = all cores (default: 0)")
    inputs.add_common(made, "cryonb-simulate")
    add_flags(made, SimulationConfig, "phantom, microscope and noise")
    return made


def run(argv: list[str], console: Console) -> int:
    """Run the command.

    Parameters
    ----------
    argv : list of str
        Arguments.
    console : Console
        Where to speak.

    Returns
    -------
    int
        Exit code.
    """
    arguments = parser().read(argv)
    out = Path(arguments.out)
    check_writable(out)
    must(arguments.threads.isdecimal(), "threads must be a whole number of at least 0", arguments.threads, "Use 0")
    truth, settings = _truth(arguments)
    particles = simulate(truth, settings, threads=int(arguments.threads), progress=console.progress)
    lines = summary(particles, truth)
    with results_folder(out) as folder:
        io.write_star(particles, folder / "particles.star", folder / "particles.mrcs")
        for number, density in enumerate(_densities(truth), 1):
            io.write_map(density, folder / ("truth.mrc" if "class_id" not in truth.dims else f"truth_{number}.mrc"))
        (folder / "summary.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        written = sorted(item.name for item in folder.iterdir())
    console.close()
    console.say("\n".join([*lines, f"Written to {out}: {', '.join(written)}"]))
    return 0


def _truth(arguments: Any) -> tuple[xr.Dataset, dict[str, Any]]:
    """Return the phantom, and the settings that are the particles' own."""
    settings = given(arguments, SimulationConfig)
    if arguments.phantom.lower().endswith(MAPS):
        placed = [name for name in ("like", "centre") if getattr(arguments, name) is not None]
        must(
            not placed, "like and centre must go with a model file", f"{', '.join(placed)} with a map", "Leave them out"
        )
        return io.open_map(arguments.phantom), settings
    names = PhantomConfig.__dataclass_fields__
    SimulationConfig.parse(settings)
    like = None if arguments.like is None else io.open_map(arguments.like)
    centre = None if arguments.centre is None else [_number(word) for word in arguments.centre]
    shape = {name: value for name, value in settings.items() if name in names}
    truth = phantom(arguments.phantom, shape, like=like, centre=centre)
    return truth, {name: value for name, value in settings.items() if name not in names}


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        must(False, "centre must be three numbers [angstrom]", repr(word), "Give x, y and z")


def _densities(truth: xr.Dataset) -> list[xr.DataArray]:
    return list(truth["density"]) if "class_id" in truth.dims else [truth["density"]]


def summary(particles: xr.Dataset, truth: xr.Dataset) -> list[str]:
    """Return what was made, in plain lines.

    Parameters
    ----------
    particles, truth : xarray.Dataset
        The images and what they show.

    Returns
    -------
    list of str
        The lines.
    """
    pixel_size = float(particles.pixel_size)
    lines = [
        f"Truth: {truth.sizes['x']} voxels at {float(truth.voxel_size):.4g} A.",
        f"Particles: {particles.sizes['particle']} of {particles.sizes['x']} pixels at {pixel_size:.4g} A; "
        f"they end at {2 * pixel_size:.2f} A (their Nyquist).",
    ]
    if "defocus_u" in particles:
        low, high = float(particles.defocus_v.min()), float(particles.defocus_u.max())
        lines.append(f"Defocus: {low:.0f} to {high:.0f} A.")
    return lines
