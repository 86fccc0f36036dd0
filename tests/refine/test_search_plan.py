import numpy as np
import pytest
from refinement_runs import ShortRecipe, helices, recorded, run_of

from cryonb import phantom
from cryonb.errors import InputError
from cryonb.refine.iterate import iterate, refine
from cryonb.refine.search_plan import plan_refinement


@pytest.fixture(scope="module", autouse=True)
def short():
    with recorded(ShortRecipe()):
        yield


def planned(count=40, references=1, **refining):
    return plan_refinement(helices(count, snr=2.0), references, refine=dict(recipe="short", n_iterations=2, **refining))


def test_a_plan_counts_what_the_search_compares():
    """At the limit of the plan, the search compares as many poses as were promised."""
    needed = planned(search_resolution=30.0)
    run = run_of(helices(40, snr=2.0), refine=dict(search_resolution=30.0))
    few, noise = np.arange(4), run.background_noise(np.arange(40))
    reference = run.fourier(phantom("helices", box_size=32, pixel_size=4.5)["density"].values)
    found = run.align([reference], few, limit=run.sampling.max_index, noise=noise)
    assert needed.hypotheses == needed.views * needed.angles * needed.shifts == found.hypotheses[0]
    assert needed.comparisons == needed.hypotheses * 40 * 2


def test_a_plan_reads_as_one_paragraph():
    text = str(planned(n_classes=3, references=1))
    assert text.startswith("short: 40 particles of 32 pixels at 4.5 A into a box of 32 voxels at 4.5 A padded to 64")
    assert "2 iterations at most" in text and " x 3 classes = " in text and "MiB" in text and "\n" not in text
    local = str(planned(search="local"))
    assert "poses refined from where they stand" in local
    fixed = str(plan_refinement(helices(40, snr=2.0), 1, refine=dict(recipe="fixed_poses", n_iterations=1)))
    assert "; 1 iteration, poses taken as they stand; " in fixed


def test_more_of_anything_needs_more():
    plain = planned()
    for other in (planned(n_classes=3), planned(references=3), planned(search_resolution=9.0)):
        assert other.memory_bytes > plain.memory_bytes and other.hypotheses > plain.hypotheses
    assert planned(80).comparisons == 2 * plain.comparisons
    assert planned(search="local").memory_bytes <= plain.memory_bytes and planned(search="local").hypotheses == 0
    assert plain.seconds > 0 and np.isfinite(plain.seconds)


def test_what_does_not_fit_is_refused_with_what_would():
    volume = phantom("helices", box_size=32, pixel_size=4.5)
    settings = dict(recipe="short", n_iterations=1)
    with pytest.raises(InputError, match=r"a refinement must fit in memory; got one that needs .* where 1\.0 MiB"):
        iterate(helices(40, snr=2.0), volume, refine=settings, compute=dict(memory_limit=0.001))
    lean = plan_refinement(helices(40, snr=2.0), 1, refine=settings, box=dict(pad_factor=1.5)).memory_bytes
    with pytest.raises(InputError, match=r"box\.pad_factor 1\.5 would fit, with .* MiB"):
        refine(
            helices(40, snr=2.0),
            volume,
            refine=settings,
            compute=dict(memory_limit=1.01 * lean / 2**30),
            box=dict(pad_factor=3),
        )


def test_an_exact_kernel_is_refused_in_words():
    with pytest.raises(InputError, match="box.kernel must interpolate on a grid in a refinement; got nufft"):
        plan_refinement(helices(40, snr=2.0), 1, refine=dict(recipe="fixed_poses"), box=dict(kernel="nufft"))
