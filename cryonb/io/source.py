"""Is there a file to read, and where are the files that it points at?"""

import os
from collections.abc import Iterable
from pathlib import Path

from ..errors import FormatError, missing, must

POINTERS = {b"version https://git-lfs": "git lfs pull", b"annex/objects/": "git annex get"}
POINTER_BYTES = 1024


def existing_file(path: str | os.PathLike) -> Path:
    """Return the path of a file that holds data.

    Parameters
    ----------
    path : str or path
        What the caller named.

    Returns
    -------
    pathlib.Path
        The path, with `~` expanded.

    Raises
    ------
    FormatError
        If it is missing, a folder, empty, unreadable, or a text pointer that stands in for the data.
    """
    is_name = isinstance(path, (str, os.PathLike))
    must(is_name, "the name of a file must be given", f"a {type(path).__name__}", "Give text or a path")
    found = Path(path).expanduser()
    must(found.exists(), "the file must exist", missing(found), "Check the name and the folder", FormatError)
    must(not found.is_dir(), "a file must be given", f"the folder {found}", "Name a file inside it", FormatError)
    try:
        with found.open("rb") as stream:
            head = stream.read(POINTER_BYTES)
    except OSError as problem:
        raise FormatError(
            f"the file must be readable; got {problem.strerror} for {found}. Mend its permissions."
        ) from None
    must(len(head) > 0, "the file must hold data", f"the empty file {found}", "Copy or download it again", FormatError)
    for mark, command in POINTERS.items():
        pointer = mark in head and found.stat().st_size <= POINTER_BYTES
        rule = "the file must hold the data themselves"
        must(not pointer, rule, f"a text pointer in {found}", f"Fetch the data with `{command}`", FormatError)
    return found


class Finder:
    """Finds the image files that a table names by relative paths.

    Parameters
    ----------
    table : pathlib.Path
        The table; its folder and that folder's parents are searched.
    root : str or path, optional
        A folder to search first.
    """

    def __init__(self, table: Path, root: str | os.PathLike | None = None) -> None:
        folder = table.resolve().parent
        self.start = folder
        self.roots = [folder, *folder.parents]
        self.bare = []
        if root is not None:
            chosen = Path(root).expanduser().resolve()
            rule = "root must be a folder"
            must(chosen.is_dir(), rule, chosen, "Name the folder that image paths start from", FormatError)
            self.start = chosen
            self.roots.insert(0, chosen)
            self.bare.append(chosen)

    def locate_all(self, names: Iterable[str]) -> list[Path]:
        """Return the files behind names as written in a table.

        Parameters
        ----------
        names : iterable of str
            Relative or absolute paths.

        Returns
        -------
        list of pathlib.Path
            One file a name.

        Raises
        ------
        FormatError
            If any of them is nowhere to be found.
        """
        named = list(names)
        found = [self.locate(name) for name in named]
        missing = [name for name, path in zip(named, found) if path is None]
        if missing:
            raise FormatError(
                f"every image file that a table names must exist; got {len(missing)} of {len(named)} missing, "
                f"the first {missing[0]!r}, looked for from {self.start} upwards. "
                "Name the folder that these paths start from (--root, root=)."
            )
        return found

    def locate(self, name: str) -> Path | None:
        """Return the file behind one name, or None.

        Parameters
        ----------
        name : str
            Relative or absolute path.

        Returns
        -------
        pathlib.Path or None
            The first that exists under the root, the table's folder and its parents; failing that, the bare file name
            under the root, or in the table's folder where the name is an absolute path of another machine.
        """
        bare = [self.start] if Path(name).is_absolute() else self.bare
        candidates = [*(folder / name for folder in self.roots), *(folder / Path(name).name for folder in bare)]
        return next((candidate for candidate in candidates if candidate.is_file()), None)
