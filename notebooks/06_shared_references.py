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
# # Can two half maps agree about nothing?
#
# The Fourier shell correlation (FSC) asks how far two half maps agree, and takes agreement for signal. That is right as
# long as the halves know nothing of each other. But particles have to be aligned to *something*. If both halves are
# aligned to the same reference, noise is turned and shifted until it looks like that reference, in both halves alike.
# Here we make this happen: first in pictures, then in maps, and then we measure how much of a real curve it is.
#
# ![Top: a drawn face, one image of pure noise, and the averages of 10, 100, 1000 and 4000 images of pure noise that
# were shifted to fit the face: the face appears. Below left: the FSC of 400 noise images refined against one shared
# reference is high up to the limit of the alignment at 14 angstrom; that of halves apart falls to zero by 21 angstrom.
# Below right: a section of the starting volume, and the same section of the map made of noise, which resembles
# it.](figures/06_shared_references.png)
#
# Yes, they can. All of the images that made these pictures hold noise and nothing else.

# %%
import io

import numpy as np
import pandas as pd
from IPython.display import Image
from matplotlib.figure import Figure

import cryonb as cn
from cryonb.imaging.fourier import half_radius, half_transform, real_space, resize

EDGE = 48  # pixels of the drawn picture
AVERAGES = (10, 100, 1000, 4000)  # noise images in an average
REACHES = (2, EDGE // 2)  # shifts that are tried, along x and y [pixel]
SIZE, PIXEL, COUNT = 32, 4.0, 400  # particle images: they end at 8 angstrom
LENGTH = SIZE * PIXEL  # edge of the box [angstrom]
NOTHING, SOME = 1e-12, 0.15  # signal over noise in the images: none that a computer could hold, and a little
START = 16.0  # the starting volume shows this much where one reference is shared [angstrom]
COARSE_START = 40.0  # and this much where halves are to be independent [angstrom]
SHARED = dict(recipe="heterogeneous", n_iterations=3, initial_lowpass=START, params=dict(box_size=SIZE))
APART = dict(recipe="homogeneous", n_iterations=3, initial_lowpass=COARSE_START, params=dict(join_resolution=40.0))
LIMITED = dict(
    recipe="resolution_limited", n_iterations=3, initial_lowpass=START, params=dict(alignment_resolution=16.0)
)
SUBSTITUTE_FROM = 32.0  # noise replaces all that is finer in the images [angstrom]
JUDGED = slice(6, 9)  # shells 6, 7 and 8: from 21 to 16 angstrom
SEED = 1
VERMILLION, BLUE, GREEN, GREY = "#d55e00", "#0072b2", "#009e73", "#777777"

# %% [markdown]
# ## A face from noise
#
# We draw a face, make images of pure noise, shift each of them to where it fits the face best, and average. One image
# fits the face hardly better than chance: try enough shifts, and one of them is the best.
#
# **Predict:** an image agrees with the face by a correlation *m* of a few per cent, every image by another accident. In
# the mean of *N* images the noise falls as 1/√*N*, and what they were selected for stays. So the mean of *N* images
# should correlate with the face by
#
# $$\frac{1}{\sqrt{1+(1-m^2)/(N\,m^2)}}$$
#
# What does that make of 100 images, and of 4000? And what if only a few shifts are tried?


# %%
def drawn_face(edge=EDGE):
    """A round face, of mean zero and power one."""
    y, x = (np.indices((edge, edge)) - edge // 2) / (edge / 2)

    def stroke(distance):
        return np.exp(-((distance / 0.07) ** 2))

    face = stroke(np.hypot(x, y) - 0.8) + stroke(np.hypot(x, y - 0.05) - 0.45) * (y > 0.2)
    face += sum(stroke(np.maximum(np.hypot(x - side, y + 0.25) - 0.05, 0)) for side in (-0.3, 0.3))
    face -= face.mean()
    return face / np.linalg.norm(face)


def shifted_to_fit(images, picture, reach):
    """Every image, shifted within reach to where it correlates best with the picture, and how well it then does."""
    match = np.fft.irfft2(np.fft.rfft2(images) * np.fft.rfft2(picture).conj(), s=picture.shape)
    shift = np.minimum(np.arange(EDGE), EDGE - np.arange(EDGE))
    allowed = (shift[:, None] <= reach) & (shift <= reach)
    best = np.where(allowed, match, -np.inf).reshape(len(images), -1).argmax(axis=1)
    moved = [np.roll(image, (-(at // EDGE), -(at % EDGE)), (0, 1)) for image, at in zip(images, best)]
    return np.stack(moved), match.reshape(len(images), -1)[np.arange(len(images)), best] / EDGE


def alike(one, other):
    return float(np.corrcoef(np.ravel(one), np.ravel(other))[0, 1])


face = drawn_face()
images = np.random.default_rng(SEED).standard_normal((AVERAGES[-1], EDGE, EDGE), dtype=np.float32)
fitted, rows = {}, []
for reach in REACHES:
    fitted[reach], scores = shifted_to_fit(images, face, reach)
    m = round(float(scores.mean()), 3)
    for number in AVERAGES:
        expected = 1 / np.sqrt(1 + (1 - m**2) / (number * m**2))
        rows.append((min(2 * reach + 1, EDGE) ** 2, m, number, expected, alike(fitted[reach][:number].mean(0), face)))
names = ("shifts tried", "m of one image", "images", "predicted", "measured")
table = pd.DataFrame(rows, columns=names).set_index(list(names[:3])).round(3)

half = AVERAGES[-1] // 2
halves_2d = alike(fitted[REACHES[-1]][:half].mean(0), fitted[REACHES[-1]][half:].mean(0))
few, many = table.loc[25], table.loc[EDGE**2]
assert abs(many.index[0][0] - 0.066) < 0.003 and abs(few.index[0][0] - 0.026) < 0.003
assert np.allclose(many["measured"], (0.20, 0.55, 0.90, 0.97), atol=0.06)
assert (many["measured"].values > few["measured"].values).all() and abs(
    table["predicted"] - table["measured"]
).max() < 0.12
assert abs(halves_2d - 0.9) < 0.05
print(f"Two averages of {half} images each, which share no image, correlate by {halves_2d:.2f}.")
table

# %% [markdown]
# One image agrees with the face by 0.066, which nobody would see. Hundreds of them show it. **More images make it
# worse**, and so do more things to try: 25 shifts give less of a face than 2304, and a search over turns and shifts in
# three dimensions tries millions. And the last line is what this notebook is about: two averages *that share no image*
# correlate by 0.9. If you had called them half maps, you would have called it signal.
#
# ## The same with half maps
#
# Now 400 particle images of pure noise are refined in three dimensions, in two ways:
#
# - `heterogeneous`: all images are aligned to **one reference** (the phantom, low-passed to 16 Å), and split into
#   halves afterwards. Heterogeneous refinement in cryoSPARC, RELION's Class3D and cisTEM share a reference in this way;
# - `homogeneous`: each half is aligned to **a reference of its own**. Both begin from the phantom low-passed to 40 Å,
#   and are joined below 40 Å, so that they do not turn apart.
#
# **Predict** both FSC curves, from coarse to fine. Where does the one that is made up end?

# %%
truth = cn.phantom("helices", box_size=2 * SIZE, pixel_size=PIXEL / 2)
imaged = dict(n_particles=COUNT, binning=2, ctf=False, seed=SEED)
noise = cn.simulate(truth, snr=NOTHING, **imaged)
from_noise = {
    name: cn.refine(noise, truth, refine=one) for name, one in (("one reference", SHARED), ("halves apart", APART))
}


def level(run):
    """The mean FSC from 21 to 16 angstrom."""
    return float(run["fsc_unmasked"][JUDGED].mean())


shared, apart = from_noise.values()
limit = float(shared["alignment_limit"])
finer = np.asarray(shared["fsc_unmasked"])[round(LENGTH / limit) + 2 :]
print(f"From 21 to 16 Å: {level(shared):.2f} with one reference, {level(apart):.2f} with halves apart.")
claimed = float(shared["claimed_resolution"])
print(f"Past the limit of the alignment, {limit:.1f} Å: {finer.mean():.2f}. The claim: {claimed:.0f} Å.")
assert abs(level(shared) - 0.62) < 0.12 and abs(level(apart)) < 0.1
assert abs(limit - 14.2) < 0.1 and abs(finer.mean()) < 0.05
assert 14 < float(shared["claimed_resolution"]) < 18 and abs(float(apart["claimed_resolution"]) - 25) < 3


# %% tags=["answer"]
def lowpassed(density, resolution):
    """A map without what is finer than a resolution."""
    inside = half_radius(len(density)) <= LENGTH / resolution
    return real_space(half_transform(density) * inside, len(density)).astype(np.float32)


def section(density):
    fine = resize(density, 4 * SIZE)
    slab = fine[:, 2 * SIZE - 4 : 2 * SIZE + 5].mean(axis=1)
    return slab[SIZE // 2 : -SIZE // 2, SIZE // 2 : -SIZE // 2] / fine.std()


start = lowpassed(resize(truth["density"].values, SIZE), START)
made_up = lowpassed(shared["volume"].values, START)
assert abs(alike(made_up, start) - 0.48) < 0.05
figure = Figure(figsize=(9.5, 6.2), layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=(1, 1.75))
pictures = {"the face": face, "one image": images[0]}
pictures |= {f"mean of {number}": fitted[REACHES[-1]][:number].mean(axis=0) for number in AVERAGES}
for axes, (name, picture) in zip(above.subplots(1, len(pictures)), pictures.items()):
    axes.imshow(picture, cmap="gray")
    axes.set_title(name, fontsize=10)
    axes.set(xticks=(), yticks=(), xlabel="" if name == "the face" else f"like the face: {alike(picture, face):.2f}")

left, middle, right = below.subplots(1, 3, width_ratios=(2.1, 1, 1))
for (name, run), colour, style in zip(from_noise.items(), (VERMILLION, BLUE), ("-", "--")):
    left.plot(run["frequency"], run["fsc_unmasked"].where(run["frequency"] > 0), style, color=colour, lw=2, label=name)
marked = (
    (1 / 40, "joined", ":", 0.62),
    (1 / limit, "aligned to", "-.", 0.98),
    (1 / 8, "particle = grid Nyquist", "-", 0.98),
)
for at, words, style, top in marked:
    left.axvline(at, color=GREY, lw=1.2, ls=style)
    left.text(at, top, f" {words}", rotation=90, fontsize=8, ha="right", va="top", color="#555555")
left.axhline(0.143, color=GREY, lw=0.8, ls="--")
left.set(xlim=(0, 0.127), ylim=(-0.12, 1.0), xlabel="spatial frequency [1/Å]", ylabel="FSC of pure noise")
left.legend(fontsize=9, loc="upper right", bbox_to_anchor=(0.96, 0.72))
scale = left.secondary_xaxis("top")
ticks = (64, 32, 20, 16, 12, 10, 8)
scale.set_xticks([1 / tick for tick in ticks], [str(tick) for tick in ticks], fontsize=8)
scale.set_xlabel("resolution [Å]", fontsize=9)
for axes, density, name in ((middle, start, "the start, to 16 Å"), (right, made_up, "the map of pure noise")):
    axes.imshow(section(density), cmap="gray", origin="lower", interpolation="bicubic")
    axes.set_title(name, fontsize=10)
    axes.set(xticks=(), yticks=())
right.set_xlabel(f"like the start: {alike(made_up, start):.2f}")
figure.savefig(picture := io.BytesIO(), format="png", dpi=88, pil_kwargs={"optimize": True})
Image(picture.getvalue(), width=836)

# %% [markdown]
# With one reference the noise claims a resolution of about 16 Å, by a curve that looks like any other. It ends where
# the alignment ends, near 14.2 Å: what was never compared with the reference could not be fitted to it, and averages
# out. And the map resembles the start, because that is what the noise was asked to resemble: their correlation is 0.48,
# over the whole box.
#
# With halves apart the curve falls from the join to zero, within three shells or so that still know of their
# neighbours. Mind the claim all the same: read near the join, it is 25 Å, of nothing. A number from a curve that falls
# where the recipe stops sharing says where the recipe stops sharing.
#
# Two rules follow. Halves have to be apart **from the beginning**, which Exercise 1 puts to the test. And what lies
# **past the limit of the alignment** is honest even with one reference. The second is a way of working.
#
# ## Never look at it, and it cannot lie
#
# `resolution_limited` refines as Frealign and cisTEM do: one reference, all particles, and a limit that you fix.
# Alignment never looks past it (and stops some shells short of it, over which the mask smears what it knows). The map
# and its curve go on. We give it the noise, and then particles with a little signal: noise has some seven times the
# power of the signal.
#
# **Predict:** with the limit at 16 Å, what will each curve show before the limit, and what past it?

# %%
particles = cn.simulate(truth, snr=SOME, **imaged)
limited = {name: cn.refine(stack, truth, refine=LIMITED) for name, stack in (("noise", noise), ("signal", particles))}
aligned_to = float(limited["noise"]["alignment_limit"])
before = {name: float(run["fsc_unmasked"][round(LENGTH / aligned_to)]) for name, run in limited.items()}
past = {name: level(run) for name, run in limited.items()}
print(
    f"At {aligned_to:.1f} Å, the last shell that is aligned to: " + ", ".join(f"{n} {v:.2f}" for n, v in before.items())
)
print("From 21 to 16 Å, past the limit: " + ", ".join(f"{n} {v:.2f}" for n, v in past.items()))
assert abs(aligned_to - 25.6) < 0.01 and before["noise"] > 0.5
assert abs(past["noise"]) < 0.1 and past["signal"] > 0.15
cn.overlay(cn.compare(limited))

# %% [markdown]
# Up to 25.6 Å the curve of noise is as high as that of signal, and means nothing. Past it, noise drops to zero within a
# shell or two and signal does not. **Correlation past the limit of the alignment is evidence**, whoever shared which
# reference. (The claims in the figure are again read off where a curve falls to 0.143. That of noise falls there right
# behind the limit: look at the curve, not at the number.) The price is that poses are found with less.
#
# ## How much of *my* curve is made up?
#
# You cannot wish for another refinement every time. **Noise substitution** (Chen and others, 2013) measures what the
# one at hand makes up: take your own particles, replace everything finer than some resolution in them by noise of the
# same power, and run *the same refinement* again. Past that resolution there is nothing left to find. What the curve
# shows there, the refinement made:
#
# $$\mathrm{FSC}_\mathrm{true}=\frac{\mathrm{FSC}_\mathrm{run}-\mathrm{FSC}_\mathrm{noise}}{1-\mathrm{FSC}_\mathrm{noise}}$$
#
# **Predict:** the particles with a little signal, refined with one shared reference to 14.2 Å. We know their true
# poses, so that we can make the curve that they deserve. Will the curve of the refinement lie above or below it? And
# the corrected one?

# %%
settings = dict(config=dict(refine=SHARED), references=truth)
judged = cn.diagnose(particles, "noise_substitution", from_resolution=SUBSTITUTE_FROM, **settings)
cn.draw(judged)

# %% [markdown]
# The part that is made up is large, and the formula takes it out. Beside the curve that the true poses give, from 21 to
# 16 Å:

# %%
deserved = level(cn.reconstruct(particles))
mean = {name: float(judged["fsc"].sel(curve=name)[JUDGED].mean()) for name in judged["curve"].values}
rows = {
    "the run": mean["run"],
    "of noise alone": mean["substituted"],
    "corrected": mean["true"],
    "true poses": deserved,
}
assert "made up by halves that are not independent" in judged.attrs["verdict"]
assert mean["run"] > deserved + 0.05 and mean["substituted"] > 0.3
assert 0.1 < mean["true"] < deserved
pd.DataFrame({"mean FSC, 21 to 16 Å": rows}).round(2)

# %% [markdown]
# The refinement claims *more* than perfect poses could give: that alone is proof that something is made up. The
# corrected curve lies below the one that the particles deserve. It errs on the safe side, because where there is signal
# to align to, less noise is fitted than in images that have none. Read it as what *survives the doubt*, not as the
# truth.
#
# `noise_substitution` works for every recipe, and costs a second refinement. In a decomposition,
# `shared_reference=True` makes the same a layer of its own.
#
# ## Exercises
#
# Each asks you to predict first. To open a solution, click the three dots below the question (on a page of the
# documentation, its arrow).
#
# ### Exercise 1
#
# Independent halves are called the gold standard. But both must start somewhere. Refine the noise with halves apart as
# above, but from a start that shows 16 Å in place of 40 Å. **Predict** the mean FSC from 21 to 16 Å: zero, as high as
# with one reference, or between?

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["solution", "hide-cell"]
# Solution
late = cn.refine(noise, truth, refine={**APART, "initial_lowpass": START})
with cn.folded():
    print(f"Apart from 40 Å on: {level(apart):.2f}; from 16 Å on: {level(late):.2f}; never apart: {level(shared):.2f}.")
    assert level(apart) + 0.05 < level(late) < level(shared) - 0.2
    print("Between. Each half goes its own way, but both remember the detail of the start that they shared.")
    print("Halves are independent only of what is finer than their common start: low-pass it well.")

# %% [markdown]
# ### Exercise 2
#
# More data cure most things. Take only the first 100 of the 400 noise images, and refine them with one reference.
# **Predict:** is the made-up part of the curve larger or smaller than that of 400? And where does it go with ever more
# images?

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["solution", "hide-cell"]
# Solution
fewer = cn.refine(noise.isel(particle=slice(0, 100)), truth, refine=SHARED)
with cn.folded():
    print(f"From 21 to 16 Å: {level(fewer):.2f} of 100 images, {level(shared):.2f} of {COUNT}.")
    assert level(fewer) < level(shared) - 0.15
    ratio = [level(run) / (1 - level(run)) for run in (fewer, shared)]
    assert 2 < ratio[1] / ratio[0] < 8
    print(f"FSC/(1 - FSC) grows {ratio[1] / ratio[0]:.1f} times with 4 times the images, as that of signal would.")
    print("More data do not cure a shared reference: they make what it invents more convincing.")

# %% [markdown]
# ## Where these numbers come from
#
# The noise substitution and the two refinements of noise, with their settings and ancestors.

# %%
cn.record(judged, shared, apart)
