# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # My classes look great and my refinement looks horrible: why did it fail?
#
# A case that comes up again and again. Particles were binned four times to be quick. Heterogeneous refinement of them
# shows beautiful helices, and its FSC (Fourier shell correlation) runs on past the Nyquist frequency of the particles.
# Homogeneous refinement of *the same particles* shows splinters. Was the alignment bad, was the mask wrong, are the
# classes an illusion? Here we make such a data set, refine it in five ways, take every curve apart, and find the
# culprit.
#
# ![Top: sections of five maps. The truth, the heterogeneous map, and the homogeneous map left unsharpened show the same
# helices; the homogeneous map sharpened all the same shows black and white splinters; extracted again at bin 2 and
# sharpened, the helices are sharp. Below left: the FSC of the heterogeneous map runs on past 8 angstrom as corner
# signal, that of the homogeneous one is still high where it ends at 8 angstrom, that at bin 2 goes on to 4 angstrom.
# Below right: Guinier plots; at bin 4 the fit has four shells and is steep, at bin 2 it has
# 22.](figures/05_why_did_my_refinement_fail.png)
#
# The refinement did not fail. Only the map that is shown did: it was sharpened by a fit to four points.

# %%
import io
import math

import numpy as np
import xarray as xr
from IPython.display import Image
from matplotlib.figure import Figure

import cryonb as cn
from cryonb.decisions import decisions
from cryonb.imaging.fourier import resize

SIZE, PIXEL = 144, 1.0  # the micrograph's own sampling: 144 pixels of 1 angstrom
LENGTH = SIZE * PIXEL  # edge of the box [angstrom]
RADIUS, B_TRUE = 48.0, 60.0  # the particle's radius [angstrom], and how fast its amplitudes fall [angstrom^2]
BIN_2 = dict()  # as extracted: 72 pixels of 2 angstrom, which end at 4 angstrom
BIN_4 = dict(binning=2)  # cropped by two once more: 36 pixels of 4 angstrom, which end at 8 angstrom
FIXED_BOX = dict(**BIN_4, box_size=72, limit="square")  # what heterogeneous refinement interpolates them into
FAST = dict(n_iterations=3)
ALWAYS = dict(**FAST, params=dict(sharpen="always"))
LIMITED = dict(**FAST, params=dict(alignment_resolution=12.0))  # never aligned to anything finer [angstrom]
COUNT, SNR, SEED = 400, 2.0, 1
GREEN, BLUE, BLACK, VERMILLION = "#009e73", "#0072b2", "black", "#d55e00"

# %% [markdown]
# ## The particles
#
# The truth is a made-up protein of ideal helices. Its images are extracted at bin 2. Reading them with `binning=2`
# crops their transforms by two once more, which is what extraction at bin 4 gives: the same particles, the same noise,
# and nothing finer than 8 Å left. Every refinement starts from the true map, low-passed to 20 Å or coarser as its
# recipe does.

# %%
truth = cn.phantom("helices", box_size=SIZE, pixel_size=PIXEL, radius=RADIUS, b_factor=B_TRUE)
particles = cn.simulate(truth, n_particles=COUNT, binning=2, snr=SNR, seed=SEED)
particles

# %% [markdown]
# ## Five ways to decide, on the same particles
#
# A *recipe* is the way in which a program decides: who sees which reference, how fine the alignment looks, what is
# masked, what is shown. `heterogeneous` works like cryoSPARC's, in a fixed box that is finer than the particles (128
# voxels in the program, 72 here); `homogeneous` like cryoSPARC's, in the particles' own box; `class3d` and `refine3d`
# like RELION's; `resolution_limited` like Frealign's and cisTEM's. We ask the homogeneous one to sharpen its map
# *always*.
#
# **Predict**, before you run it:
#
# 1. Which of the five curves can go on past 8 Å, and what can it be made of there?
# 2. Which of the five will claim a resolution?
# 3. Do the five disagree about the particles, or about something else?


# %%
def joined(*trees):
    """One tree of several from `cn.compare_recipes`, with one table."""
    runs, curves = (
        {name: child.to_dataset() for tree in trees for name, child in tree[part].children.items()}
        for part in ("runs", "curves")
    )
    table = xr.DataTree(decisions(runs, curves))
    return xr.DataTree(children={"runs": cn.compare(runs), "curves": cn.compare(curves), "decisions": table})


fixed = cn.compare_recipes(particles, truth, {"heterogeneous": FAST}, box=FIXED_BOX)
chosen = {"homogeneous": ALWAYS, "class3d": FAST, "refine3d": FAST, "resolution_limited": LIMITED}
tree = joined(fixed, cn.compare_recipes(particles, truth, chosen, box=BIN_4))
cn.draw(tree)

# %% [markdown]
# Read the table from the right. In their own box the data end at 8 Å, and all four curves are *signal to the end*: none
# of them falls to 0.143 before, so none of them has a resolution to claim. Only the heterogeneous curve has shells past
# 8 Å to run on into, and what it shows there is **corner signal**: along their diagonals square images reach √2 times
# further, to 5.66 Å. It is real, it thins out, and it is the particles' own way of saying that there was more to be
# had. The interpolation grid made next to nothing of it.
#
# So all five agree about the particles: the FSC at 9 Å is above 0.8 in every one. The halves, the limit, the threshold
# and the mask differ from row to row, and none of it matters here. What is left is the last decision, which no FSC
# shows: what is done to the map before you look at it.

# %%
curves = {name: child.to_dataset() for name, child in tree["curves"].children.items()}
runs = {name: child.to_dataset() for name, child in tree["runs"].children.items()}
own = {name: parts["fsc"].sel(component=parts.attrs["own_curve"]) for name, parts in curves.items()}
claims = {name: float(run["claimed_resolution"]) for name, run in runs.items()}
nyquist = 1 / float(runs["homogeneous"]["particle_nyquist"])
corner = curves["heterogeneous"]["fsc"].sel(component="corner")
grid = curves["heterogeneous"]["fsc"].sel(component="grid_locked")
just_past = corner["frequency"].values == (round(LENGTH / nyquist) + 1) / LENGTH

assert abs(nyquist - 8.0) < 0.01 and abs(nyquist / math.sqrt(2) - 5.66) < 0.01
assert all(float(curve.interp(frequency=1 / 9)) > 0.8 for curve in own.values())
assert [name for name, claim in claims.items() if math.isfinite(claim)] == ["heterogeneous"]
assert all(float(own[name][-1]) > 0.143 for name in chosen)
assert float(corner[just_past].item()) > 0.15 and float(abs(grid).max()) < 0.1
print(f"Just past {nyquist:.0f} Å: {float(corner[just_past].item()):.2f} of corner signal.")

# %% [markdown]
# ## Sharpened, and left alone
#
# Homogeneous refinement ends with sharpening: it fits how fast the amplitudes fall (a **Guinier plot**: the logarithm
# of the amplitude against 1/d², d the resolution), and multiplies the fall away. The slope is given as a **B factor**;
# our truth has one of 60 Å². The same half maps, once sharpened whatever the fit says, and once only if it can be
# believed:

# %%
homogeneous = runs["homogeneous"]
shown = {rule: cn.diagnose(homogeneous, "postprocess", sharpen=rule) for rule in ("always", "if_reliable")}
cn.side_by_side(cn.compare(shown))

# %% [markdown]
# There it is. One refinement, one set of half maps, one FSC; and two maps that nobody would believe to be the same. The
# fit asked for a B factor of some 960 Å², sixteen times the true one: detail at 8 Å is blown up forty times more than
# the coarse shape, noise and ringing with it.
#
# Why is the fit so wrong? It may not begin before 10 Å, because coarser than that the amplitudes show the shape of the
# particle and not its decay. And it has to end where the data end. **Predict:** in a box of 144 Å, shell *s* is detail
# of 144/*s* Å. How many shells lie between 10 and 8 Å? How many would there be if the particles were extracted at bin
# 2, to 4 Å? A line through how many points would you trust, when helices alone put a bump of their own at 10 Å?


# %%
def fitted_shells(data_end, length=LENGTH, begin=10.0):
    """How many shells a Guinier fit has, from 10 angstrom to the end of the data."""
    return math.floor(length / data_end + 1e-6) - math.ceil(length / begin - 1e-6) + 1


predicted = {"bin 4": fitted_shells(4 * 2 * PIXEL), "bin 2": fitted_shells(2 * 2 * PIXEL)}
mended = cn.refine(particles, truth, refine=dict(recipe="homogeneous", **FAST), box=BIN_2)
fits = {"bin 4": homogeneous.cryo.guinier(), "bin 2": mended.cryo.guinier()}
measured = {name: int(fit["n_shells"]) for name, fit in fits.items()}
print(f"Shells to fit, predicted: {predicted}; measured: {measured}.")

(low_4, b_4, high_4), (low_2, b_2, high_2) = (
    [float(fit[name]) for name in ("b_factor_low", "b_factor", "b_factor_high")] for fit in fits.values()
)
assert predicted == measured == {"bin 4": 4, "bin 2": 22}
assert abs(b_4 - 960) < 100 and low_4 < 0 < high_4 and not bool(fits["bin 4"]["reliable"])
assert low_2 < B_TRUE < high_2 and high_2 - low_2 < 80 and bool(fits["bin 2"]["reliable"])
cn.side_by_side(cn.compare(fits))

# %% [markdown]
# Four shells are no Guinier plot. The interval says so: it runs from below zero to about twice the B factor, so that
# the fit could as well have asked to *blur* the map. cryonb calls a fit unreliable that has fewer than 20 shells, or
# does not reach 7 Å, or whose interval includes zero; and then it leaves the map alone, unless it is told to sharpen
# always.
#
# With the same particles at bin 2, the fit has its range, its interval holds the true 60 Å², and sharpening by it is
# right. That is the remedy: **extract again with smaller pixels.** Not a larger box (Exercise 1), and not another mask
# (Exercise 2). The whole story in one picture, with what the eye judges put in a number: how each map correlates with
# the truth, up to 8 Å.


# %% tags=["answer"]
def likeness(density, size=SIZE // 4):
    """Correlation with the truth within a sphere about the particle, both cut to what bin 4 holds."""
    one, other = resize(density, size), resize(truth["density"].values, size)
    distance = np.linalg.norm(np.indices(one.shape) - size // 2, axis=0)
    inside = distance < 1.1 * RADIUS / LENGTH * size
    return float(np.corrcoef(one[inside], other[inside])[0, 1])


def section(density):
    """The mean of a slab through the helices, on the fine grid, in deviations from the map's own mean."""
    fine = resize(density, SIZE)
    edge = SIZE // 2 - int(1.1 * RADIUS / PIXEL)
    inner = fine[edge:-edge, edge:-edge, edge:-edge]
    slab = inner[:, len(inner) // 2 - 2 : len(inner) // 2 + 3].mean(axis=1)
    return (slab - np.median(inner)) / inner.std()


def dress(axes, power, ticks):
    """The resolution above the frequency, and where the data end."""
    for end, name, style in ((8, "bin 4 ends", "-"), (4, "bin 2 ends", "--")):
        axes.axvline(1 / end**power, color=VERMILLION, lw=1.3, ls=style)
        place = dict(fontsize=8, ha="right", va="bottom", transform=axes.get_xaxis_transform())
        axes.text(1 / end**power, 1.0, f"{name} ", color=VERMILLION, **place)
    scale = axes.secondary_xaxis(1.08)
    scale.set_xticks([1 / tick**power for tick in ticks], [str(tick) for tick in ticks], fontsize=8)
    scale.set_xlabel("resolution [Å]", fontsize=9)


maps = {
    "the truth, to 8 Å": resize(truth["density"].values, SIZE // 4),
    "heterogeneous,\nas it is": runs["heterogeneous"]["volume"].values,
    "homogeneous,\nsharpened": shown["always"]["sharpened"].values,
    "homogeneous,\nleft alone": shown["if_reliable"]["sharpened"].values,
    "extracted at bin 2,\nsharpened": mended["volume"].values,
}
alike = {name: likeness(density) for name, density in maps.items()}
figure = Figure(figsize=(10, 6.4), layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=(1, 1.35))
for axes, (name, density) in zip(above.subplots(1, len(maps)), maps.items()):
    axes.imshow(section(density), cmap="gray", vmin=-2, vmax=6, origin="lower", interpolation="bicubic")
    axes.set_title(name, fontsize=10)
    axes.set_xlabel(f"like the truth: {alike[name]:.2f}", fontsize=10)
    axes.set(xticks=(), yticks=())

left, right = below.subplots(1, 2)
x = corner["frequency"].values
left.fill_between(x, 0, np.clip(corner, 0, None), color=GREEN, alpha=0.5, lw=0, label="corner signal")
lines = {
    "heterogeneous, bin 4": (own["heterogeneous"], GREEN, "-"),
    "homogeneous, bin 4": (own["homogeneous"], BLACK, "-"),
    "homogeneous, bin 2": (mended["fsc_unmasked"], BLUE, "-."),
}
for name, (curve, colour, style) in lines.items():
    left.plot(curve["frequency"], curve, color=colour, ls=style, lw=2, label=name)
left.axhline(0.143, color="grey", lw=0.8, ls="--")
left.set(xlim=(0, 0.256), ylim=(-0.05, 1.05), xlabel="spatial frequency [1/Å]", ylabel="Fourier shell correlation")
left.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0.02, 0.22))
dress(left, 1, (20, 10, 8, 6, 5, 4))
for (name, fit), colour in zip(fits.items(), (BLACK, BLUE)):
    squared, line = fit["frequency"] ** 2, f"fit to {measured[name]} shells: B = {float(fit['b_factor']):.0f} Å²"
    right.plot(squared, fit["log_amplitude"], color=colour, lw=2, label=f"homogeneous, {name}")
    right.plot(squared, fit["fit"], color=colour, lw=5, alpha=0.35, solid_capstyle="butt", label=line)
right.set(xlim=(0.003, 0.0645), ylim=(-12.2, -9.6), xlabel="1/d² [1/Å²]", ylabel="ln amplitude")
right.legend(fontsize=8, loc="upper right", bbox_to_anchor=(0.97, 1.0))
dress(right, 2, (12, 10, 8, 6, 5, 4))
figure.savefig(picture := io.BytesIO(), format="png", dpi=95, pil_kwargs={"optimize": True})
Image(picture.getvalue(), width=950)

# %% [markdown]
# Left alone, the homogeneous map is as good as the classes: 0.96 against 0.97 for the heterogeneous one. Sharpened by
# four shells it is 0.59. At bin 2, sharpened, it is 0.99 up to 8 Å, and it has the detail from 8 to 4 Å that the others
# never had. RELION's recipes show their maps unsharpened, and so their users see helices from the start: the map of
# `refine3d` is 0.96 like the truth as well. Here, that is all there is to programs that "still work" at bin 4.
#
# ## A table for your own case
#
# | what you see | ask | if the answer is | then |
# |---|---|---|---|
# | horrible map, high FSC | `cn.diagnose(halves, "guinier")` | not reliable: few shells, or an interval with zero in it | look at the *unsharpened* map; it may be fine |
# | the curve stops before 0.143 | the run's `claimed_resolution` | none: data end | your pixels set the limit: extract with less binning |
# | the curve runs on past the particles' Nyquist | `cn.diagnose(run, "decomposition", particles=particles)` | corner signal | real; extract again, there is more |
# | | | grid-locked interpolation | an artefact: pad more, or use the particles' own box |
# | | | mask leak | an artefact: believe the curve without the mask, or the modified one |
# | good under a mask, bad without | `cn.diagnose(halves, "fsc", mask=mask)` | the corrected curve falls early | the mask made the difference: a softer, wider one |
# | classes claim more than a refinement | `cn.diagnose(particles, "noise_substitution", config=..., references=start)` | made up by halves that are not independent | believe the corrected curve; notebook 06 |
# | the unsharpened map is horrible too, and the FSC falls early | `cn.diagnose(particles, "orientations")`, `cn.history(...)` | few views, or poses that still move | this is a true failure: start, views, classes |
# | half maps from somewhere else | `cn.diagnose(halves, "map_forensics")` | upsampled, filtered, masked or sharpened | know what you were given, before you judge it |
#
# The order matters: look at the unsharpened map first. It costs nothing, and here it ends the search.
#
# ## Exercises
#
# Each asks you to predict first. To open a solution, click the three dots below the question (on a page of the
# documentation, its arrow).
#
# ### Exercise 1
#
# A colleague suggests: "Your box is too small. Refine the bin-4 particles in a box of 72 voxels, then the Guinier plot
# has 37 shells instead of 19." Take the poses that homogeneous refinement found, and reconstruct from them in that box.
# **Predict:** how many shells will the fit have, and will it be reliable?

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["solution", "hide-cell"]
# Solution
posed = cn.rejoin(homogeneous, particles)
larger = cn.reconstruct(posed, box=dict(**BIN_4, box_size=72))
fit = larger.cryo.guinier()
assert larger.sizes["frequency"] == 37 and homogeneous.sizes["frequency"] == 19
assert int(fit["n_shells"]) == 4 and not bool(fit["reliable"])
with cn.folded():
    print(f"The curve has {larger.sizes['frequency']} shells, and the fit {int(fit['n_shells'])}: {fit.attrs['reason']}.")
    print("A larger box adds shells without data. What ends the fit is the Nyquist frequency of the particles.")

# %% [markdown]
# ### Exercise 2
#
# Another colleague suspects the mask: "Its edge makes the splinters. Refine without one." The setting is
# `params=dict(mask="none")`. **Predict** the likeness of its map with the truth, sharpened always, and left alone.

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["solution", "hide-cell"]
# Solution
without = dict(recipe="homogeneous", n_iterations=3, params=dict(mask="none"))
bare = cn.refine(particles, truth, refine=without, box=BIN_4)
both = {rule: cn.diagnose(bare, "postprocess", sharpen=rule)["sharpened"].values for rule in shown}
found = {rule: likeness(density) for rule, density in both.items()}
assert found["always"] < 0.75 and found["if_reliable"] > 0.93
with cn.folded():
    print({rule: round(value, 2) for rule, value in found.items()})
    print("The mask is not to blame: without it, the sharpened map is as horrible and the other one as good.")

# %% [markdown]
# ## Where these numbers come from
#
# The run that mended it, with its settings and ancestors down to the seed of the simulation.

# %%
truly, classes, splinters, plain, again = alike.values()
assert truly > 0.999 and abs(classes - 0.97) < 0.02 and abs(plain - 0.96) < 0.02 and again > 0.97
assert abs(again - 0.99) < 0.02 and abs(splinters - 0.59) < 0.08
assert abs(likeness(runs["refine3d"]["volume"].values) - 0.96) < 0.02
assert 30 < math.exp(b_4 / 4 / nyquist**2) < 60
cn.record(mended)
