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
# # How much of a masked curve did the mask make?
#
# Half maps are correlated under a mask, to leave the solvent out. That is right, and it has a price: a mask smears
# every shell of Fourier space into its neighbours. Where the neighbours are strong and the shell itself is empty, the
# smear is all that the shell holds, and it is the same in both halves. The curve then shows a correlation near 1 that
# nobody recorded. Here is how to see it, and the two known ways around it.
#
# ![Two pairs of curves. Left: half maps of particles that end at 6 angstrom; past it the unmasked curve is near zero,
# the curve under a tight mask stays near one, and the area between it and the modified curve is what the mask made.
# Right: half maps that were low-pass filtered at 7.2 angstrom; again the unmasked and the modified curve fall to zero
# and the masked one stays at one, over shells that are hatched as below the floor.](figures/04_masks_and_filters.png)

# %%
import io
import tempfile
from pathlib import Path

import numpy as np
from IPython.display import Image
from matplotlib.figure import Figure

import cryonb as cn

BOX_SIZE, VOXEL_SIZE = 96, 1.5  # of all maps [voxel, angstrom]
PARTICLES = dict(n_particles=800, binning=2, snr=20.0, ctf=False, seed=3)  # their Nyquist is 6 angstrom
BOX = dict(box_size=BOX_SIZE, limit="circle", pad_factor=2)  # twice as fine as the particles
MASKS = {
    "sphere, soft": dict(kind="sphere", radius=60.0, edge_width=12.0),
    "loose, soft": dict(kind="threshold", dilate=6.0, edge_width=12.0),
    "loose, hard": dict(kind="threshold", dilate=12.0, edge_width=0.01),
    "tight, soft": dict(kind="threshold", dilate=0.01, edge_width=12.0),
    "tight, hard": dict(kind="threshold", dilate=0.01, edge_width=0.01),
}
TIGHT = dict(kind="threshold", dilate=0.01, edge_width=3.0)  # begins at the particle, with an edge of two voxels
EMPTY = 29  # from this shell on, at 4.97 angstrom, particles that end at 6 angstrom say nothing
FILTER = dict(box_size=BOX_SIZE, voxel_size=VOXEL_SIZE, lowpass=7.2)  # a cosine edge: nothing is left past 6.5 angstrom
FILTERED = 24  # from this shell on, at 6 angstrom, the filtered maps are empty
BLUE, SKY, GREEN, ORANGE, PURPLE = "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#CC79A7"
VERMILLION, GREY = "#D55E00", "#6E6E6E"

# %% [markdown]
# ## A curve without a mask
#
# 800 simulated particles end at 6 Å (3 Å a pixel). They were reconstructed into a box of 1.5 Å voxels, and the half
# maps went into two files, as they go from hand to hand. In the files nothing says where the particles ended.
#
# *Predict*: what does the curve show past 6 Å, without any mask?


# %%
def fsc_panel(axes, title, nyquist=1 / 6):
    """Dress a panel: frequency below, resolution above, and where particles and grid end."""
    top = axes.secondary_xaxis("top")
    top.set_xticks([1 / d for d in (20, 10, 8, 6, 5, 4, 3.5, 3)], ["20", "10", "8", "6", "5", "4", "3.5", "3"])
    top.set_xlabel("resolution [Å]")
    for place, colour, words in ((nyquist, VERMILLION, "particles' Nyquist "), (1 / 3, GREY, "grid's Nyquist ")):
        if place:
            axes.axvline(place, color=colour, linestyle="--" if colour == GREY else "-", linewidth=1.2)
            axes.text(place, 1.06, words, color=colour, fontsize=9, ha="right")
    axes.set(xlim=(0, 0.342), ylim=(-0.1, 1.15), xlabel="spatial frequency [1/Å]", ylabel="FSC", title=title)


def show(figure):
    """Return a figure as a picture that the notebook shows."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return Image(buffer.getvalue())


particles = cn.simulate("helices", box_size=BOX_SIZE, pixel_size=VOXEL_SIZE, **PARTICLES)
run = cn.reconstruct(particles, box=BOX)
with tempfile.TemporaryDirectory() as folder:
    files = [Path(folder) / f"half{half}.mrc" for half in "AB"]
    for half, file in zip("AB", files):
        cn.write_map(run.half_map.sel(half=half), file, voxel_size=VOXEL_SIZE)
    halves = cn.open_half_maps(*files).load()

unmasked = cn.diagnose(halves, "fsc")
frequency, shell = unmasked.frequency.values, unmasked.shell.values
raw = unmasked.fsc.sel(fsc_kind="raw").values
assert abs(float(unmasked.shell_resolution[EMPTY]) - 4.97) < 0.01
assert raw[shell < 24][1:].min() > 0.8 and abs(raw[EMPTY:].mean() - 0.03) < 0.015
cn.draw(unmasked)

# %% [markdown]
# The curve drops at 6 Å and then stays a little above zero: 0.03 on average from 4.97 Å on. It is small, and it is no
# signal: notebook 03 shows that the interpolation grid makes such tails.
#
# ## Tight or loose, hard or soft
#
# Multiplying a map by a mask convolves its transform with the transform of the mask. So every shell of the masked map
# is a mixture of its neighbours.
#
# *Predict* for five masks, from a wide soft sphere to one cut out along the particle as with scissors: what becomes of
# the 0.03? Does a soft edge save it?

# %%
masks = {name: cn.reconstruct(particles, box=BOX, mask=mask)["mask"] for name, mask in MASKS.items()}
masked = {name: cn.diagnose(halves, "fsc", mask=masks[name].values, modified=False) for name in MASKS}
curves = {name: result.fsc.sel(fsc_kind="masked").values for name, result in masked.items()}
levels = {name: float(curve[EMPTY:].mean()) for name, curve in curves.items()}
kept = {name: 100 * float(mask.mean()) for name, mask in masks.items()}

assert all(level > 10 * raw[EMPTY:].mean() for level in levels.values())
assert 0.3 < levels["sphere, soft"] < 0.5 and min(levels["loose, soft"], levels["loose, hard"]) > 0.6
assert abs(kept["loose, soft"] - kept["loose, hard"]) < 1 and levels["loose, soft"] > levels["loose, hard"]
assert 0.95 < levels["tight, soft"] < levels["tight, hard"]

figure = Figure(figsize=(9.5, 6.2), layout="constrained")
grid = figure.add_gridspec(2, len(MASKS), height_ratios=(1, 2.2))
axes = figure.add_subplot(grid[1, :])
fsc_panel(axes, "")
axes.plot(frequency, raw, color="black", linewidth=2.5, label=f"no mask: {raw[EMPTY:].mean():.2f}")
for place, (name, style) in enumerate(zip(MASKS, ("-", "-", "--", "-", "--"))):
    colour = (SKY, GREEN, GREEN, ORANGE, ORANGE)[place]
    axes.plot(frequency, curves[name], style, color=colour, linewidth=2, label=f"{name}: {levels[name]:.2f}")
    section = figure.add_subplot(grid[0, place])
    section.imshow(masks[name][BOX_SIZE // 2], cmap="gray", vmin=0, vmax=1, origin="lower")
    section.set_title(f"{name}\n{kept[name]:.1f} % of the box", fontsize=9)
    section.set_axis_off()
axes.legend(loc="lower left", title="mean from 4.97 Å on")
show(figure)

# %% [markdown]
# **Every** mask lifts the tail more than tenfold, even the wide soft sphere, and both tight ones bring it above 0.95.
# How tight a mask is counts most. A soft edge is no cure: of the two loose masks, which keep the same share of the
# box, the soft one lifts the tail more than the hard one. Nothing was added to the maps; they were only multiplied.
#
# ## The mask's part, as a term
#
# With the particles at hand, the decomposition says it in one sentence and one area. The mask is given as settings; a
# file works as well.
#
# *Predict*: which of its terms fills the curve under the mask past 6 Å?

# %%
parts = cn.diagnose(particles, "decomposition", config=dict(box=BOX), mask=TIGHT, dithers=2, surrogates=0)
leak = parts.fsc_masked.sel(component="mask_leak").values
assert "the mask lifts the curve from 0.03 to 0.99" in parts.attrs["verdict"]
assert leak[EMPTY:].min() > 0.95 and np.abs(leak[1:20]).max() < 0.03
cn.draw(parts)

# %% [markdown]
# Mask leak (crossed, in the panel below) fills the curve from 4.97 Å on. The verdict says it in words: the mask lifts
# the curve from 0.03 to 0.99 where there are no data.
#
# ## Two ways around
#
# Without particles there are two ways to find the leak, from half maps and mask alone.
#
# - **Phase randomisation** ([Chen et al. 2013](https://doi.org/10.1016/j.ultramic.2013.06.004)). Past some shell,
#   replace the phases of both maps by random ones and mask again. What still correlates, $\mathrm{FSC}_n$, was made by
#   the mask. From the masked curve $\mathrm{FSC}_t$ follows the *corrected* one,
#
# $$\mathrm{FSC} = \frac{\mathrm{FSC}_t - \mathrm{FSC}_n}{1 - \mathrm{FSC}_n}.$$
#
# - **The modified FSC** ([Penczek 2020](https://doi.org/10.1107/S2052252520011574)). Cut one shell out of the
#   *unmasked* maps, go back to real space, and correlate there under the mask. Every other shell is gone before the
#   mask comes, so none can leak.
#
# *Predict*: both should bring the tail back to about zero. Do they?

# %%
both = cn.diagnose(halves, "fsc", mask=TIGHT)
kinds = {kind: both.fsc.sel(fsc_kind=kind).values for kind in both.fsc_kind.values}
randomised, corrected = kinds["phase_randomised"][EMPTY:], kinds["corrected"][EMPTY:]

assert kinds["masked"][EMPTY:].min() > 0.97 and randomised.min() > 0.93
assert abs(corrected.mean() - 0.6) < 0.1
assert kinds["modified"][EMPTY:].mean() < 0.25 and kinds["modified"][40:].mean() < 0.15
assert both.below_floor.values[EMPTY:].all() and not both.below_floor.values[:24].any()
soft = cn.diagnose(halves, "fsc", mask=masks["sphere, soft"].values)
assert abs(float(soft.resolution) - 3.52) < 0.02 and not soft.below_floor.values[1:].any()
low = np.flatnonzero(soft.fsc.sel(fsc_kind="modified").values > 0.143)[-1] + 1
assert abs(float(soft.shell_resolution[low]) - 5.54) < 0.01 and "may have made" in soft.attrs["verdict"]
cn.draw(both)

# %% [markdown]
# The modified curve comes back: below 0.25 on average, and it falls on towards the unmasked one. The corrected curve
# does **not**: it stays near 0.6, over shells in which no image holds anything. The reason is in the formula. With
# $\mathrm{FSC}_n$ above 0.93 it divides one small difference by another. And the recipe takes for granted that past
# the chosen shell the maps hold noise of their own; these shells are empty. So look at the hatching: *below the floor*
# marks shells to which the mask adds more than they hold. No masked curve says anything there, corrected or not.
#
# A wide, soft mask leaks too little to be hatched, and enough to mislead. Under the soft sphere the corrected curve
# falls to 0.143 at 3.52 Å, for particles that end at 6 Å. What leaks there comes from the shells next to the end, and
# random phases have taken their agreement away: the correction does not know of it. The modified curve is below 0.143
# from 5.54 Å on, and the verdict says so.
#
# ## Filtered half maps: the plateau that is not there
#
# Some programs write half maps that were low-pass filtered. Their curve, under a mask, may run on at a high level up
# to the end of the grid, a *positive asymptote*. One suspects numbers near zero that are divided by each other.
# `cn.filtered_half_maps` makes such maps in several ways, from a signal with independent noise in each half, a filter
# at 7.2 Å, and a tight mask:
#
# - **filter**: filtered, and no mask;
# - **filter, then mask**: filtered, and then correlated under the mask;
# - **mask, then filter**: multiplied with the mask first, filtered after, and correlated as they are.
#
# *Predict*: which of the three has a plateau past 7.2 Å?

# %%
ways = {"filter": "filter", "filter, then mask": "filter_then_mask", "mask, then filter": "mask_then_filter"}
maps = {name: cn.filtered_half_maps(way, **FILTER) for name, way in ways.items()}
filtered = {name: cn.diagnose(pair, "fsc", modified=name == "filter, then mask") for name, pair in maps.items()}


def mean_past(name, kind, start=FILTERED):
    """Return the mean of one curve over the shells that the filter has emptied."""
    return float(filtered[name].fsc.sel(fsc_kind=kind)[start:].mean())


assert abs(mean_past("filter", "raw")) < 0.02 and abs(mean_past("mask, then filter", "raw")) < 0.02
assert mean_past("filter, then mask", "masked") > 0.99
assert (
    abs(mean_past("filter, then mask", "modified")) < 0.03 and abs(mean_past("filter, then mask", "corrected")) < 0.02
)
assert mean_past("mask, then filter", "masked") > 0.99  # the mask applied once more
assert filtered["filter, then mask"].below_floor.values[FILTERED:].all()
cn.side_by_side(cn.compare(filtered))

# %% [markdown]
# Only *filter, then mask* has the plateau, above 0.99. The filter alone leaves nothing that agrees: within 0.02 of
# zero. Maps that were masked *before* the filter show none either (blue, unmasked), as long as nobody masks them again
# (green). The shells of the plateau are hatched: below the floor. Here both ways around agree on zero, since these
# files do hold noise past the filter, a little, as every file does.
#
# ## The answer
#
# How much did the mask make? The area between the masked and the modified curve.

# %% tags=["answer"]
cases = {
    "particles that end at 6 Å": (kinds, both.below_floor.values, 1 / 6),
    "half maps filtered at 7.2 Å": (
        {kind: filtered["filter, then mask"].fsc.sel(fsc_kind=kind).values for kind in kinds},
        filtered["filter, then mask"].below_floor.values,
        0,
    ),
}
figure = Figure(figsize=(9.5, 4.6), layout="constrained")
for axes, (title, (curve, below, nyquist)) in zip(figure.subplots(1, 2, sharey=True), cases.items()):
    fsc_panel(axes, title, nyquist)
    hatched = dict(facecolor="none", edgecolor=ORANGE, hatch="//", linewidth=0)
    axes.fill_between(frequency, -0.1, 1.0, where=below, label="below the floor", **hatched)
    made = dict(color=PURPLE, alpha=0.55, linewidth=0)
    axes.fill_between(frequency, curve["modified"], curve["masked"], label="made by the mask", **made)
    axes.plot(frequency, curve["masked"], color="black", linewidth=2.5, label="masked")
    axes.plot(frequency, curve["modified"], "-.", color=GREEN, linewidth=2, label="modified")
    axes.plot(frequency, curve["raw"], color=BLUE, linewidth=2, label="unmasked")
figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
show(figure)

# %% [markdown]
# ## What the maps themselves betray
#
# Filters and masks leave traces. `map_forensics` looks for them in two half maps and nothing else. In the last row the
# filtered maps hold nothing but the rounding of their numbers to 32 bits, a *floor* far below anything that was
# measured.
#
# *Predict*: can it tell a filter from particles that simply end?

# %%
pairs = {"end at 6 Å": halves, "mask, then filter": maps["mask, then filter"]}
pairs["filter, 32 bits"] = cn.filtered_half_maps("filter", **FILTER, residue=0.0)
forensics = {name: cn.diagnose(pair, "map_forensics", symmetry=False) for name, pair in pairs.items()}
found = {name: [str(word) for word in one.finding.values[one.found.values]] for name, one in forensics.items()}
assert found["end at 6 Å"] == ["cut_short"] and found["filter, 32 bits"] == ["filtered"]
assert found["mask, then filter"] == ["filtered", "masked"]
assert forensics["filter, 32 bits"].below_floor.values[FILTERED:].all()
assert float(forensics["filter, 32 bits"].printed_fsc[FILTERED:].max()) < 0.2
for name, words in found.items():
    print(
        f"{name:18s} found: {', '.join(words):18s} information ends at {float(forensics[name].information_end):.2f} Å"
    )
cn.draw(forensics["filter, 32 bits"])

# %% [markdown]
# It names the filter, and the mask where one was applied before; where data simply end in a finer box it says *cut
# short* and leaves open by what. Past the end of the information it prints no FSC. The dotted line is what a program
# would print there: numbers, made of rounding. They stay below 0.2. Rounding differs in the two halves, and is not
# what makes a plateau near one.
#
# ## Exercises
#
# Predict first, on paper. To open a solution, click the three dots below its question (on a page of the documentation,
# its arrow).
#
# ### Exercise 1
#
# The tight mask on the filtered maps had an edge of 3 Å. Give it a softer edge: 12, 24 and 48 Å. *Predict*: at which
# width is the plateau gone?

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["solution", "hide-cell"]
# Solution
plateaus = {}
with cn.folded():
    for width in (12.0, 24.0, 48.0):
        pair = cn.filtered_half_maps("filter_then_mask", **FILTER, edge_width=width)
        softer = cn.diagnose(pair, "fsc", modified=False)
        plateaus[width] = float(softer.fsc.sel(fsc_kind="masked")[FILTERED:].mean())
        print(f"edge of {width:2.0f} Å: mean of the masked FSC past the filter {plateaus[width]:.2f}")
    print("At none. A soft edge leaks less far, but past a filter there is nothing that a leak would have to compete with.")
assert min(plateaus[width] for width in (12.0, 24.0)) > 0.95 and 0.3 < plateaus[48.0] < 0.8

# %% [markdown]
# ### Exercise 2
#
# The way `padded_background` uses no mask at all: filtered maps on a background that both share, with zeros in the
# outermost planes, as a program leaves them that pads one axis. *Predict*: is there a plateau? Does the modified FSC,
# under a mask, take it away? And without the padding?

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["solution", "hide-cell"]
# Solution
mask = maps["filter, then mask"]["mask"].values
with cn.folded():
    for padding in (2, 0):
        pair = cn.filtered_half_maps("padded_background", **FILTER, padding=padding)
        stepped = cn.diagnose(pair, "fsc", mask=mask)
        means = {kind: float(stepped.fsc.sel(fsc_kind=kind)[FILTERED:].mean()) for kind in ("raw", "modified")}
        print(f"{padding} planes of zeros: unmasked {means['raw']:.2f}, modified {means['modified']:.2f} past the filter")
        assert all(value > 0.9 if padding else abs(value) < 0.03 for value in means.values())
        assert ("axes of the box" in stepped.attrs["verdict"]) == bool(padding)
    print(
        "The step between background and zeros is in both maps. No mask has leaked it, and no way around masks removes it."
    )
    print("The verdict of the fsc recognises it: only the coefficients on the axes of the box agree.")

# %% [markdown]
# ### Exercise 3
#
# Now maps with noise in every shell and no filter: `lowpass=0`, `noise=4`. This is what phase randomisation was made
# for. *Predict* for 5 Å: what do the masked, the corrected and the modified curve say, and which of them is lowest?

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["solution", "hide-cell"]
# Solution
noisy = cn.diagnose(cn.filtered_half_maps("filter_then_mask", **{**FILTER, "lowpass": 0.0}, noise=4.0), "fsc")
at = {kind: float(noisy.fsc.sel(fsc_kind=kind)[28:31].mean()) for kind in noisy.fsc_kind.values}
with cn.folded():
    print(", ".join(f"{kind} {value:.2f}" for kind, value in at.items()))
    print("Random phases agree on nothing here: the mask has leaked nothing, and the corrected curve is the masked one.")
    print(
        "The modified curve is the cautious one: a shell that is cut out reaches through the whole box, and brings some of"
    )
    print("the solvent's noise under the mask. It lies between the unmasked and the masked curve.")
assert at["phase_randomised"] < 0.1 and abs(at["corrected"] - at["masked"]) < 0.05
assert at["raw"] + 0.2 < at["modified"] < at["corrected"] - 0.15
assert not noisy.below_floor.values[1:].any()

# %% [markdown]
# ## What to take home
#
# - Look at the unmasked curve first. Where it is near zero and the masked one near one, the mask made the difference.
# - Phase randomisation works where the maps hold noise. Past a filter, or past the end of the data, trust no masked
#   curve, look for the hatching, and read the verdict. The modified curve cannot be leaked into; where there is noise it is the more
#   cautious of the two.
# - Filter last, or not at all, before you compute an FSC.
#
# ## Where these numbers come from

# %%
cn.record(both, parts, filtered["filter, then mask"])
