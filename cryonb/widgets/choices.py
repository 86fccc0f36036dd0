"""What was chosen of all settings, as traits."""

import dataclasses
from typing import Any

from traitlets import Any as Anything
from traitlets import Dict, HasTraits

from ..config import RunConfig
from .settings import Settings


class Choices(HasTraits):
    """Settings as they were typed, beside those that can work.

    Parameters
    ----------
    config : RunConfig or mapping, optional
        Settings to begin with.
    """

    entries = Dict(help="settings as they were typed")
    faults = Dict(help="sentences of those that cannot work")
    config = Anything(help="the settings that can")

    def __init__(self, config: Any = None) -> None:
        super().__init__()
        self.set_up(Settings.of(RunConfig.gather(config)))

    def value(self, path: str) -> Any:
        """Return a setting as it was typed, or its default.

        Parameters
        ----------
        path : str
            One of `Settings`: ``"group.field"``.

        Returns
        -------
        object
            The value, perhaps one that cannot work.
        """
        return self._settings.value(path)

    def default(self, path: str) -> Any:
        """Return what a setting is where nothing was set.

        Parameters
        ----------
        path : str
            ``"group.field"``.

        Returns
        -------
        object
            The default.
        """
        return self._settings.default(path)

    def field(self, path: str) -> tuple[dataclasses.Field, Any]:
        """Return the dataclass field of a setting.

        Parameters
        ----------
        path : str
            ``"group.field"``.

        Returns
        -------
        tuple of dataclasses.Field and type
            The field and its type.
        """
        return self._settings.field(path)

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
        return self._settings.reads(path)

    def put(self, path: str, value: Any) -> None:
        """Set a setting; one that cannot work gets its sentence in `faults`, and is not used.

        Parameters
        ----------
        path : str
            ``"group.field"``.
        value : object
            The value, as it was typed.

        Raises
        ------
        InputError
            If there is no such setting.
        """
        self._settings.put(path, value)
        self._mirror()

    def clear(self, path: str) -> None:
        """Set a setting back to its default.

        Parameters
        ----------
        path : str
            ``"group.field"``.
        """
        self._settings.clear(path)
        self._mirror()

    def set_up(self, settings: Settings) -> None:
        """Take over a whole set of settings.

        Parameters
        ----------
        settings : Settings
            The settings.
        """
        self._settings = settings
        self._mirror()

    def _mirror(self) -> None:
        with self.hold_trait_notifications():
            self.config = self._settings.config
            self.entries = dict(self._settings.entries)
            self.faults = dict(self._settings.faults)
