"""What stands in a notebook of the course: its prose, its code, its exercises, and the numbers that it quotes."""

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat

NOT_PROSE = (
    r"```.*?```|~~~.*?~~~",  # blocks of code
    r"\$\$.*?\$\$|\$[^$\n]+\$",  # formulas
    r"`[^`\n]*`",  # words of code
    r"\]\([^)]*\)|<https?:[^>]*>|https?://\S+",  # where links lead
    r"\b(?:RELION|cryoSPARC|cisTEM|Python|CUDA|[Vv]ersions?)\s+v?\d+(?:\.\d+)*",  # releases of programs
    r"\b10\.\d{4,}/\S+",  # DOIs
)
QUOTED = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s?%|(?<![\w.])(\d+\.\d+)(?![\w.]*\d)")
THRESHOLD = 0.143
MAGIC = re.compile(r"^\s*[%!].*$", flags=re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """One notebook as its author wrote it."""

    path: Path

    @cached_property
    def cells(self):
        """Return all cells."""
        return nbformat.read(self.path, as_version=4).cells

    @property
    def name(self):
        return self.path.stem

    @property
    def code(self):
        return [cell for cell in self.cells if cell.cell_type == "code"]

    @property
    def solutions(self):
        return [cell for cell in self.code if "solution" in tags(cell)]

    @property
    def prose(self):
        """Return the text of all markdown cells."""
        return "\n\n".join(cell.source for cell in self.cells if cell.cell_type == "markdown")

    @property
    def before_code(self):
        """Return the text that stands before the first cell of code."""
        first = next(index for index, cell in enumerate(self.cells) if cell.cell_type == "code")
        return "\n\n".join(cell.source for cell in self.cells[:first])

    @property
    def pictures(self):
        """Return words and target of every picture."""
        return [(words, target) for words, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", self.prose)]

    @property
    def exercises(self):
        """Return title, text and following cells of every exercise, up to the next heading."""
        found, current = [], None
        for cell in self.cells:
            if cell.cell_type == "markdown" and re.search(r"^#{1,3} ", cell.source, flags=re.MULTILINE):
                current = None
            title = re.search(r"^### Exercise .*$", cell.source, flags=re.MULTILINE)
            if cell.cell_type == "markdown" and title:
                current = (title.group(), cell.source, [])
                found.append(current)
            elif current:
                current[2].append(cell)
        return found


def tags(cell):
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def plain_words(markdown):
    """Return prose without code, formulas and where links lead."""
    for pattern in NOT_PROSE:
        markdown = re.sub(pattern, " ", markdown, flags=re.DOTALL)
    return markdown


def quoted(markdown):
    """Return the decimal numbers and percentages of prose, as they are written there."""
    return [match.group().strip() for match in QUOTED.finditer(plain_words(markdown))]


def values_of(number):
    """Return what may stand in code for a number of the prose: 25 % is 25 or 0.25."""
    if not number.endswith("%"):
        return {float(number)}
    percent = float(number.rstrip("% \u00a0\u202f"))
    return {percent, percent / 100}


def proven(page):
    """Return the numbers that a notebook asserts, and those that its configuration sets."""
    asserts = [node for cell in page.code for node in ast.walk(tree_of(cell)) if isinstance(node, ast.Assert)]
    return set().union(*map(numbers_in, (tree_of(page.code[0]), *asserts)))


def numbers_in(tree):
    """Return the value of every number in a syntax tree."""
    values = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {float(value) for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)}


def unproven(page):
    """Return the numbers of the prose that are neither asserted nor set; a threshold is known by its number."""
    near = {round(value, 9) for value in proven(page) | {THRESHOLD}}
    return [number for number in quoted(page.prose) if not {round(value, 9) for value in values_of(number)} & near]


def tree_of(cell):
    """Return the syntax tree of a cell of code; an empty one for cells of magic words."""
    return ast.parse("" if cell.source.lstrip().startswith("%%") else MAGIC.sub("", cell.source))


def constants_of(cell):
    """Return the names in capitals that a cell binds to plain values; what is computed is a result."""
    bound = [name for node in tree_of(cell).body if _is_plain(node) for name in _targets(node)]
    return [name for name in bound if name.isupper()]


def _is_plain(node):
    calls = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
    return all(isinstance(call.func, ast.Name) and call.func.id in ("dict", "list", "tuple", "set") for call in calls)


def _targets(node):
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]


def asserts_of(cell):
    """Return whether something is asserted in a cell."""
    return any(isinstance(node, ast.Assert) for node in ast.walk(tree_of(cell)))


def imported(page):
    """Return the names of the modules that a notebook imports."""
    found = set()
    for cell in page.code:
        for node in ast.walk(tree_of(cell)):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found
