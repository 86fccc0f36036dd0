"""What can be opened in a folder, and nothing outside of it: a root, and the entries of its folders."""

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ..errors import must
from ..opening import MAPS, SESSIONS, TABLES, session_in

UNITS = ("bytes", "kB", "MB", "GB", "TB")
FIRST_HALF = re.compile(r"(half[_-]?)(1|a)(?![0-9a-z])", re.IGNORECASE)
OTHER = {"1": "2", "a": "b", "A": "B"}


@dataclasses.dataclass(frozen=True)
class Entry:
    """Something that can be opened.

    Attributes
    ----------
    name : str
        Its name in its folder; of two half maps that of the first.
    kind : str
        ``"folder"``, ``"session"``, ``"results"``, ``"particles"``, ``"half maps"`` or ``"map"``.
    paths : tuple of Path
        The file or folder; of half maps both files.
    size : int
        Length of the files [byte]; -1 for a folder.
    """

    name: str
    kind: str
    paths: tuple[Path, ...]
    size: int = -1

    @property
    def words(self) -> str:
        """What it is and how large, for example ``"half maps, 2.1 MB"``."""
        return self.kind if self.size < 0 else f"{self.kind}, {in_words(self.size)}"


class Folder:
    """A folder under which files are looked for and written.

    Parameters
    ----------
    root : str or path, optional
        The folder; by default the working directory.

    Attributes
    ----------
    root : Path
        Its own place, without links.

    Raises
    ------
    InputError
        If there is no such folder.
    """

    def __init__(self, root: str | os.PathLike | None = None) -> None:
        given = Path("." if root is None else root).expanduser()
        must(given.is_dir(), "root must be a folder", given, "Name one that is there")
        self.root = given.resolve()

    def entries(self, inside: str = "", containing: str = "") -> list[Entry]:
        """Return what can be opened in one of the folders.

        Parameters
        ----------
        inside : str, optional
            The folder, as a path from the root.
        containing : str, optional
            Only names that contain this, in either case.

        Returns
        -------
        list of Entry
            Folders first, each kind in the order of its names; two half maps of one run stand before their files.

        Raises
        ------
        InputError
            If there is no such folder under the root, or it cannot be read.
        """
        folder = self.path(inside)
        must(folder.is_dir(), "a folder must be there to be looked into", inside or ".", "Go up, and look again")
        word = containing.strip().casefold()
        found = [entry for place in _named(folder, word) if (entry := self._entry(place)) is not None]
        found = [entry for entry in (*found, *_pairs(found)) if word in entry.name.casefold()]
        return sorted(found, key=lambda entry: (entry.kind != "folder", entry.name.casefold(), -len(entry.paths)))

    def path(self, name: str | os.PathLike) -> Path:
        """Return the place of a name, if it is under the root.

        Parameters
        ----------
        name : str or path
            A path from the root, or a whole one.

        Returns
        -------
        Path
            The place, without links.

        Raises
        ------
        InputError
            If it leads out of the root.
        """
        place = (self.root / name).resolve()
        must(self._holds(place), f"a path must lie under {self.root}", os.fspath(name), "Choose one that does")
        return place

    def target(self, name: str, suffixes: tuple[str, ...]) -> Path:
        """Return where something is to be written.

        Parameters
        ----------
        name : str
            A path from the root; without a suffix, the first that is allowed is added.
        suffixes : tuple of str
            Those allowed; empty for a folder.

        Returns
        -------
        Path
            The place; the folder that it is in exists.

        Raises
        ------
        InputError
            If the name is empty, leads out of the root, or has another suffix.
        """
        name = name.strip()
        must(bool(name), "a file must have a name", repr(name), "Type one")
        place = self.path(name)
        if suffixes and not place.suffix:
            place = self.path(place.with_name(place.name + suffixes[0]))
        fits = not suffixes or place.suffix.lower() in suffixes
        must(fits, f"the name must end in {' or '.join(suffixes)}", place.name, "Change its ending")
        must(place != self.root, "a name must differ from the folder itself", name, "Type another")
        must(place.parent.is_dir(), "the folder must be there", self.shown(place.parent), "Make it first")
        return place

    def shown(self, path: Path) -> str:
        """Return a path as people read it, from the root.

        Parameters
        ----------
        path : Path
            A place under the root.

        Returns
        -------
        str
            The path from the root; the name of the root for itself.
        """
        return self.root.name or "/" if path == self.root else path.relative_to(self.root).as_posix()

    def _entry(self, place: os.DirEntry) -> Entry | None:
        """Return what a place can be opened as; None for anything else, what leads out, and what cannot be read."""
        path = Path(place.path)
        try:
            if place.is_symlink() and not self._holds(path.resolve()):
                return None
            return _folder(path) if place.is_dir() else _file(path)
        except (OSError, RuntimeError):
            return None

    def _holds(self, place: Path) -> bool:
        return place == self.root or self.root in place.parents


def _named(folder: Path, word: str) -> list[os.DirEntry]:
    """Return what is in a folder, is not hidden, and has a word in its name or in that of its first half."""
    try:
        with os.scandir(folder) as places:
            found = {place.name: place for place in places if not place.name.startswith(".")}
    except PermissionError:
        return []
    named = [name for name in found if word in name.casefold()]
    return [found[name] for name in dict.fromkeys((*named, *map(_second, named))) if name in found]


def _folder(path: Path) -> Entry:
    if path.name.lower().endswith(SESSIONS):
        return Entry(path.name, "session", (path,))
    try:
        return Entry(path.name, "results" if session_in(path) else "folder", (path,))
    except PermissionError:
        return Entry(path.name, "folder", (path,))


def _file(path: Path) -> Entry | None:
    endings = {"particles": TABLES, "session": SESSIONS, "map": MAPS}
    kinds = [kind for kind, suffixes in endings.items() if path.name.lower().endswith(suffixes)]
    return Entry(path.name, kinds[0], (path,), path.stat().st_size) if kinds and path.is_file() else None


def _pairs(found: list[Entry]) -> Iterator[Entry]:
    """Yield both half maps of a run as one entry, where both are there."""
    maps = {entry.name: entry for entry in found if entry.kind == "map"}
    for name, first in maps.items():
        second = maps.get(_second(name))
        if FIRST_HALF.search(name) and second is not None:
            yield Entry(name, "half maps", (*first.paths, *second.paths), first.size + second.size)


def _second(name: str) -> str:
    """Return what the second half map is called, of a first one; other names stay."""
    return FIRST_HALF.sub(lambda match: match[1] + OTHER[match[2]], name, count=1)


def in_words(size: int) -> str:
    """Return a length for people.

    Parameters
    ----------
    size : int
        Length [byte].

    Returns
    -------
    str
        With a unit.

    Examples
    --------
    >>> in_words(512), in_words(2_100_000)
    ('512 bytes', '2.1 MB')
    """
    value, unit = float(size), UNITS[0]
    for larger in UNITS[1:]:
        if value < 1000.0:
            break
        value, unit = value / 1000.0, larger
    return f"{value:.0f} {unit}" if unit == UNITS[0] or value >= 100.0 else f"{value:.1f} {unit}"
