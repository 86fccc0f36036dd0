"""Everything public is documented in numpydoc's form, and every example in the documentation is true."""

import dataclasses
import doctest
import functools
import importlib
import inspect
import pkgutil
from typing import Protocol

import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

import cryonb

# numpydoc checks that are not asked for, with the reason.
NOT_ASKED = {
    "GL01": "the summary starts on the line of the quotes",
    "ES01": "one sentence is enough where it says everything",
    "SA01": "no See Also sections",
    "EX01": "examples where they teach something",
    "GL08": "checked below, for what the package defines itself",
    "PR08": "a description may open with a dtype or a symbol",
    "RT04": "a description may open with a dtype or a symbol",
}
MODULES = ["cryonb", *sorted(module.name for module in pkgutil.walk_packages(cryonb.__path__, "cryonb."))]
MODULES.remove("cryonb.__main__")
WITHOUT_HARDWARE = ("cupy_gpu",)


def public_objects():
    """Yield the dotted name of every public function, class and method that the package defines."""
    for name in MODULES:
        if name.endswith(WITHOUT_HARDWARE) or name == "cryonb":
            continue
        for label, thing in vars(importlib.import_module(name)).items():
            if label.startswith("_") or getattr(thing, "__module__", None) != name:
                continue
            if inspect.isfunction(thing):
                yield f"{name}.{label}"
            elif inspect.isclass(thing):
                yield f"{name}.{label}"
                yield from (
                    f"{name}.{label}.{method}"
                    for method, function in vars(thing).items()
                    if not method.startswith("_") and is_ours(getattr(function, "__func__", function))
                )


def is_ours(function):
    """Return whether something is a function that the package wrote: other libraries may put theirs into a class."""
    return inspect.isfunction(function) and function.__code__.co_filename.startswith(cryonb.__path__[0])


def is_made_by_another_library(thing):
    """Return whether a class is made by an ``__init__`` that it inherits from another library."""
    return inspect.isclass(thing) and not getattr(thing.__init__, "__module__", "").startswith("cryonb")


PUBLIC = sorted(public_objects())


def thing(name):
    """Return the object of a dotted name."""
    parts = name.split(".")
    depth = max(n for n in range(len(parts) + 1) if ".".join(parts[:n]) in MODULES)
    return functools.reduce(getattr, parts[depth:], importlib.import_module(".".join(parts[:depth])))


@pytest.mark.parametrize("name", PUBLIC)
def test_public_objects_are_documented(name):
    report = validate(name)
    assert report["docstring"], f"{name} has no docstring"
    found = dict(report["errors"])
    if is_made_by_another_library(thing(name)):
        found.pop("PR01", None)
    if dataclasses.is_dataclass(thing(name)) or Protocol in getattr(thing(name), "__bases__", ()):
        found.pop("PR01", None)  # fields are documented as Attributes: the next test
    if name.split(".")[-1].startswith("make_"):
        found = {
            code: text for code, text in found.items() if not code.startswith(("PR", "RT"))
        }  # kernel makers: below
    assert not {code: text for code, text in found.items() if code not in NOT_ASKED}


@pytest.mark.parametrize("name", [name for name in PUBLIC if dataclasses.is_dataclass(thing(name))])
def test_fields_are_documented(name):
    fields = {field.name for field in dataclasses.fields(thing(name)) if not field.metadata and field.name[0] != "_"}
    doc = NumpyDocString(inspect.getdoc(thing(name)))
    listed = {
        part for section in ("Attributes", "Parameters") for entry in doc[section] for part in entry.name.split(", ")
    }
    assert fields <= listed or name == "cryonb.config.RunConfig"


@pytest.mark.parametrize("name", [name for name in PUBLIC if name.startswith("cryonb.kernels.") and ".make_" in name])
def test_kernel_makers_say_what_they_touch(name):
    text = inspect.getdoc(thing(name))
    assert all(word in text for word in ("Item", "Reads", "Writes", "Races", "Cost", "Source"))


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith(WITHOUT_HARDWARE)])
def test_modules_open_with_a_sentence(name):
    module = importlib.import_module(name)
    assert module.__doc__
    assert module.__doc__.split("\n\n")[0].rstrip().endswith((".", ":", "?"))


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith(WITHOUT_HARDWARE)])
def test_examples_are_true(name):
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert failed == 0
