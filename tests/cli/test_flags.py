"""Flags are the fields: names, units and defaults come from the dataclasses."""

import dataclasses

import pytest

from cryonb.cli.flags import Parser, add_flags, given
from cryonb.config import RunConfig
from cryonb.errors import InputError
from cryonb.knobs import Config, hints, knob, knobs


@dataclasses.dataclass(frozen=True)
class Options(Config):
    """Settings of a thing."""

    n_draws: int = knob(8, help="How often 100 % is drawn.", unit="draw", minimum=1)
    fast: bool = knob(False, help="Be quick.")


def made(group=Options, prefix=""):
    parser = Parser(prog="cryonb thing")
    parser.add_argument("input")
    add_flags(parser, group, "options", prefix)
    return parser


def read(*words, group=Options, prefix=""):
    return given(made(group, prefix).read(words), group, prefix)


def test_only_what_was_given_is_returned():
    assert read("in.star") == {}
    assert read("in.star", "--n-draws", "4", "--fast") == {"n_draws": "4", "fast": True}


@pytest.mark.parametrize("words", [("--box.box-size", "64"), ("--box.box_size=64",)])
def test_underscores_and_dashes_are_the_same(words):
    assert read("x", *words, group=hints(RunConfig)["box"], prefix="box") == {"box_size": "64"}


def test_switches_turn_off_and_pairs_take_two():
    groups = hints(RunConfig)
    assert read("x", "--no-box.gridding-correction", group=groups["box"], prefix="box") == {
        "gridding_correction": False
    }
    pair = read("x", "--imaging.window", "0.85", "1.0", group=groups["imaging"], prefix="imaging")
    assert groups["imaging"].parse(pair).window == (0.85, 1.0)


@pytest.mark.parametrize("name", hints(RunConfig))
def test_every_field_is_a_flag_explained_with_unit_and_default(name):
    group = hints(RunConfig)[name]
    text = " ".join(made(group, name).format_help().split())
    shown = [field for field, wanted in knobs(group) if wanted is not dict]
    for field in shown:
        assert f"--{name}.{field.name.replace('_', '-')}" in text
        assert " ".join(field.metadata["help"].split()) in text
        if field.metadata["unit"] != "1":
            assert f"[{field.metadata['unit']}]" in text
    assert text.count("(default: ") == len(shown)


def test_only_what_a_command_reads_is_a_flag():
    parser = Parser(prog="cryonb thing")
    add_flags(parser, hints(RunConfig)["refine"], "options", "refine", ("max_resolution",))
    assert given(parser.read(["--refine.max-resolution", "9"]), hints(RunConfig)["refine"], "refine")
    with pytest.raises(InputError, match="got --refine.recipe"):
        parser.read(["--refine.recipe", "homogeneous"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ("x", "--n-drows", "4"),
            "an option of cryonb thing must have a known name; got --n-drows. Did you mean --n-draws?",
        ),
        (("--wild", "x"), "got --wild. Run `cryonb thing --help` for all."),
        (("x", "-q"), "got -q."),
        (("x", "--n-draws"), "expected one argument"),
        ((), "the following arguments are required: input"),
        (("x", "y"), "unrecognized arguments: y"),
    ],
)
def test_a_wrong_command_line_is_explained_in_one_line(words, expected):
    with pytest.raises(InputError) as caught:
        made().read(words)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_negative_number_is_a_value():
    assert read("x", "--n-draws", "-3") == {"n_draws": "-3"}
