"""The law of the dithered correlation at full size: its root is the correlation of a half map with the truth.

Run by hand: ``python tests/benchmarks/law.py`` (three minutes on two cores). 1,000 particles of 64 pixels into a box
of 128 voxels, four phantoms of different spectra, pad 1 and 2, with and without CTF; then the curves of the first of
them at a few shells.
"""

import warnings

import numpy as np

import cryonb as cn
from cryonb.imaging.fourier import half_transform
from cryonb.imaging.shells import fourier_shell_correlation

SIZE, NYQUIST = 128, 32
PHANTOMS = {
    "helices, B 60": dict(kind="helices", b_factor=60.0),
    "helices, B 150": dict(kind="helices", b_factor=150.0, arrangement=3),
    "helices of 45 A, B 120": dict(kind="helices", b_factor=120.0, radius=45.0, arrangement=1),
    "octahedral, B 60": dict(kind="octahedral", b_factor=60.0),
}
SNR = {False: 100.0, True: 400.0}
"""Little noise: the more there is, the less of a tail the empty shells of the circle hold."""

COLUMNS = (
    "root of dithered, off the truth by (at shell)",
    "dithered, off its square where FSC < 0.2",
    "dithered past sqrt 2",
    "circle past sqrt 2, mean (least)",
    "grid_locked_circle there",
    "surrogate two shells past its band, to sqrt 2",
    "noise, from shell 8",
)
SHOWN = (16, 28, 31, 32, 33, 34, 36, 38, 40, 42, 44, 45, 48, 52, 60, 63)


def judged(phantom, ctf: bool, pad: float) -> list[str]:
    """Return the largest departures from the law, and what the empty shells hold."""
    particles = cn.simulate(phantom, n_particles=1000, binning=2.0, ctf=ctf, snr=SNR[ctf], seed=3)
    box = dict(box_size=SIZE, pad_factor=pad, limit="square")
    parts = cn.diagnose(particles, "decomposition", config=dict(box=box), surrogates=2)
    half = cn.reconstruct(particles, box=dict(**box, corners="keep"))["half_map"].values[0]
    truth = fourier_shell_correlation(half_transform(half), half_transform(phantom["density"].values))
    curve = {name: parts["fsc"].sel(component=name).values for name in parts["component"].values}
    shell = np.arange(SIZE // 2 + 1)
    high = (curve["dithered"] > 0.2) & (shell > 0)
    low = ~high & (shell > 0)
    root = np.abs(np.sqrt(np.clip(curve["dithered"], 0, 1)) - truth) * high
    past = shell > 2**0.5 * NYQUIST
    circle, excess = (curve[name][past][:-1] for name in ("circle", "grid_locked_circle"))
    return [
        f"{root.max():.3f} ({root.argmax()})",
        f"{(np.abs(curve['dithered'] - truth**2) * low).max():.3f}",
        f"{np.abs(curve['dithered'][past]).max():.3f}",
        f"{circle.mean():.2f} ({circle.min():.2f})",
        f"{excess.mean():.2f}",
        f"{curve['surrogate'][(shell >= NYQUIST + 2) & ~past].max():.3f}",
        f"{np.abs(curve['noise'][8:]).max():.3f}",
    ]


def shapes() -> None:
    """Print the curves at a few shells, without CTF and at an SNR of 20, no mask."""
    phantom = cn.phantom("helices", radius=56.0, n_points=5900)
    settings = dict(n_particles=1000, binning=2.0, ctf=False, snr=20.0, shift_sigma=0.0)
    particles = cn.simulate(phantom, **settings)
    print(f"\n| FSC at shell | {' | '.join(map(str, SHOWN))} |")
    for pad in (2.0, 1.0):
        box = dict(box_size=SIZE, pad_factor=pad)
        parts = cn.diagnose(particles, "decomposition", config=dict(box=box), surrogates=4)
        for component in ("standard", "dithered", "circle", "dithered_circle", "surrogate", "surrogate_circle"):
            values = parts["fsc"].sel(component=component).values[list(SHOWN)]
            print(f"| {component}, pad {pad:g} | {' | '.join(f'{value:.2f}' for value in values)} |")


def main() -> None:
    """Print the tables."""
    warnings.simplefilter("ignore")
    print("| phantom | CTF | pad |", " | ".join(COLUMNS), "|")
    for name, settings in PHANTOMS.items():
        phantom = cn.phantom(settings.pop("kind"), box_size=SIZE, pixel_size=1.5, **settings)
        for ctf in (False, True):
            for pad in (1.0, 2.0):
                cells = (name, "yes" if ctf else "no", f"{pad:g}", *judged(phantom, ctf, pad))
                print("|", " | ".join(cells), "|", flush=True)
    shapes()


if __name__ == "__main__":
    main()
