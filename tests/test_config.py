"""Settings: checked when made, merged field by field, and digested without those that only change the speed."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from cryonb import config
from cryonb.config import BoxConfig, ComputeConfig, ImagingConfig, MaskConfig, RunConfig
from cryonb.errors import InputError

GROUPS = list(config.hints(RunConfig).values())

SENTENCES = [
    (lambda: BoxConfig(box_size=3), "box_size must be at least 8 [voxel], or 0 for the particle box; got 3."),
    (lambda: BoxConfig(box_size=-8), "box_size must be at least 8 [voxel], or 0 for the particle box; got -8."),
    (lambda: BoxConfig(box_size=64.5), "box_size must be a whole number; got 64.5."),
    (lambda: BoxConfig(box_size=True), "box_size must be a whole number; got True."),
    (lambda: BoxConfig(binning=0.5), "binning must be at least 1 [factor]; got 0.5. Use 1 or more."),
    (lambda: BoxConfig(binning=float("nan")), "binning must be a number; got nan."),
    (lambda: BoxConfig(binning=None), "binning must be a number; got None."),
    (lambda: BoxConfig(pad_factor=0.5), "pad_factor must be at least 1; got 0.5. Use 1 or more."),
    (lambda: BoxConfig(pad_factor="two"), "pad_factor must be a number; got 'two'."),
    (lambda: BoxConfig(pad_factor=2.5), "pad_factor must be one of its choices; got 2.5. Valid: 1.0, 1.5, 2.0, 3.0."),
    (lambda: BoxConfig(kernel="trilinaer"), "Did you mean 'trilinear'?"),
    (lambda: BoxConfig(gridding_correction="yes"), "gridding_correction must be true or false; got 'yes'."),
    (lambda: BoxConfig(limit=1), "limit must be a word; got 1."),
    (lambda: BoxConfig.parse({"bx_size": 64}), "Did you mean 'box_size'?"),
    (lambda: BoxConfig.parse(MaskConfig()), "settings of BoxConfig must be a mapping of its fields, or a BoxConfig;"),
    (lambda: MaskConfig(kind="file"), "mask path must be set where mask kind is file; got no path."),
    (lambda: MaskConfig(near=20.0), "far must be greater than near [angstrom]; got 14."),
    (lambda: MaskConfig(threshold=1.5), "threshold must be at most 1 [fraction]; got 1.5. Use 1 or less."),
    (lambda: ImagingConfig(window=(1.0, 0.8)), "window must have its inner radius below its outer one"),
    (lambda: ImagingConfig(window="0.8"), "window must be two numbers; got '0.8'."),
    (lambda: ImagingConfig(window=(0.8,)), "window must be two numbers; got (0.8,)."),
    (lambda: ImagingConfig(window=(0.8, "x")), "window must be a number; got 'x'."),
    (lambda: ComputeConfig(threads=-1), "threads must be at least 0; got -1."),
    (
        lambda: ComputeConfig(backend="nunba"),
        "backend must be one of its choices; got 'nunba'. Did you mean 'numba'? Valid: auto, ",
    ),
    (
        lambda: config.RefineConfig(recipe="refine3"),
        "recipe must be one of its choices; got 'refine3'. Did you mean 'refine3d'? Valid: class3d, ",
    ),
    (lambda: ComputeConfig(fallback="maybe"), "fallback must be true or false; got 'maybe'."),
    (lambda: RunConfig.gather(bax={}), "a group of settings must have a known name; got 'bax'. Did you mean 'box'?"),
    (
        lambda: RunConfig.gather(box=3),
        "settings of BoxConfig must be a mapping of its fields, or a BoxConfig; got int.",
    ),
    (lambda: RunConfig.gather("run.json"), "settings of RunConfig must be a mapping of its fields, or a RunConfig;"),
]


@pytest.mark.parametrize(("call", "expected"), SENTENCES, ids=[expected[:40] for _, expected in SENTENCES])
def test_bad_settings_are_explained(call, expected):
    with pytest.raises(InputError) as caught:
        call()
    assert expected in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("group", GROUPS)
def test_every_knob_explains_itself(group):
    found = list(config.knobs(group))
    assert [field.name for field, _ in found] == [field.name for field in dataclasses.fields(group)]
    for field, wanted in found:
        assert field.metadata["help"].endswith(".")
        assert field.metadata["unit"]
        assert field.metadata["affects"] in ("result", "speed")
        assert wanted in (int, float, bool, str, dict) or wanted.__origin__ is tuple


@pytest.mark.parametrize("group", GROUPS)
def test_defaults_pass_their_own_checks_and_survive_a_round_trip(group):
    assert group.parse(group().as_dict()) == group()
    assert group.parse(None) == group()


def test_text_and_numpy_numbers_become_plain_numbers():
    box = BoxConfig(box_size="64", pad_factor=np.float32(2), binning=np.int64(2))
    assert (box.box_size, box.pad_factor, box.binning) == (64, 2.0, 2.0)
    assert [type(value) for value in (box.box_size, box.pad_factor, box.binning)] == [int, float, float]
    assert ImagingConfig(window=["0.85", 1]).window == (0.85, 1.0)


def test_a_path_is_taken_as_text():
    assert MaskConfig(kind="file", path=Path("masks") / "m.mrc").path == str(Path("masks") / "m.mrc")


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(dataclasses.FrozenInstanceError):
        BoxConfig().box_size = 64


def test_replace_checks_again():
    assert BoxConfig(box_size=64).replace(pad_factor=1).box_size == 64
    with pytest.raises(InputError, match="box_size"):
        BoxConfig().replace(box_size=4)


@pytest.mark.parametrize(
    ("group", "name", "room", "before"),
    [(config.RefineConfig, "recipe", "refine.recipes", ()), (ComputeConfig, "backend", "backends", ("auto",))],
)
def test_words_for_a_plug_are_the_files_of_its_room(group, name, room, before):
    folder = Path(config.__file__).parent.joinpath(*room.split("."))
    binding = {"backends": "BACKEND = "}.get(room, "RECIPE = ")
    files = [path for path in folder.glob("*.py") if f"\n{binding}" in path.read_text(encoding="utf-8")]
    choices = next(field for field, _ in config.knobs(group) if field.name == name).metadata["choices"]
    assert len(choices) == len(before) + len(files) > 1
    assert tuple(choices[: len(before)]) == before
    assert all(group(**{name: word}).as_dict()[name] == word for word in choices)


def test_a_mask_says_which_settings_it_would_read():
    for kind, read in config.MASK_SETTINGS.items():
        shown = {
            field.name for field, _ in config.knobs(MaskConfig) if MaskConfig.would_read(field.name, {"kind": kind})
        }
        assert shown == {"kind", *read}
    assert MaskConfig.would_read("radius", {"kind": "spere"}) is False
    assert BoxConfig.would_read("binning", {})


def test_gather_merges_field_by_field():
    base = RunConfig.gather({"box": {"box_size": 64, "pad_factor": 1}, "imaging": {"ctf": "none"}})
    merged = RunConfig.gather(base, box={"pad_factor": 3}, mask=None)
    assert (merged.box.box_size, merged.box.pad_factor, merged.imaging.ctf) == (64, 3.0, "none")
    assert RunConfig.gather(base, box=BoxConfig(binning=2)).box == BoxConfig(binning=2)
    assert base.box.pad_factor == 1.0


def test_speed_stays_out_of_the_science_digest():
    plain = RunConfig().science()
    assert (
        RunConfig.gather(compute={"threads": 7, "backend": "numba", "batch_size": 3, "fallback": True}).science()
        == plain
    )
    assert RunConfig.gather(compute={"seed": 1}).science() != plain
    assert RunConfig.gather(box={"pad_factor": 1}).science() != plain


def test_the_digest_covers_every_setting_that_affects_results():
    for name, group in config.hints(RunConfig).items():
        for field, wanted in config.knobs(group):
            if field.metadata["affects"] == "result" and wanted in (int, float, bool):
                kinds = [kind for kind, read in config.MASK_SETTINGS.items() if name == "mask" and field.name in read]
                base = {name: {"kind": kinds[0]}} if kinds else {}
                changed = RunConfig.gather(base, **{name: {field.name: other(field, wanted)}})
                plain = RunConfig.gather(base)
                assert changed.science() != plain.science(), field.name


@pytest.mark.parametrize("kind", config.MASK_SETTINGS)
def test_a_mask_is_given_only_what_its_kind_reads(kind):
    path = {"path": "m.mrc"} if kind == "file" else {}
    for field, wanted in config.knobs(MaskConfig):
        if field.name in ("kind", "path"):
            continue
        settings = {"kind": kind, field.name: other(field, wanted), **path}
        if field.name in config.MASK_SETTINGS[kind]:
            assert MaskConfig.parse(settings).kind == kind
        else:
            with pytest.raises(InputError, match=f"mask {field.name} must go with mask kind .*; got mask kind {kind}"):
                MaskConfig.parse(settings)


def test_a_path_alone_is_a_mask_file_and_a_new_kind_forgets_the_old():
    assert RunConfig.gather(mask={"path": "m.mrc"}).mask == MaskConfig(kind="file", path="m.mrc")
    sphere = RunConfig.gather(mask={"kind": "sphere", "radius": 30, "edge_width": 8})
    assert RunConfig.gather(sphere, mask={"kind": "threshold"}).mask == MaskConfig(kind="threshold", edge_width=8)
    assert RunConfig.gather(sphere, mask={"path": "m.mrc"}).mask == MaskConfig(kind="file", path="m.mrc")
    with pytest.raises(InputError, match="mask path must go with mask kind file; got mask kind none"):
        RunConfig.gather(mask={"kind": "none", "path": "m.mrc"})


def other(field, wanted):
    """Return an allowed value of a knob that is not its default."""
    if wanted is bool:
        return not field.default
    if field.metadata["choices"]:
        return next(choice for choice in field.metadata["choices"] if choice != field.default)
    return (
        field.metadata["maximum"]
        if field.metadata["maximum"] is not None
        else field.default + (9 if wanted is int else 1.0)
    )


def test_settings_of_a_recipe_are_a_mapping_of_words_and_not_shared():
    first, second = config.RefineConfig(), config.RefineConfig(params={"sharpen": "never"})
    assert first.params == {} and second.params == {"sharpen": "never"}
    first.params["sharpen"] = "always"
    assert config.RefineConfig().params == {}
    for wrong in ("sharpen", 3, {1: 2}):
        with pytest.raises(InputError, match="params must be a mapping of names to plain values"):
            config.RefineConfig(params=wrong)
