"""What is an FSC curve made of? Reconstruct cryo-EM particles and find out, from Python, a notebook or a shell.

The front door: every name below is looked up when it is first used, so that ``import cryonb`` stays light.

The rooms, from the ground up; each imports only what stands above it in this list, and a test holds it to that:

- `units`, `errors`, `kernels`: words and inner loops. A kernel is a maker that a backend compiles.
- `contracts`, `knobs`, `config`, `schema`, `curve_verdict`: what plugs in, what a setting is, the settings, the kinds
  of Dataset, the words for what a curve says.
- `backends`, `engines`, `provenance`, `plots`: machines and paper. `backends.numba_cpu` is the CPU, `backends.cupy_gpu`
  a card, with its parts in the files `gpu_*` beside it; all others ask `contracts.Backend`. A file of `plots` binds the
  kinds that it draws to ``PLOTS``, those that it sets beside other runs to ``PANELS`` or ``ROWS``, and
  `plots.catalogue` finds them.
- `imaging`, `io`: the model of imaging on plain arrays; files.
- `phantoms`, `simulate`, `filtered_maps`, `refine`: volumes, particles and half maps with known truth; labels off, a
  run, labels on. `refine.operator` is that run with one switch changed, over and over; `refine.stand_in` makes images
  that stand in for the particles; `refine.rejoin` gives particles the poses, halves and classes of a run.
  `refine.recipes` are the ways of deciding, one file each: they call `refine.run`, which aligns, averages and decides
  nothing; `refine.search` finds poses; `refine.iterate` is the loop around a recipe, and `refine.checkpoints` keeps it.
  `refine.card_plan` counts what a card has to hold; `refine.fallback` goes on with the CPU where a card fails.
- `diagnostics`: judgements, one file each, with what they measure in files beside them.
- `history`, `record`, `folding`, `mask_files`, `maps`, `opening`, `verbs`, `refinements`, `accessor`, `compare`,
  `decisions`, `demo`, `cli`: faces. `opening` is where paths become Datasets, `mask_files` brings masks to the box of
  the maps, `maps` knows which map stands for a run and what two of them differ in, `record` tells what made a result,
  `folding` keeps what a cell prints out of sight, `verbs` reconstructs and judges, `refinements` decides by a recipe,
  and `decisions` sets recipes side by side.
- `widgets`: the notebook app. `widgets.session` knows everything and no widget library; a file of `widgets.tabs` turns
  it into a sheet of marks, one of `widgets.panes` puts marks on the page, and the other parts stand around them.

Files become Datasets in `io`, Datasets become tiles in `refine`, tiles become sums and sums become maps in `imaging`,
maps become Datasets again in `refine`, and only Datasets reach diagnostics, figures and files.

Examples
--------
>>> import cryonb as cn
>>> cn.RunConfig().box.pad_factor
2.0
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from . import accessor as _accessor  # every Dataset gets `.cryo`

__version__ = "0.1.0"

_HOMES = {
    ".io": (
        "open_particles",
        "open_map",
        "open_half_maps",
        "open_curve",
        "save",
        "load",
        "write_map",
        "write_stack",
        "write_star",
        "write_cs",
        "write_curve",
    ),
    ".verbs": ("reconstruct", "diagnose"),
    ".refinements": ("refine", "iterate", "plan", "recipes", "rejoin"),
    ".history": ("history",),
    ".decisions": ("compare_recipes",),
    ".phantoms": ("phantom",),
    ".simulate": ("simulate", "demo_particles"),
    ".filtered_maps": ("filtered_half_maps",),
    ".compare": ("compare",),
    ".record": ("record",),
    ".folding": ("folded",),
    ".contracts": ("plug_in",),
    ".maps": ("difference",),
    ".plots": ("draw", "side_by_side", "overlay", "linked_maps", "save_figure"),
    ".widgets": ("dashboard",),
    ".config": ("RunConfig", "BoxConfig", "MaskConfig", "ImagingConfig", "RefineConfig", "ComputeConfig"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]

if TYPE_CHECKING:
    from .compare import compare
    from .config import BoxConfig, ComputeConfig, ImagingConfig, MaskConfig, RefineConfig, RunConfig
    from .contracts import plug_in
    from .decisions import compare_recipes
    from .filtered_maps import filtered_half_maps
    from .folding import folded
    from .history import history
    from .io import (
        load,
        open_curve,
        open_half_maps,
        open_map,
        open_particles,
        save,
        write_cs,
        write_curve,
        write_map,
        write_stack,
        write_star,
    )
    from .maps import difference
    from .phantoms import phantom
    from .plots import draw, linked_maps, overlay, save_figure, side_by_side
    from .record import record
    from .refinements import iterate, plan, recipes, refine, rejoin
    from .simulate import demo_particles, simulate
    from .verbs import diagnose, reconstruct
    from .widgets import dashboard


def __getattr__(name: str) -> object:
    if name in _HOME_OF:
        return getattr(import_module(_HOME_OF[name], __name__), name)
    raise AttributeError(f"module 'cryonb' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


class _FrontDoor(ModuleType):
    """The package itself: a verb keeps its name when the file of the same name is loaded."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME_OF and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _FrontDoor
