"""Names of files and nodes from the labels of runs."""

import re
from collections.abc import Iterable

LONGEST = 80


def safe_name(label: str) -> str:
    """Return a name that every file system takes.

    Parameters
    ----------
    label : str
        Any words.

    Returns
    -------
    str
        Letters, digits and a few signs of the label; never empty, a dot or a folder.

    Examples
    --------
    >>> safe_name('box 64, "soft"/../x'), safe_name("...")
    ('box 64, _soft__.._x', 'run')
    """
    kept = re.sub(r"[^\w ,.+()=\-]", "_", label, flags=re.UNICODE)[:LONGEST].strip(" .")
    return kept or "run"


def safe_names(labels: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Return one name a label, all different also where upper and lower case are not told apart.

    Parameters
    ----------
    labels : iterable of str
        Any words.
    taken : iterable of str, optional
        Names that are in use.

    Returns
    -------
    list of str
        The names.

    Examples
    --------
    >>> safe_names(["a/b", "a:b", "A_b"])
    ['a_b', 'a_b (2)', 'A_b (3)']
    """
    used = {name.casefold() for name in taken}
    found = []
    for label in labels:
        name = stem = safe_name(label)
        number = 1
        while name.casefold() in used:
            number += 1
            name = f"{stem} ({number})"
        used.add(name.casefold())
        found.append(name)
    return found
