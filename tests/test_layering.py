"""The house stands: imports go down, each room keeps its words, and nothing grows too long."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "cryonb"
FILES = sorted(path for path in PACKAGE.rglob("*.py"))
IDS = [str(path.relative_to(PACKAGE)) for path in FILES]
PAGE = sorted(path for ending in ("js", "css") for path in PACKAGE.rglob(f"*.{ending}"))

WORDS = {"units", "errors"}
AGREEMENTS = {"contracts", "knobs", "config", "schema", "curve_verdict"}
BELOW_FACES = (
    WORDS
    | AGREEMENTS
    | {
        "provenance",
        "plots",
        "imaging",
        "io",
        "phantoms",
        "simulate",
        "filtered_maps",
        "refine",
        "refine.loop",
        "refine.rejoin",
        "diagnostics",
        "backends",
        "engines",
    }
)

REFINEMENTS = {"refine.iterate", "refine.checkpoints", "refine.search_plan", "refine.recipes"}

# What each room may import of cryonb. A name such as "backends" means its door (the folder's __init__) only;
# "imaging.*" means any file of the folder. A room may always import itself.
MAY_IMPORT = {
    "units": set(),
    "errors": set(),
    "kernels": set(),
    "contracts": WORDS,
    "knobs": WORDS,
    "config": WORDS | {"knobs"},
    "schema": WORDS,
    "curve_verdict": WORDS,
    "backends": {"contracts", "errors"},
    "engines": {"contracts", "errors"},
    "provenance": WORDS | AGREEMENTS,
    "plots": {"schema", "units", "errors", "contracts", "curve_verdict"},
    "imaging": {"backends", "kernels.*", "units", "errors"},
    "io": {"schema", "provenance", "errors", "units", "contracts"},
    "phantoms": {"imaging.*", "schema", "provenance", "knobs", "errors", "units"},
    "filtered_maps": {"imaging.*", "schema", "provenance", "knobs", "errors", "phantoms"},
    "simulate": {"imaging.*", "schema", "provenance", "knobs", "config", "backends", "errors", "units", "phantoms"},
    "refine": WORDS | AGREEMENTS | {"provenance", "backends", "engines", "imaging.*"},
    "diagnostics": WORDS
    | AGREEMENTS
    | {"imaging.*", "simulate"}
    | {"refine.iterate", "refine.operator", "refine.rejoin", "refine.stand_in", "refine.substitution"},
    "diagnostics.__init__": WORDS
    | AGREEMENTS
    | {"imaging.*", "simulate", "refine.loop", "backends", "engines", "provenance"},
    "compare": BELOW_FACES,
    "history": {"schema", "provenance", "errors"},
    "record": BELOW_FACES,
    "folding": set(),
    "mask_files": {"imaging.*", "io", "errors"},
    "maps": {"imaging.*", "schema", "provenance", "errors"},
    "opening": {"io", "schema", "errors"},
    "verbs": BELOW_FACES | {"imaging.*", "mask_files", "opening"},
    "refinements": BELOW_FACES | REFINEMENTS | {"mask_files", "opening", "verbs", "history"},
    "decisions": BELOW_FACES | {"opening", "verbs", "refinements", "compare"},
    "accessor": BELOW_FACES | {"verbs"},
    "demo": BELOW_FACES | {"verbs", "compare", "imaging.*"},
    "cli": BELOW_FACES | {"opening", "verbs", "refinements", "history", "decisions", "compare", "demo", ""},
    "widgets": BELOW_FACES - {"backends", "engines", "imaging"}
    | {"plots.*", "opening", "verbs", "refinements", "history", "compare", "demo", "maps", ""},
    "__main__": {"cli.*"},
    "": BELOW_FACES | {"verbs", "compare", "record", "folding", "accessor", "widgets"},
}
MUST_NOT_IMPORT = {
    "units": {"numpy"},
    "errors": {"numpy"},
    "kernels": {"numba", "cupy", "xarray"},
    "backends": {"xarray"},
    "imaging": {"xarray", "matplotlib"},
    "refine": {"matplotlib", "ipywidgets", "dask", "distributed"},
    "diagnostics": {"matplotlib", "ipywidgets"},
}
ONLY_IN = {
    "cuda": [f"backends/{name}.py" for name in ("cupy_gpu", "gpu_failures", "gpu_feed", "gpu_kernels")],
    "dask": ["engines/dask_cluster.py"],
}
FORBIDDEN_WORDS = (
    "import pickle",
    "pickle.load",
    "pyplot",
    "allow_pickle=True",
    "TODO",
    "FIXME",
    "NotImplementedError",
)
FORBIDDEN_CALLS = ("eval", "exec", "print", "breakpoint")
FORBIDDEN_FILES = ("utils", "helpers", "common", "misc")
FILE_LINES, FUNCTION_LINES, MAKER_LINES, POSITIONAL = 400, 60, 80, 6
LIGHT = (
    "cupy",
    "matplotlib",
    "ipywidgets",
    "nglview",
    "dask",
    "numba",
    "scipy",
    "finufft",
    "gemmi",
    "zarr",
    "pandas.plotting",
)


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts == ("__init__",):
        return ""
    return ".".join(parts) if parts == ("diagnostics", "__init__") else parts[0]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def is_typing_only(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports_of(path: Path):
    """Yield the target of every import of a file, those inside functions too, dotted from the package."""
    tree = tree_of(path)
    guards = [node for node in ast.walk(tree) if isinstance(node, ast.If) and is_typing_only(node)]
    typing_only = {id(inner) for guard in guards for inner in ast.walk(guard)}
    here = ("cryonb", *path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: len(here) - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            for alias in node.names:
                yield f"{module}.{alias.name}" if is_module(f"{module}.{alias.name}") else module


def is_module(dotted: str) -> bool:
    parts = dotted.split(".")
    if parts[0] != "cryonb" or len(parts) == 1:
        return False
    place = PACKAGE.joinpath(*parts[1:])
    return place.with_suffix(".py").exists() or (place / "__init__.py").exists()


def inside(target: str) -> str | None:
    """Return a target of cryonb without the package's name, or None for another library."""
    return target.removeprefix("cryonb").removeprefix(".") if target.split(".")[0] == "cryonb" else None


def allowed(target: str, room: str, granted: set[str]) -> bool:
    top = target.split(".")[0]
    return target in granted or f"{top}.*" in granted or top == room.split(".")[0]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_imports_only_go_down(path):
    room = room_of(path)
    assert room in MAY_IMPORT, f"{room} is not in the table of rooms"
    targets = [inside(target) for target in imports_of(path)]
    wrong = [target for target in targets if target is not None and not allowed(target, room, MAY_IMPORT[room])]
    assert not wrong, f"{room} must not import {wrong}"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_rooms_stay_away_from_foreign_libraries(path):
    forbidden = MUST_NOT_IMPORT.get(room_of(path).split(".")[0], set())
    found = {target.split(".")[0] for target in imports_of(path)} & forbidden
    assert not found, f"{room_of(path)} must not import {found}"


def test_the_table_catches_an_import_that_goes_up(tmp_path, monkeypatch):
    (tmp_path / "imaging").mkdir()
    (tmp_path / "refine").mkdir()
    (tmp_path / "refine" / "__init__.py").touch()
    (tmp_path / "refine" / "loop.py").touch()
    bad = tmp_path / "imaging" / "bad.py"
    bad.write_text("def f():\n    from ..refine import loop\n    import xarray\n")
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    with pytest.raises(AssertionError, match="refine.loop"):
        test_imports_only_go_down(bad)
    with pytest.raises(AssertionError, match="xarray"):
        test_rooms_stay_away_from_foreign_libraries(bad)


def graph() -> dict[str, set[str]]:
    edges = {}
    for path in FILES:
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        edges[name] = {target for found in imports_of(path) if (target := inside(found)) is not None and target != name}
    return edges


def test_no_circles():
    edges, done, path = graph(), set(), []

    def visit(name):
        if name in path:
            pytest.fail(f"circle: {' -> '.join([*path[path.index(name) :], name])}")
        if name in done:
            return
        path.append(name)
        for target in sorted(edges.get(name, ())):
            visit(target)
        done.add(path.pop())

    for name in sorted(edges):
        visit(name)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_words_stay_in_their_rooms(path):
    relative, text = str(path.relative_to(PACKAGE)), path.read_text(encoding="utf-8")
    for word, homes in ONLY_IN.items():
        assert relative in homes or word not in text.lower(), f"{word!r} belongs in {homes}"
    for word in FORBIDDEN_WORDS:
        assert word not in text, f"{word!r} is forbidden"
    assert path.stem not in FORBIDDEN_FILES


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_forbidden_calls(path):
    calls = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    found = {node.func.id for node in calls} & set(FORBIDDEN_CALLS)
    assert not found, f"{found} in {path.name}"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_lengths(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            longest = MAKER_LINES if node.name.startswith("make_") else FUNCTION_LINES
            assert code_lines(node) <= longest, f"{node.name} has {code_lines(node)} lines"


@pytest.mark.parametrize("path", PAGE, ids=lambda path: path.name)
def test_lengths_of_scripts_and_style_sheets(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES


def code_lines(node: ast.FunctionDef) -> int:
    """Return the lines of a function without its docstring."""
    docstring = node.body[0] if ast.get_docstring(node) is not None else None
    taken = docstring.end_lineno - docstring.lineno + 1 if docstring is not None else 0
    return node.end_lineno - node.lineno + 1 - taken


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name != "kernels"], ids=str)
def test_positional_arguments(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef):
            names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
            count = len([name for name in names if name not in ("self", "cls")])
            assert count <= POSITIONAL, f"{node.name} takes {count} positional arguments"


def test_functions_are_short_on_the_whole():
    lengths = sorted(
        code_lines(node) for path in FILES for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef)
    )
    assert lengths[len(lengths) // 2] <= 12


def test_import_is_light():
    code = (
        "import sys, time, numpy, xarray\n"
        "before, start = set(sys.modules), time.perf_counter()\n"
        "import cryonb\n"
        "seconds = time.perf_counter() - start\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(seconds, *new)"
    )
    command = [sys.executable, "-c", code]
    best = min(
        (subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(3)),
        key=lambda words: float(words[0]),
    )
    assert not set(best[1:]) & set(LIGHT)
    assert float(best[0]) < 0.3


def test_every_name_of_the_front_door_opens():
    import cryonb

    for name in cryonb.__all__:
        assert getattr(cryonb, name) is not None
        assert name in dir(cryonb)
    with pytest.raises(AttributeError, match="no attribute 'reconstrukt'"):
        _ = cryonb.reconstrukt


def test_verbs_keep_their_names_when_files_of_the_same_name_load():
    import importlib

    import cryonb

    importlib.import_module("cryonb.simulate")
    importlib.import_module("cryonb.compare")
    assert callable(cryonb.simulate)
    assert callable(cryonb.compare)
