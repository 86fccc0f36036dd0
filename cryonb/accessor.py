"""``ds.cryo``: every diagnostic as a method of a Dataset, and its figure.

The methods are made from what is found in the folder of diagnostics, when one is first asked for; loading this file
loads neither a diagnostic nor matplotlib.
"""

import inspect
from collections.abc import Callable
from typing import Any

import xarray as xr


@xr.register_dataset_accessor("cryo")
class Cryo:
    """The diagnostics of a Dataset as methods, for example ``halves.cryo.fsc(mask=mask)``.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind.
    """

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset

    def draw(self) -> Any:
        """Return the figure of the Dataset.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.

        Raises
        ------
        SchemaError
            If nothing in it can be drawn.
        """
        from .plots import draw

        return draw(self._dataset)

    def describe(self) -> str:
        """Return the figure of the Dataset in words.

        Returns
        -------
        str
            One paragraph.

        Raises
        ------
        SchemaError
            If nothing in it can be drawn.
        """
        from .plots import describe

        return describe(self._dataset)

    def __getattr__(self, name: str) -> Callable[..., xr.Dataset]:
        from . import diagnostics
        from .errors import nearest

        if name.startswith("_") or name not in diagnostics.names():
            advice = nearest(name, [*diagnostics.names(), "draw", "describe"])
            raise AttributeError(f"ds.cryo has no method {name!r}. {advice}.")
        return _method(self._dataset, diagnostics.get(name))

    def __dir__(self) -> list[str]:
        from . import diagnostics

        return sorted({*object.__dir__(self), *diagnostics.names()})


def _method(dataset: xr.Dataset, plug: Any) -> Callable[..., xr.Dataset]:
    def method(**given: Any) -> xr.Dataset:
        from .verbs import diagnose

        return diagnose(dataset, plug.name, **given)

    method.__name__ = plug.name
    method.__qualname__ = f"Cryo.{plug.name}"
    method.__doc__ = _docstring(plug)
    method.__signature__ = _signature(plug)
    return method


def _docstring(plug: Any) -> str:
    from .diagnostics import takes_references
    from .knobs import UNITLESS, knobs
    from .verbs import joins_particles

    lines = [f"{plug.title}, from a Dataset of kind {' or '.join(plug.accepts)}.", "", "Parameters", "----------"]
    lines += ["config : RunConfig or mapping, optional", "    Settings of the run that a diagnostic may start."]
    lines += ["mask : ndarray, xarray.Dataset, str or mapping, optional", "    The mask, its file, or settings of one."]
    lines += ["progress : callable, optional", "    Called with the fraction done and a text."]
    if joins_particles(plug):
        lines += [
            "particles : xarray.Dataset, str or path, optional",
            "    Of a reconstruction: what it was made from.",
        ]
    if takes_references(plug):
        lines += ["references : xarray.Dataset, str or path, or sequence of these, optional", "    Starting volumes."]
    for field, kind in knobs(plug.options):
        about = field.metadata
        unit = "" if about["unit"] == UNITLESS else f" [{about['unit']}]"
        words = (
            f"one of {', '.join(map(str, about['choices']))}" if about["choices"] else getattr(kind, "__name__", kind)
        )
        lines += [f"{field.name} : {words}, default {field.default!r}{unit}", f"    {about['help']}"]
    lines += ["", "Returns", "-------", "xarray.Dataset", "    The judgement."]
    return "\n".join(lines)


def _signature(plug: Any) -> inspect.Signature:
    from .diagnostics import takes_references
    from .knobs import knobs
    from .verbs import joins_particles

    keyword = inspect.Parameter.KEYWORD_ONLY
    words = ["config", "mask", "progress", *(["particles"] if joins_particles(plug) else [])]
    words += ["references"] if takes_references(plug) else []
    names = [inspect.Parameter(name, keyword, default=None) for name in words]
    names += [
        inspect.Parameter(field.name, keyword, default=field.default, annotation=kind)
        for field, kind in knobs(plug.options)
    ]
    return inspect.Signature(names, return_annotation=xr.Dataset)
