"""``cryonb reconstruct``: particles with known poses in, half maps and their FSC out."""

from pathlib import Path

import xarray as xr

from .. import verbs
from . import inputs, machine, words
from .console import Console
from .flags import Parser
from .outputs import check_writable
from .results import write_results

DESCRIPTION = """Reconstruct both half maps of particles whose poses are known, and judge them by their FSC.

Writes the half maps and the map (MRC), the FSC (PNG, CSV, EMDB XML), a session (.zarr) and summary.txt.
"""


def parser() -> Parser:
    """Return the parser of the command.

    Returns
    -------
    Parser
        The parser.
    """
    made = Parser(prog="cryonb reconstruct", description=DESCRIPTION)
    made.add_argument("particles", metavar="PARTICLES", help="particle table: .star, .cs or .mrcs")
    inputs.add_common(made, "cryonb-reconstruct")
    inputs.add_reading(made)
    inputs.add_settings(made, ("box", "mask", "imaging", "refine", "compute"))
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
    config = inputs.settings(arguments)
    out = Path(arguments.out)
    check_writable(out)
    machine.announce(config, console)
    particles = inputs.open_table(arguments.particles, arguments, config.compute.seed)
    refinement = verbs.reconstruct(particles, config, progress=console.progress)
    fsc = verbs.diagnose(refinement, "fsc", config=config)
    lines = summary(particles, refinement, fsc)
    written = write_results(out, {"refinement": refinement, "fsc": fsc}, lines)
    console.close()
    console.say("\n".join([*lines, f"Written to {out}: {', '.join(written)}"]))
    return 0


def summary(particles: xr.Dataset, refinement: xr.Dataset, fsc: xr.Dataset) -> list[str]:
    """Return what the run found, in plain lines.

    Parameters
    ----------
    particles, refinement, fsc : xarray.Dataset
        Input and results.

    Returns
    -------
    list of str
        The lines.
    """
    subset = refinement["random_subset"] if "random_subset" in refinement else particles["random_subset"]
    sizes = [int((subset == number).sum()) for number in (1, 2)]
    number = {name: refinement[name].values.item() for name in refinement.coords if refinement[name].ndim == 0}
    made = f", {words.corners(refinement)}" if words.corners(refinement) else ""
    return [
        f"Particles: {particles.sizes['particle']} of {particles.sizes['x']} pixels at {number['pixel_size']:.4g} A, "
        f"{sizes[0]} in half A and {sizes[1]} in half B.",
        f"Grid: {number['box_size']:.0f} voxels at {number['voxel_size']:.4g} A, pad {number['pad_factor']:g}, "
        f"binning {number['binning']:g}{made}.",
        f"The particles end at {1 / number['particle_nyquist']:.2f} A (their Nyquist), "
        f"the grid at {1 / number['grid_nyquist']:.2f} A.",
        *words.resolutions(fsc),
    ]
