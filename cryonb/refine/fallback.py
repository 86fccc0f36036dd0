"""Going on where a machine fails: its failure in a sentence, and the CPU in its place where the settings allow it."""

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import xarray as xr

from ..backends import failures_named, get_backend, reading_of
from ..config import RunConfig
from ..errors import BackendFailed, BackendUnavailable, RunStopped
from ..provenance import computed_on

CPU = "numba"
"""The backend that works everywhere."""


def usable(config: RunConfig) -> RunConfig:
    """Return settings whose backend works here: the CPU's in place of one that does not, where that is allowed.

    Parameters
    ----------
    config : RunConfig
        Settings.

    Returns
    -------
    RunConfig
        The same, or with the CPU as backend.

    Raises
    ------
    BackendUnavailable
        If the backend that was asked for cannot run here, and `compute.fallback` is off.

    Examples
    --------
    >>> usable(RunConfig.gather(compute=dict(backend="numba"))).compute.backend
    'numba'
    """
    try:
        get_backend(config.compute.backend)
    except BackendUnavailable as problem:
        if not config.compute.fallback:
            raise
        return _on_cpu(config, str(problem))
    return config


def with_fallback(config: RunConfig, work: Callable[[RunConfig], Any]) -> tuple[Any, RunConfig]:
    """Return what some work gives, done again on the CPU where another machine failed and the settings allow it.

    Parameters
    ----------
    config : RunConfig
        Settings; `compute.fallback` is what allows it.
    work : callable
        Takes settings; leaves nothing behind where it raises.

    Returns
    -------
    found : object
        What `work` returned.
    config : RunConfig
        The settings that it was done with.

    Raises
    ------
    BackendFailed
        If a machine failed, with the sentence that says how: in place of its own exceptions.
    BackendUnavailable
        If the backend that was asked for cannot run here.
    """
    config = usable(config)
    try:
        return _named(work, config), config
    except BackendFailed as problem:
        if not config.compute.fallback or get_backend(config.compute.backend).name == CPU:
            raise
        sentence = str(problem)
    elsewhere = _on_cpu(config, sentence)  # out of the handler, so that the card's arrays are let go
    return _named(work, elsewhere), elsewhere


def signed(dataset: xr.Dataset, config: RunConfig) -> xr.Dataset:
    """Return a result whose record names the machine that computed it.

    Parameters
    ----------
    dataset : xarray.Dataset
        Stamped.
    config : RunConfig
        The settings that it was computed with.

    Returns
    -------
    xarray.Dataset
        The same, with backend and description of the machine in its provenance.
    """
    backend = get_backend(config.compute.backend)
    return computed_on(dataset, backend.name, backend.describe())


def _named(work: Callable[[RunConfig], Any], config: RunConfig) -> Any:
    """Return what some work gives; a machine's failure is raised as one, also where it stopped other threads."""
    try:
        with failures_named():
            return work(config)
    except RunStopped as stopped:
        sentence = reading_of(stopped)
        if not sentence:
            raise
        raise BackendFailed(sentence) from stopped


def _on_cpu(config: RunConfig, why: str) -> RunConfig:
    warnings.warn(f"going on with the CPU: {why}", UserWarning, stacklevel=4)
    return dataclasses.replace(config, compute=config.compute.replace(backend=CPU))
