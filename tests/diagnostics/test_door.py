"""The door: every diagnostic is found, says what it takes, and refuses what it cannot judge in one sentence."""

import numpy as np
import pytest

from cryonb.config import RunConfig
from cryonb.diagnostics import diagnose, get, names, takes_references
from cryonb.errors import InputError, RunStopped
from cryonb.knobs import Config
from cryonb.provenance import lineage
from cryonb.schema import KINDS, VOLUME, build, grid_coordinates, validate
from cryonb.simulate import simulate

from .conftest import decaying_halves, volume


def test_the_folder_is_the_list():
    assert set(names()) >= {"fsc", "guinier", "postprocess", "sections", "orientations"}


@pytest.mark.parametrize("name", names())
def test_a_diagnostic_keeps_the_contract(name):
    plug = get(name)
    assert plug.name == name
    assert plug.title
    assert set(plug.accepts) <= set(KINDS)
    assert issubclass(plug.options, Config)
    assert plug.options() == plug.options.parse({})


@pytest.mark.parametrize("name", names())
def test_results_are_valid_stamped_and_repeatable(name, halves):
    takes_particles = "cryonb/particles" in get(name).accepts
    dataset = simulate("helices", box_size=24, pixel_size=6.0, n_particles=60) if takes_particles else halves
    config = {"refine": {"recipe": "fixed_poses"}} if takes_references(get(name)) else None
    seen = []
    first = diagnose(dataset, name, config=config, progress=lambda fraction, text: seen.append(fraction))
    assert validate(first) is first
    assert first.identical(diagnose(dataset, name, config=config))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    record = lineage(first)[-1]
    assert record["settings"]["diagnostic"] == name


def test_a_run_can_be_cancelled_from_its_progress(halves):
    def stop(fraction, text):
        raise RunStopped("enough")

    with pytest.raises(RunStopped):
        diagnose(halves, "fsc", progress=stop)


def test_settings_may_be_nested_mappings(halves):
    mapped = diagnose(halves, "fsc", config={"mask": {"kind": "sphere"}})
    assert mapped.identical(diagnose(halves, "fsc", config=RunConfig.gather(mask={"kind": "sphere"})))


def broken(change):
    pair = np.stack(decaying_halves(size=16)).astype(np.float32)
    change(pair)
    return volume(pair, 2.0)


def oblong():
    coords = {"half": ["A", "B"], **grid_coordinates((16, 16, 18), 2.0), "voxel_size": 2.0}
    return build(VOLUME, {"half_map": np.ones((2, 16, 16, 18), np.float32)}, coords)


def density():
    coords = {**grid_coordinates(16, 2.0), "voxel_size": 2.0}
    return build(VOLUME, {"density": np.ones((16, 16, 16), np.float32)}, coords)


WRONG = {
    "a diagnostic must have a known name; got 'fcs'. Did you mean 'fsc'?": lambda: diagnose(density(), "fcs"),
    "a setting of FscOptions must have a known name; got 'n_draw'. Did you mean 'n_draws'?": lambda: diagnose(
        density(), "fsc", n_draw=3
    ),
    "the Dataset must hold two half maps; got a map only.": lambda: diagnose(density(), "fsc"),
    "half maps must be cubic [voxel]; got 16 x 16 x 18.": lambda: diagnose(oblong(), "fsc"),
    "half map B must be finite; got NaN or infinite voxels.": lambda: diagnose(
        broken(lambda pair: pair.__setitem__((1, 0, 0, 0), np.nan)), "fsc"
    ),
    "half map A must not be empty; got zero everywhere.": lambda: diagnose(
        broken(lambda pair: pair[0].__imul__(0.0)), "fsc"
    ),
    "class_id must name a class of the Dataset; got 3.": lambda: diagnose(
        volume(decaying_halves(size=16), 2.0), "fsc", class_id=3
    ),
    "the mask must have the shape of the maps, 16 x 16 x 16 [voxel]; got 8 x 8 x 8.": lambda: diagnose(
        volume(decaying_halves(size=16), 2.0), "fsc", mask=np.ones((8, 8, 8))
    ),
    "a Dataset of kind cryonb/particles or cryonb/refinement is needed; got cryonb/volume.": lambda: diagnose(
        density(), "orientations"
    ),
    "n_draws must be at least 1; got 0. Use 1 or more.": lambda: diagnose(density(), "fsc", n_draws=0),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_bad_input_is_refused_in_a_sentence(sentence):
    with pytest.raises(InputError) as caught:
        WRONG[sentence]()
    assert str(caught.value).startswith(sentence)
