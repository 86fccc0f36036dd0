"""What an FSC curve is made of: signal, corner signal, the smoothness of the support, and the interpolation grid.

The curve of the user's own particles is taken apart by running the operator that made it again with one switch changed
and subtracting: half B on grids turned at random against half A's, and the in-plane limit as a square or a circle.
Where it is asked for, the refinement that found the poses is run again as well, on images that hold noise past a shell:
what its halves share there was made by the reference that the particles shared.
"""

import dataclasses
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from ..config import RunConfig
from ..errors import RunStopped, must
from ..imaging.bands import holds_data
from ..imaging.dither import turned_grids
from ..imaging.fourier import half_radius, real_space
from ..imaging.shells import crossing, fourier_shell_correlation
from ..knobs import Config, knob
from ..refine.operator import Made, Operator, Switch
from ..refine.stand_in import Scene, measured_noise, scene_of
from .correlations import Correlations
from .half_maps import choose_mask, class_ids
from .measurement import Measurement, mask_leak
from .parts import labelled, part_of
from .shared_reference import SharedReference

Progress = Callable[[float, str], None]

BACKGROUND = 1.0
"""Mean of the images, in their standard deviations, above which they are said to stand on a background."""


@dataclasses.dataclass(frozen=True)
class DecompositionOptions(Config):
    """Settings of the decomposition."""

    dithers: int = knob(4, help="Grids turned at random, over which is averaged.", minimum=1, maximum=64)
    surrogates: int = knob(
        4, help="Replicas of the band-limited surrogate; 0 to leave it and pure noise out.", minimum=0, maximum=64
    )
    surrogate_resolution: float = knob(
        0.0, help="Where the surrogate's signal ends; 0 = the particle Nyquist.", unit="angstrom", minimum=0.0
    )
    class_id: int = knob(0, help="Which class; 0 = all of them, one after the other.", minimum=0)
    shared_reference: bool = knob(
        False,
        help="Also run the recipe again on images with noise past a shell: what its halves made up becomes a term.",
    )
    substitution_resolution: float = knob(
        0.0,
        help="With shared_reference: noise replaces all that is finer; 0 = where the curve falls to 0.8, or three "
        "quarters of the way to 0.143, whichever is coarser.",
        unit="angstrom",
        minimum=0.0,
    )
    n_draws: int = knob(4, help="Draws of random phases, for the mask's leak.", minimum=1, maximum=100)
    particle_diameter: float = knob(
        0.0, help="Diameter of the particle; 0 = from the mask, or the box.", unit="angstrom", minimum=0.0
    )


def measure(found: Measurement, options: DecompositionOptions, mask_of: Callable) -> None:
    """Measure every curve of one class, adding each to what was found.

    Parameters
    ----------
    found : Measurement
        Filled.
    options : DecompositionOptions
        How many grids and replicas.
    mask_of : callable
        Returns the mask for the user's own half maps, or None.
    """
    operator, curves = found.operator, found.correlations
    square, circle = found.halves = [_both_halves(operator, limit, keep_weights=True) for limit in ("square", "circle")]
    held = bool(holds_data(found.weight).any())
    must(held, "some shell must hold data", "no weight anywhere", "Check the CTF columns and the class's particles")
    curves.mask = mask_of(*found.own)
    found.leak = mask_leak(found, options.n_draws) if curves.mask is not None else {}
    curves.add("standard", *square)
    curves.add("circle", *circle)
    for turn in turned_grids(options.dithers, operator.config.compute.seed):
        turned_square, turned_circle = operator.run(Switch("B", "square", turn), Switch("B", "circle", turn))
        curves.add_turned("dithered", square[0], turned_square, square[1])
        curves.add_turned("dithered_circle", circle[0], turned_circle, circle[1])
    for name, limit, scene in _scenes(found, options.surrogates):
        curves.add(name, *_both_halves(operator, limit, scene=scene))
    box = operator.config.box
    if box.resample != "fourier":
        curves.add("fourier_resampled", *_both_halves(operator, box.limit, resample="fourier"))


def _both_halves(operator: Operator, limit: str, **switches: Any) -> tuple[Made, Made]:
    return tuple(operator.run(*(Switch(half, limit, **switches) for half in "AB")))


def _scenes(found: Measurement, replicas: int) -> Iterator[tuple[str, str, Scene]]:
    """Yield the curve, the limit and the scene of every run with images that stand in for the particles."""
    if replicas == 0:
        return
    images = found.operator.images("A", "circle")
    first, second = found.halves[1]
    correlation = found.correlations.curves["dithered_circle"]
    silent = np.zeros(images.sampling.read_size // 2 + 1)
    upload = found.operator.backend.upload
    maps = [_believed(half, half, correlation, upload) for half in (first, second)]
    pause = partial(found.operator.pause, 0.0, "measuring the noise")
    pause()
    own, other = (scene_of(signal, images, silent, images.sampling.max_index) for signal in maps)
    noise = measured_noise(images, own, other, pause)
    scene = scene_of(_believed(first, second, correlation, upload), images, noise, found.surrogate_shell)
    for replica in range(replicas):
        yield "surrogate", "square", scene.again(replica)
        yield "surrogate_circle", "circle", scene.again(replica)
    yield "noise", "square", dataclasses.replace(scene, volume=None, replica=replicas)


def _believed(first: Made, second: Made, correlation: np.ndarray, upload: Callable) -> Any:
    """Return the transform of the mean map, every shell scaled by how far it can be believed: sqrt(2 F / (1 + F))."""
    fsc = np.clip(np.nan_to_num(correlation), 0.0, 1.0)
    merit = np.sqrt(2.0 * fsc / (1.0 + fsc))
    mean = 0.5 * (first.transform + second.transform)
    scale = np.interp(half_radius(len(mean)), np.arange(merit.size), merit).astype(np.float32)
    return mean * upload(scale)


def surrogate_shell(operator: Operator, options: DecompositionOptions) -> float:
    """Return where the signal of the surrogate ends.

    Parameters
    ----------
    operator : Operator
        The particles.
    options : DecompositionOptions
        Settings.

    Returns
    -------
    float
        Shell, with its fraction; at most that of the particle Nyquist.

    Raises
    ------
    InputError
        If the setting asks for more than the data, or would not be read.
    """
    furthest = operator.sampling.max_index
    if options.surrogate_resolution == 0:
        return furthest
    wanted, finest = options.surrogate_resolution, operator.sampling.field_of_view / furthest
    rule = f"surrogate_resolution must be no finer than the data, {finest:.4g} [angstrom]"
    must(wanted >= finest - 1e-6, rule, f"{wanted:g}", "Use a coarser one, or 0 for the end of the data")
    must(options.surrogates > 0, "surrogate_resolution must go with surrogates", "surrogates 0", "Use 1 or more")
    return operator.sampling.field_of_view / wanted


def runs_of(options: DecompositionOptions, config: RunConfig) -> int:
    """Return how many maps one class takes.

    Parameters
    ----------
    options : DecompositionOptions
        Settings.
    config : RunConfig
        Settings of the run.

    Returns
    -------
    int
        Maps.
    """
    stand_ins = 4 * options.surrogates + 2 if options.surrogates else 0
    return 4 + 2 * options.dithers + stand_ins + (2 if config.box.resample != "fourier" else 0)


class DecompositionDiagnostic:
    """What the FSC curve of particles with poses is made of."""

    name = "decomposition"
    title = "What the FSC curve is made of"
    accepts = ("cryonb/particles",)
    options = DecompositionOptions
    takes_references = True
    runs = staticmethod(runs_of)

    def compute(
        self,
        dataset: xr.Dataset,
        options: DecompositionOptions,
        config: RunConfig,
        mask: Any,
        progress: Progress,
        references: Any = None,
    ):
        """Return the decomposition as a Dataset of kind ``cryonb/decomposition``.

        Parameters
        ----------
        dataset : xarray.Dataset
            Kind cryonb/particles, with poses; `class_posterior` makes one decomposition a class.
        options : DecompositionOptions
            Settings.
        config : RunConfig
            Settings of the run whose curve is taken apart.
        mask : ndarray, xarray.Dataset or None
            A mask that was given.
        progress : callable
            Called with the fraction done and a text.
        references : xarray.Dataset, sequence of xarray.Dataset, or None
            With `shared_reference`, the starting volumes of the refinement.

        Returns
        -------
        xarray.Dataset
            Kind ``cryonb/decomposition``.

        Raises
        ------
        InputError
            If particles, settings or memory do not allow it.
        RunStopped
            If `progress` stopped it; `finished` holds the curves that were done by then.
        """
        classes = _held(dataset, class_ids(dataset, options.class_id))
        parts, found = [], None
        shared = _shared_reference(dataset, config, options, references=references, mask=mask)
        own_share = 0.4 if shared else 1.0
        try:
            for number, class_id in enumerate(classes):
                operator = Operator(dataset, config, class_id)
                told = partial(_of_class, progress, number, len(classes))
                operator.report_to(runs_of(options, operator.config), partial(_share, told, 0.0, own_share))
                shell = surrogate_shell(operator, options)
                _warn_of_background(operator)
                correlations = Correlations(upload=operator.backend.upload)
                found = Measurement(operator, correlations, options.particle_diameter, shell)
                measure(found, options, partial(_mask, operator, given=mask))
                if shared is not None:
                    shared.add_to(found, class_id, options.dithers, partial(_share, told, own_share, 1.0))
                parts.append(part_of(found))
                found = None
            progress(1.0, "decomposition")
        except (RunStopped, KeyboardInterrupt) as problem:
            message = "the decomposition was stopped. Start it again to have all of its curves."
            if found is not None and len(found.correlations.draws("dithered_circle")):
                parts.append(part_of(found))
            finished = labelled(parts, classes[: len(parts)], operator) if parts else None
            raise RunStopped(message, finished) from problem
        return labelled(parts, classes, operator)


def _held(particles: xr.Dataset, classes: list[int]) -> list[int]:
    """Return the classes that hold particles; a class of several that was left empty has no curve, and is named."""
    if len(classes) < 2:
        return classes
    shares = {number: float(particles["class_posterior"].sel(class_id=number).sum()) for number in classes}
    empty = [str(number) for number, share in shares.items() if share < 1.0]
    if empty and len(empty) < len(classes):
        which = f"classes {', '.join(empty)} hold" if len(empty) > 1 else f"class {empty[0]} holds"
        warnings.warn(f"{which} less than one particle; there is no curve to take apart", UserWarning, stacklevel=5)
    return [number for number in classes if shares[number] >= 1.0] or classes


def _warn_of_background(operator: Operator) -> None:
    """Warn where images stand on a background: its step at the edge of the box is in both halves, data or no data."""
    images = operator.images("A", operator.config.box.limit)
    pixels = images.read(images.tiles()[0])
    level, deviation = abs(float(pixels.mean())), float(pixels.std(axis=(1, 2)).mean())
    if level > BACKGROUND * deviation and not operator.config.imaging.normalise:
        text = f"the images stand on a background of {level / deviation:.1f} standard deviations"
        remedy = "use imaging.normalise, or images that were normalised"
        warnings.warn(f"{text}, which correlates by itself; {remedy}", UserWarning, stacklevel=5)


def _shared_reference(
    particles: xr.Dataset, config: RunConfig, options: DecompositionOptions, **given: Any
) -> SharedReference | None:
    """Return the refinement of noise, where it is asked for."""
    remedy = "Set shared_reference, or leave it out"
    asked = {
        "references": given["references"] is not None,
        "substitution_resolution": options.substitution_resolution > 0,
    }
    for name, is_asked in asked.items():
        rule = f"{name} must go with shared_reference"
        must(not is_asked or options.shared_reference, rule, "shared_reference off", remedy)
    if not options.shared_reference:
        return None
    return SharedReference(particles, config, options.substitution_resolution, **given)


def _share(progress: Progress, start: float, end: float, fraction: float, text: str) -> None:
    progress(start + (end - start) * fraction, text)


def _of_class(progress: Progress, number: int, count: int, fraction: float, text: str) -> None:
    progress((number + 0.99 * fraction) / count, text)


def _mask(operator: Operator, first: Made, second: Made, given: Any) -> np.ndarray | None:
    """Return the mask that was given, or that the settings make of the user's own map."""
    if given is None and operator.config.mask.kind == "none":
        return None
    size, sampling = len(first.transform), operator.sampling
    fsc = fourier_shell_correlation(first.transform, second.transform)
    held = holds_data(np.stack([first.shell_weight, second.shell_weight]))
    known = xr.Dataset(coords={"resolution": sampling.field_of_view / crossing(fsc, 0.143, held)})
    mean = 0.5 * (first.transform + second.transform)
    density = operator.backend.download(real_space(mean, size).astype(np.float32))
    return choose_mask(known, operator.config.mask, given, density, sampling.voxel_size)


DIAGNOSTIC = DecompositionDiagnostic()
