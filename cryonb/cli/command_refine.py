"""``cryonb refine``: particles in; poses, classes and maps out, as a recipe decides."""

import argparse
import contextlib
import json
from pathlib import Path
from typing import Any

import xarray as xr

from .. import io, plots, refinements, verbs
from ..config import RefineConfig
from ..errors import BackendFailed, InputError, must
from ..history import history
from ..units import angstrom
from . import inputs, machine, outputs, run_folder, words
from .console import Console
from .flags import Parser, value_of
from .results import write_results
from .run_folder import CHECKPOINT, Request

DESCRIPTION = """Refine poses, classes and maps of particles as a recipe decides: which halves, which limit, which mask.

Prints its plan first. Keeps every iteration in DIR, and continues there after a stop: cryonb refine --resume DIR.
Writes half maps, the map that the package would show and the mask (MRC), FSC (PNG, CSV, EMDB XML), history (PNG),
poses and classes (particles.star, particles.cs), a session (.zarr) and summary.txt.
"""
GROUPS = ("box", "mask", "imaging", "refine", "compute")
OUT = "cryonb-refine"


def parser(recipe: Any = None) -> Parser:
    """Return the parser of the command, with the settings of one recipe.

    Parameters
    ----------
    recipe : Recipe, optional
        The recipe, where it is known already.

    Returns
    -------
    Parser
        The parser.
    """
    listed = "".join(f"  {name:<19} {refinements.recipe(name).title}\n" for name in refinements.recipes())
    text = (
        f"{DESCRIPTION}\nrecipes (`--refine.recipe NAME --help` shows the settings that one has of its own):\n{listed}"
    )
    made = Parser(prog="cryonb refine", description=text)
    made.add_argument("particles", nargs="?", metavar="PARTICLES", help="particle table: .star, .cs or .mrcs")
    made.add_argument("--plan", action="store_true", help="print what it would hold and do, and stop (default: off)")
    made.add_argument("--resume", metavar="DIR", help="continue the refinement of this folder (default: start one)")
    inputs.add_common(made, OUT)
    made.set_defaults(out=None)
    inputs.add_reading(made)
    inputs.add_settings(made, GROUPS, decides=True)
    inputs.add_references(made, recipe)
    return made


def recipe_of(argv: list[str]) -> str:
    """Return the name of the recipe that a command line asks for.

    Parameters
    ----------
    argv : list of str
        Its words.

    Returns
    -------
    str
        The name; that of the folder to resume, or the default, where none is given.

    Raises
    ------
    InputError
        If the folder to resume is not one.
    """
    folder = value_of(argv, "--resume")
    name = value_of(argv, "--refine.recipe")
    if name or not folder:
        return name or RefineConfig().recipe
    return Request.kept(Path(folder).expanduser()).config.refine.recipe


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
    recipe = refinements.recipe(recipe_of(argv)) if not {"-h", "--help"} & set(argv) else _shown_recipe(argv)
    arguments = parser(recipe).read(argv)
    kept = f"the run was stopped by Ctrl-C; {_way_on(arguments.resume)}"
    with outputs.keeping(kept) if arguments.resume else contextlib.nullcontext():
        return _run(arguments, recipe, console)


def _run(arguments: argparse.Namespace, recipe: Any, console: Console) -> int:
    out, request = _asked(arguments, recipe)
    outputs.check_writable(out)
    machine.announce(request.config, console)
    seed = request.config.compute.seed
    reading = argparse.Namespace(**request.reading)
    particles = inputs.open_table(request.particles, reading, seed, require_poses=False)
    references = request.references or None
    plan = refinements.plan(particles, references, request.config)
    console.say(str(plan))
    if arguments.plan:
        return 0
    if arguments.resume:
        outputs.clear_remains(out)
    is_new = run_folder.prepare(out, request, resumed=bool(arguments.resume))
    told = run_folder.iterations_in(out)
    try:
        with outputs.keeping(f"the run was stopped by Ctrl-C; {_way_on(out)}"):
            last = _iterate(particles, references, request, out, told, console)
            return _finish(particles, last, told, out, console)
    except BaseException as problem:
        if not arguments.resume and run_folder.is_worthless(out, isinstance(problem, InputError)):
            run_folder.forget(out, is_new)
            outputs.forget_kept()
        elif isinstance(problem, BackendFailed):
            raise BackendFailed(f"{problem} On the command line: cryonb refine --resume {out}") from problem
        raise


def _way_on(out: Path | str) -> str:
    return f"its finished iterations are in {out}. Continue with: cryonb refine --resume {out}"


def _shown_recipe(argv: list[str]) -> Any:
    """Return the recipe for a page of help: none where the name is not known."""
    try:
        return refinements.recipe(recipe_of(argv)) if any("--refine" in word for word in argv) else None
    except InputError:
        return None


def _asked(arguments: argparse.Namespace, recipe: Any) -> tuple[Path, Request]:
    """Return the folder and the request: what was asked now, or what the folder to resume was asked."""
    settings = {name: group for name, group in inputs.given_settings(arguments, recipe).items() if group}
    if arguments.resume is None:
        must(
            arguments.particles is not None,
            "particles must be given",
            "none",
            "cryonb refine PARTICLES, or --resume DIR",
        )
        paths = [_whole(path) for path in (arguments.particles, *arguments.reference)]
        passthrough = [_whole(path) for path in arguments.passthrough]
        root = None if arguments.root is None else _whole(arguments.root)
        reading = {"root": root, "passthrough": passthrough, "pixel_size": arguments.pixel_size}
        if settings.get("mask", {}).get("path"):
            settings["mask"] = {**settings["mask"], "path": _whole(settings["mask"]["path"])}
        return Path(arguments.out or OUT), Request(paths[0], paths[1:], reading, settings)
    folder = Path(arguments.resume).expanduser()
    kept = Request.kept(folder)
    also = [
        name
        for name in ("particles", "reference", "out", "root", "passthrough", "pixel_size")
        if getattr(arguments, name)
    ]
    rule = "--resume must go without what its folder knows"
    must(not also, rule, ", ".join(also).replace("_", "-"), "Leave it out, or start another run with --out")
    return folder, kept.continued(settings)


def _whole(path: str) -> str:
    """Return a path that holds wherever the run is resumed from."""
    return str(Path(path).expanduser().absolute())


def _iterate(
    particles: xr.Dataset, references: Any, request: Request, out: Path, told: list[xr.Dataset], console: Console
) -> xr.Dataset:
    """Run the iterations, say what each found and add it to those that are told; return the last."""
    last = None
    for made in told:
        console.say(line_of(made))

    def heard(fraction: float, text: str) -> None:
        console.progress(fraction, f"{text}{_standing(told)}")

    settings = dict(checkpoint=out / CHECKPOINT, progress=heard)
    for last in refinements.iterate(particles, references, request.config, **settings):
        if int(last["iteration"]) not in {int(made["iteration"]) for made in told}:
            told.append(run_folder.without_maps(last))
            console.close()
            console.say(line_of(last))
    return last


def _standing(told: list[xr.Dataset]) -> str:
    """Return the limit that is used now and what was claimed last, for the progress bar."""
    if not told:
        return ""
    best = min((value for value in plots.claims(told[-1]).values() if value > 0), default=float("nan"))
    limit = float(told[-1]["next_limit"]) if "next_limit" in told[-1].coords else float("nan")
    parts = [f"limit {angstrom(limit, 'A')}"] if limit > 0 else []
    parts += [f"resolution {angstrom(best, 'A')}"] if best > 0 else []
    return f" ({', '.join(parts)})" if parts else ""


def line_of(made: xr.Dataset) -> str:
    """Return what an iteration did, in a line.

    Parameters
    ----------
    made : xarray.Dataset
        Kind ``cryonb/refinement``.

    Returns
    -------
    str
        Its limit, what it claims and the limit of the next.
    """
    following = float(made["next_limit"]) if "next_limit" in made.coords else float("nan")
    more = f" Next limit {angstrom(following, 'A')}." if following > 0 else ""
    return f"{plots.claim_sentence(made, 'A')}{more}"


def _finish(particles: xr.Dataset, last: xr.Dataset, told: list[xr.Dataset], out: Path, console: Console) -> int:
    classes = last["class_id"].values if "class_id" in last.dims else [None]
    results = {"refinement": last, "history": history(told)}
    empty = [label for label in classes if label is not None and not _has_halves(last, label)]
    for label in (label for label in classes if label not in empty):
        options = {} if label is None else {"class_id": int(label)}
        results["fsc" if label is None else f"fsc_class_{label}"] = verbs.diagnose(last, "fsc", **options)
    found = refinements.rejoin(last, particles)
    notes: list[str] = []

    def tables(folder: Path) -> None:
        for write, name in ((io.write_star, "particles.star"), (io.write_cs, "particles.cs")):
            try:
                write(found, folder / name)
            except InputError as problem:
                notes.append(f"{name} was not written: {problem}")

    lines = summary(particles, results)
    lines += [f"class {label} has no FSC: a half of it holds no particles." for label in empty]
    written = write_results(out, results, [*map(line_of, told), *lines], beside=tables)
    console.close()
    console.say("\n".join([*lines, *notes, f"Written to {out}: {', '.join(written)}"]))
    return 0


def _has_halves(last: xr.Dataset, label: int) -> bool:
    """Return whether both half maps of a class hold anything."""
    return bool((last["half_map"].sel(class_id=label) != 0.0).any(("z", "y", "x")).all())


def _ending(last: xr.Dataset) -> str:
    """Return why the last iteration was the last, and where its map ends if not with the particles."""
    count = int(last["iteration"])
    many = "1 iteration" if count == 1 else f"{count} iterations"
    settings = json.loads(last.attrs.get("provenance", "{}")).get("settings", {}).get("refine", {})
    finest = float(settings.get("max_resolution", 0.0))
    ended = "converged" if last.attrs.get("converged") == "yes" else "stopped at the number asked for, not converged,"
    ends_early = finest * float(last["particle_nyquist"]) > 1.0
    more = (
        f" refine.max_resolution keeps what is finer than {angstrom(finest, 'A')} out of the map." if ends_early else ""
    )
    return f"The refinement {ended} after {many}.{more}"


def summary(particles: xr.Dataset, results: dict[str, xr.Dataset]) -> list[str]:
    """Return what a refinement found, in plain lines.

    Parameters
    ----------
    particles : xarray.Dataset
        Its particles.
    results : dict of str to xarray.Dataset
        `refinement`, and the FSC of every class under a name that begins with "fsc".

    Returns
    -------
    list of str
        The lines.
    """
    last = results["refinement"]
    decided = json.loads(last.attrs.get("decisions", "{}"))
    lines = [
        f"Particles: {particles.sizes['particle']} of {particles.sizes['x']} pixels at "
        f"{float(last['pixel_size']):.4g} A.",
        f"The particles end at {1 / float(last['particle_nyquist']):.2f} A (their Nyquist), "
        f"the grid at {1 / float(last['grid_nyquist']):.2f} A.",
        *(f"{name}: {text}" for name, text in decided.items()),
        plots.claim_sentence(last, "A"),
    ]
    lines += [_ending(last), *(last.attrs[name] for name in ("volume_note",) if last.attrs.get(name))]
    if "occupancy" in last:
        shares = zip(last["class_id"].values, last["occupancy"].values, last["effective_size"].values)
        lines += [
            f"class {label}: {100 * share:.1f} % of the particles, effective size {size:.0f}"
            for label, share, size in shares
        ]
    for name, fsc in results.items():
        if name.startswith("fsc"):
            lines += [
                f"{name.removeprefix('fsc_').replace('_', ' ') + ', ' if name != 'fsc' else ''}{line}"
                for line in words.resolutions(fsc)
            ]
    return lines
