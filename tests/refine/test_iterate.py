import dataclasses
import json

import numpy as np
import pytest
from refinement_runs import ShortRecipe, helices, recorded

from cryonb import phantom
from cryonb.errors import InputError, RunStopped
from cryonb.refine.iterate import iterate, refine

COARSE = dict(n_iterations=2, initial_lowpass=20.0, recipe="short")


@pytest.fixture(scope="module", autouse=True)
def short():
    with recorded(ShortRecipe()):
        yield


@pytest.fixture(scope="module")
def particles():
    return helices(60, snr=2.0, seed=3)


@pytest.fixture(scope="module")
def truth():
    return phantom("helices", box_size=32, pixel_size=4.5)


@pytest.fixture(scope="module")
def last(particles, truth):
    return refine(particles, truth, refine=COARSE)


def bits(run):
    return b"".join(run[name].values.tobytes() for name in ("half_map", "rot", "psi", "shift_x", "score"))


def test_one_dataset_an_iteration_says_what_was_decided(particles, truth, last):
    runs = list(iterate(particles, truth, refine=COARSE))
    assert [int(run["iteration"]) for run in runs] == [1, 2]
    assert bits(runs[-1]) == bits(last)
    first, second = runs
    assert float(first["alignment_limit"]) == pytest.approx(20.0)
    assert float(first["next_limit"]) == float(second["alignment_limit"]) < 20.0
    assert np.isnan(first["angle_change"]).all() and np.isfinite(second["angle_change"]).all()
    assert second.attrs["recipe"] == "short" and json.loads(second.attrs["decisions"])["halves"] == "shared"
    assert second["half_map"].dims == ("half", "z", "y", "x") and second["volume"].shape == (32, 32, 32)
    assert '"verb": "refine"' in second.attrs["provenance"]


def test_poses_are_found_though_the_table_has_none(particles, truth, last):
    bare = particles.drop_vars(["rot", "tilt", "psi", "shift_x", "shift_y"])
    assert bits(refine(bare, truth, refine=COARSE)) == bits(last)
    from cryonb.imaging.rotations import euler_to_matrix

    found, right = (euler_to_matrix(*(table[name] for name in ("rot", "tilt", "psi"))) for table in (last, particles))
    angle = np.rad2deg(np.arccos(np.clip((np.einsum("mij,mij->m", found, right) - 1) / 2, -1, 1)))
    assert np.median(angle) < 5.0


def test_what_is_not_searched_must_be_given(particles, truth):
    bare = particles.drop_vars("psi")
    with pytest.raises(InputError, match="particles must have poses where they are not searched; got none for psi"):
        refine(bare, truth, refine={**COARSE, "search": "local"})


def test_nothing_depends_on_the_machine_or_the_order(particles, truth, last):
    shuffled = particles.isel(particle=np.random.default_rng(1).permutation(60))
    run = refine(shuffled, truth, refine=COARSE, compute=dict(threads=1, batch_size=1000))
    assert np.array_equal(run["half_map"], last["half_map"])
    assert np.array_equal(run["particle"], shuffled["particle"])
    assert np.array_equal(run["rot"].values[np.argsort(shuffled["particle"].values)], last["rot"])


def test_half_sets_are_drawn_where_there_are_none(particles, truth):
    bare = particles.drop_vars("random_subset")
    one, other = (refine(bare, truth, refine=COARSE, compute=dict(seed=seed))["random_subset"] for seed in (0, 1))
    assert int((one == 1).sum()) == 30 and not np.array_equal(one, other)


def test_classes_are_counted(particles, truth):
    line = (np.arange(32) - 16) ** 2
    ball = np.exp(-(line[:, None, None] + line[:, None] + line) / 50.0).astype(np.float32)
    other = truth.assign(density=truth["density"].copy(data=ball))
    run = refine(particles, [truth, other], refine={**COARSE, "n_classes": 2})
    assert run["half_map"].dims[0] == "class_id" and run["class_id"].values.tolist() == [1, 2]
    assert float(run["occupancy"].sum()) == pytest.approx(1.0)
    assert np.allclose(run["class_posterior"].sum("class_id"), 1.0)
    assert float(run["occupancy"][0]) > 0.9 and (run["class_number"] == 1).mean() > 0.9
    assert 50 < float(run["effective_size"][0]) <= 60


def test_a_curve_that_does_not_cross_is_no_resolution(particles, truth):
    run = refine(helices(60), truth, refine=COARSE)
    assert np.isnan(run["claimed_resolution"]) and np.isnan(run["resolution"])
    assert run.attrs["note"] == "the curve does not cross before the data end at 9 A"


def test_a_run_ends_when_its_recipe_has_converged(particles, truth):
    with recorded(ShortRecipe(name="still", stops_at=1)):
        runs = list(iterate(particles, truth, refine={**COARSE, "recipe": "still", "n_iterations": 5}))
    assert len(runs) == 1 and runs[0].attrs["converged"] == "yes"


def test_progress_rises_to_one_and_may_stop_the_run(particles, truth):
    told = []
    refine(particles, truth, refine=COARSE, progress=lambda fraction, text: told.append((fraction, text)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert told[0][1].startswith("starting volumes") and told[-1][1] == "iteration 2 of 2 is done"

    def stop(fraction, text):
        if "aligning" in text:
            raise RunStopped("stopped by the user. Start it again.")

    with pytest.raises(RunStopped, match="by the user"):
        refine(particles, truth, refine=COARSE, progress=stop)


def test_mistakes_are_told_before_anything_runs(particles, truth):
    for options, words in (
        (dict(refine={**COARSE, "recipe": "shorte"}), "Did you mean 'short'"),
        (dict(refine=COARSE, box=dict(kernel="nearest")), "box.kernel must be trilinear where poses are searched"),
        (dict(refine={**COARSE, "params": {"speed": 1}}), "a setting of ShortParams must have a known name"),
        (dict(refine=COARSE, mask=np.ones((8, 8, 8), np.float32)), "32 x 32 x 32"),
    ):
        with pytest.raises(InputError, match=words):
            iterate(particles, truth, **options)


@pytest.mark.parametrize("recipe", ["heterogeneous", "class3d"])
def test_a_mask_that_was_given_stands_in_the_result_whether_or_not_the_recipe_masks(recipe, particles, truth):
    mask = np.ones((32,) * 3, np.float32)
    settings = {**COARSE, "recipe": recipe, "n_iterations": 1}
    found = refine(particles, truth, refine=settings, box=dict(box_size=32), mask=mask)
    assert np.array_equal(found["mask"].values, mask)


def test_a_mask_given_as_an_array_reaches_the_recipe(particles, truth):
    mask = np.ones((32,) * 3, np.float32)
    recipe = ShortRecipe(name="masked", seen=[])
    with recorded(recipe):
        refine(particles, truth, refine={**COARSE, "recipe": "masked", "n_iterations": 1}, mask=mask)
    assert recipe.seen and recipe.seen[0] is not None
    assert dataclasses.is_dataclass(recipe)
