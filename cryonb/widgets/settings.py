"""What a user set, path by path, and what of it can work."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from .. import diagnostics
from ..config import RunConfig
from ..errors import InputError, must, nearest
from ..knobs import Config, hints, knobs
from ..refinements import recipe

PARAMS = "params"
"""The group of the chosen recipe's own settings."""


class Settings:
    """Values as they were typed, by ``"group.field"``, beside the last settings that could work.

    A group is one of `RunConfig`, ``"params"`` for the chosen recipe's own settings, or the name of a diagnostic for
    its options. A value that cannot work stays as it is, with the sentence that says why, and is left out of
    what is used until it can.

    Parameters
    ----------
    entries : mapping of str to object, optional
        Values to begin with.

    Attributes
    ----------
    entries : dict of str to object
        What was typed, where it is not the default.
    faults : dict of str to str
        Sentences of those that cannot work.
    config : RunConfig
        The settings that can.
    """

    def __init__(self, entries: Mapping[str, Any] | None = None) -> None:
        self.entries: dict[str, Any] = {}
        self.faults: dict[str, str] = {}
        self.config = RunConfig()
        for path, value in (entries or {}).items():
            self.put(path, value)

    @classmethod
    def of(cls, config: RunConfig, options: Mapping[str, Mapping[str, Any]] | None = None) -> "Settings":
        """Return what would have to be set to arrive at some settings.

        Parameters
        ----------
        config : RunConfig
            The settings.
        options : mapping of str to mapping, optional
            Options of diagnostics, by name.

        Returns
        -------
        Settings
            With an entry for everything that is not its default.
        """
        found = cls()
        for name, group in hints(RunConfig).items():
            given, default = getattr(config, name).as_dict(), group().as_dict()
            for field, value in given.items():
                if value != default[field] and field != PARAMS:
                    found.put(f"{name}.{field}", value)
        for field, value in config.refine.params.items():
            found.put(f"{PARAMS}.{field}", value)
        for name, given in (options or {}).items():
            for field, value in given.items():
                found.put(f"{name}.{field}", value)
        return found

    def group(self, name: str) -> type[Config]:
        """Return the dataclass behind the first part of a path.

        Parameters
        ----------
        name : str
            A group.

        Returns
        -------
        type
            The dataclass.

        Raises
        ------
        InputError
            If there is none of that name.
        """
        if name == PARAMS:
            return recipe(self.config.refine.recipe).params
        groups = hints(RunConfig)
        known = [*groups, PARAMS, *diagnostics.names()]
        must(name in known, "a group of settings must have a known name", repr(name), nearest(name, known))
        return groups.get(name) or diagnostics.get(name).options

    def field(self, path: str) -> tuple[dataclasses.Field, Any]:
        """Return the field behind a path, with its type.

        Parameters
        ----------
        path : str
            ``"group.field"``.

        Returns
        -------
        tuple of dataclasses.Field and type
            The field.

        Raises
        ------
        InputError
            If there is none.
        """
        group, _, name = path.partition(".")
        found = {field.name: (field, kind) for field, kind in knobs(self.group(group))}
        must(name in found, f"a setting of {group} must have a known name", repr(name), nearest(name, found))
        return found[name]

    def default(self, path: str) -> Any:
        """Return what holds where nothing is set.

        Parameters
        ----------
        path : str
            ``"group.field"``.

        Returns
        -------
        object
            The default.
        """
        field, _ = self.field(path)
        return field.default_factory() if field.default is dataclasses.MISSING else field.default

    def value(self, path: str) -> Any:
        """Return what was typed, or the default.

        Parameters
        ----------
        path : str
            ``"group.field"``.

        Returns
        -------
        object
            The value, perhaps one that cannot work.
        """
        return self.entries[path] if path in self.entries else self.default(path)

    def reads(self, path: str) -> bool:
        """Return whether a setting matters as the others stand.

        Parameters
        ----------
        path : str
            ``"group.field"``.

        Returns
        -------
        bool
            False for one that the chosen kind does not look at.
        """
        group, _, name = path.partition(".")
        return self.group(group).would_read(name, self._given(group))

    def put(self, path: str, value: Any) -> None:
        """Set a value, or note why it cannot work; what could not work before is tried again.

        Parameters
        ----------
        path : str
            ``"group.field"``.
        value : object
            The value.

        Raises
        ------
        InputError
            If there is no such setting.
        """
        self.field(path)
        self.entries.pop(path, None)
        if value != self.default(path):
            self.entries[path] = value
        group = path.partition(".")[0]
        waiting = [other for other in self.faults if other.startswith(f"{group}.") and other != path]
        self.faults = {other: why for other, why in self.faults.items() if other not in (path, *waiting)}
        for tried in (path, *waiting):
            self._try(group, tried, [other for other in waiting if other != tried])
        if path == "refine.recipe":
            self._drop_params()

    def clear(self, path: str) -> None:
        """Set a value back to its default.

        Parameters
        ----------
        path : str
            ``"group.field"``.
        """
        self.put(path, self.default(path))

    def options(self, name: str) -> dict[str, Any]:
        """Return the options of a diagnostic that were set and can work.

        Parameters
        ----------
        name : str
            The diagnostic.

        Returns
        -------
        dict of str to object
            By field.
        """
        return self._usable(name)

    def _try(self, group: str, path: str, without: list[str]) -> None:
        """Use the settings of a group, but for some, or note what is wrong with one of them."""
        made = self.group(group).parse
        try:
            used = made(self._usable(group, without))
        except InputError as problem:
            self.faults = {**self.faults, path: str(problem)}
            try:
                used = made(self._usable(group, without))
            except InputError:  # a default that does not go with the others: what could work before stays
                return
        if group == PARAMS:
            self.config = RunConfig.gather(self.config, refine={PARAMS: self._usable(PARAMS)})
        elif group == "refine":
            self.config = dataclasses.replace(self.config, refine=used.replace(params=self.config.refine.params))
        elif group in hints(RunConfig):
            self.config = dataclasses.replace(self.config, **{group: used})

    def _given(self, group: str) -> dict[str, Any]:
        """Return what was typed in a group, by field."""
        start = f"{group}."
        return {path.removeprefix(start): value for path, value in self.entries.items() if path.startswith(start)}

    def _usable(self, group: str, without: list[str] | None = None) -> dict[str, Any]:
        """Return what was typed in a group, can work and is read, by field."""
        left_out = (*self.faults, *(without or ()))
        given = {name: value for name, value in self._given(group).items() if f"{group}.{name}" not in left_out}
        kind = self.group(group)
        return {name: value for name, value in given.items() if kind.would_read(name, given)}

    def _drop_params(self) -> None:
        """Forget the settings of another recipe."""
        known = {f"{PARAMS}.{field.name}" for field, _ in knobs(self.group(PARAMS))}
        gone = {path for path in self.entries if path.startswith(f"{PARAMS}.")} - known
        self.entries = {path: value for path, value in self.entries.items() if path not in gone}
        self.faults = {path: why for path, why in self.faults.items() if path not in gone}
        self.config = RunConfig.gather(self.config, refine={PARAMS: self._usable(PARAMS)})
