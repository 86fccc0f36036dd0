"""The door to the notebook app; ipywidgets is loaded when it is first opened.

From the model to the page, each building on what stands above it:

- `settings`, `choices`: what was typed, and what of it can work. `held`, `view_state`: runs, and what is looked at.
  `job`, `notes`, `background`, `orders`: work on a thread of its own, one piece at a time. `plan`: what it will take.
- `session`: all of these as one object of traits. `keeping`, `cell`, `export`, `folder`: it goes to files, comes back
  from them, and says in Python what it shows. No widget library is loaded up to here.
- `tabs`: the session as marks, one file a tab. `panes`: marks on the page, one file a way of showing them; `picture`,
  `tiles` and `scene` are what they show them on, each with its script beside it.
- `controls`: a field of a dataclass, or a trait, as an entry. `app`: the page; every other file is one part of it.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import xarray as xr

from ..config import RunConfig
from ..errors import InputError, must

if TYPE_CHECKING:
    from .app import Dashboard

NEEDED = ("ipywidgets", "anywidget")


def dashboard(
    source: Any = None,
    references: Any = None,
    config: RunConfig | Mapping | None = None,
    *,
    root: str | os.PathLike | None = None,
    **groups: Any,
) -> "Dashboard":
    """Return the notebook app; as the last expression of a cell it shows itself.

    Parameters
    ----------
    source : xarray.Dataset, xarray.DataTree, str, path or pair of paths, optional
        Particles, maps or runs, or the file of a table, a map or a session; two paths are half maps; ``"demo"`` for
        the built-in demonstration. None starts with a page on which to choose.
    references : xarray.Dataset, str or path, list of these, or None
        Starting volumes of refinements.
    config : RunConfig or mapping, optional
        Settings to begin with; a mapping may be nested.
    root : str or path, optional
        Folder under which files are opened and written; by default the working directory.
    **groups
        `box`, `mask`, `imaging`, `refine` or `compute` as mappings or groups; they win over `config`.

    Returns
    -------
    Dashboard
        The app. Its `close` stops what runs and lets go of everything.

    Raises
    ------
    InputError
        If a setting cannot work, the source is of another kind, or the packages of the app are not installed.
    """
    try:
        from .app import Dashboard
    except ImportError as problem:
        if problem.name not in NEEDED:
            raise
        words = f"the notebook app must have its packages; got no {problem.name}. Run pip install 'cryonb[notebook]'."
        raise InputError(words) from None
    from .folder import Folder
    from .session import Session

    kinds = (str, os.PathLike, xr.Dataset, xr.DataTree, tuple, list, type(None))
    rule = "a dashboard needs particles, maps or runs, or the path of a file"
    must(isinstance(source, kinds), rule, type(source).__name__, "Open one, or leave it out")
    folder = Folder(root)
    session = Session(references=references, config=RunConfig.gather(config, **groups))
    made = Dashboard(session, folder)
    try:
        _open(session, source)
    except BaseException:
        made.close()
        raise
    return made


def _open(session: Any, source: Any) -> None:
    if isinstance(source, (tuple, list)):
        from ..io import open_half_maps

        must(len(source) == 2, "several files must be two half maps", f"{len(source)}", "Give two paths")
        session.open(open_half_maps(*source), {"half_maps": [os.fspath(one) for one in source]})
    elif source is not None:
        session.open(source)
