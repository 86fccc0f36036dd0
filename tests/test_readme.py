"""The README says what is true: its commands parse, its Python names exist, and its tests are those that CI runs."""

import re
import shlex
from pathlib import Path

import pytest

import cryonb as cn
from cryonb import cli, diagnostics
from cryonb.cli import command_compare, command_diagnose, command_reconstruct, command_simulate

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [
    line for kind, block in BLOCKS if kind == "bash" for line in block.splitlines() if line.startswith("cryonb ")
]


def parser_of(words):
    if words[0] == "diagnose":
        known = {name: diagnostics.get(name) for name in diagnostics.names()}
        return command_diagnose.parser(next(known[word] for word in words if word in known), known)
    makers = {"reconstruct": command_reconstruct, "simulate": command_simulate, "compare": command_compare}
    return makers[words[0]].parser() if words[0] in makers else None


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_parse(line):
    words = shlex.split(line)[1:]
    assert words[0] in cli.COMMANDS
    parser = parser_of(words)
    assert parser is None or parser.read(words[1:])


def test_python_names_exist():
    code = "\n".join(block for kind, block in BLOCKS if kind == "python")
    compile(code, "README.md", "exec")
    names = set(re.findall(r"\bcn\.(\w+)", TEXT))
    assert names
    assert names <= set(cn.__all__)


def test_diagnostics_are_listed():
    assert all(f"`{name}`" in TEXT for name in diagnostics.names())


def test_ci_runs_the_command_of_the_readme():
    marked = [block for kind, block in re.findall(r"<!-- tests -->\n```(\w+)\n(.*?)```", TEXT, flags=re.DOTALL)]
    assert len(marked) == 1
    assert "pytest" in marked[0]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "<!-- tests -->" in script
    assert "pytest" not in script


def test_files_that_are_linked_exist():
    links = [target for target in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in target]
    assert links
    assert all((ROOT / target).exists() for target in links)
