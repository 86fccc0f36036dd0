"""What was typed, what of it can work, and what is said of the rest."""

import pytest

from cryonb import diagnostics
from cryonb.config import RunConfig
from cryonb.errors import InputError
from cryonb.widgets.settings import Settings


def test_a_good_value_reaches_the_settings_and_a_default_leaves_no_entry():
    settings = Settings({"box.box_size": 96, "imaging.symmetry": "C4", "box.pad_factor": 2.0})
    assert settings.config == RunConfig.gather(box=dict(box_size=96), imaging=dict(symmetry="C4"))
    assert settings.entries == {"box.box_size": 96, "imaging.symmetry": "C4"}
    settings.clear("box.box_size")
    assert settings.config.box == RunConfig().box and "box.box_size" not in settings.entries


@pytest.mark.parametrize(
    "path, value, words",
    [
        ("box.box_size", 3, "box_size must be at least 8 [voxel]"),
        ("box.pad_factor", 1.7, "pad_factor must be one of its choices"),
        ("box.binning", "two", "binning must be a number"),
        ("compute.threads", -1, "threads must be at least 0"),
        ("imaging.window", (1.0, 0.5), "window must have its inner radius below"),
        ("params.threshold_of_nothing", 1, None),
        ("fsc.class_id", -2, "class_id must be at least"),
    ],
)
def test_a_value_that_cannot_work_stays_beside_its_sentence_and_is_not_used(path, value, words):
    settings = Settings()
    if words is None:
        with pytest.raises(InputError, match="must have a known name"):
            settings.put(path, value)
        return
    settings.put(path, value)
    assert words in settings.faults[path]
    assert settings.value(path) == value
    assert settings.config == RunConfig()
    assert settings.options("fsc") == {}


def test_the_fault_of_one_setting_is_not_laid_on_another_and_goes_when_either_is_mended():
    settings = Settings({"box.pad_factor": 1.0})
    settings.put("box.kernel", "kaiser_bessel")
    assert set(settings.faults) == {"box.kernel"}
    settings.put("box.box_size", 128)
    assert set(settings.faults) == {"box.kernel"}
    assert settings.config.box.box_size == 128 and settings.config.box.kernel == "trilinear"
    settings.put("box.pad_factor", 2.0)
    assert settings.faults == {}
    assert settings.config.box.kernel == "kaiser_bessel"


def test_two_faults_keep_their_own_sentences():
    settings = Settings({"box.box_size": 3, "box.binning": 0.5})
    assert "box_size" in settings.faults["box.box_size"] and "binning" in settings.faults["box.binning"]
    settings.put("box.binning", 2.0)
    assert set(settings.faults) == {"box.box_size"} and settings.config.box.binning == 2.0


def test_a_mask_setting_that_its_kind_does_not_read_waits_until_one_does():
    settings = Settings({"mask.radius": 40.0})
    assert not settings.reads("mask.radius") and settings.faults == {} and settings.config.mask.kind == "none"
    settings.put("mask.kind", "sphere")
    assert settings.reads("mask.radius") and settings.config.mask.radius == 40.0
    settings.put("mask.kind", "threshold")
    assert settings.config.mask.kind == "threshold" and settings.config.mask.radius == 0.0


def test_a_mask_file_can_be_named_after_its_kind():
    settings = Settings({"mask.kind": "file"})
    assert "mask path must be set" in settings.faults["mask.kind"] and settings.reads("mask.path")
    settings.put("mask.path", "mask.mrc")
    assert settings.faults == {} and settings.config.mask.path == "mask.mrc"


def test_the_recipes_own_settings_go_with_the_recipe():
    settings = Settings({"refine.recipe": "class3d", "refine.n_classes": 3})
    field = next(name for name in _fields(settings, "params") if settings.field(f"params.{name}")[1] is float)
    settings.put(f"params.{field}", float(settings.default(f"params.{field}")) + 1.0)
    assert field in settings.config.refine.params and settings.config.refine.n_classes == 3
    settings.put("refine.recipe", "fixed_poses")
    assert settings.config.refine.params == {} and settings.config.refine.recipe == "fixed_poses"
    assert not any(path.startswith("params.") for path in settings.entries)


def _fields(settings, group):
    import dataclasses

    return [field.name for field in dataclasses.fields(settings.group(group)) if field.metadata]


def test_settings_are_found_again_from_a_config_and_options():
    config = RunConfig.gather(
        box=dict(box_size=128, limit="square"),
        mask=dict(kind="sphere", radius=30.0),
        refine=dict(recipe="class3d", n_classes=2),
    )
    found = Settings.of(config, {"decomposition": {"dithers": 2}})
    assert found.config == config and found.options("decomposition") == {"dithers": 2}
    assert found.entries == Settings(found.entries).entries


@pytest.mark.parametrize("name", diagnostics.names())
def test_every_option_of_every_diagnostic_has_a_default(name):
    settings = Settings()
    for field in _fields(settings, name):
        settings.put(f"{name}.{field}", settings.default(f"{name}.{field}"))
    assert settings.options(name) == {} and settings.faults == {}
