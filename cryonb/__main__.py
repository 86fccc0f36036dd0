"""``python -m cryonb`` is the command ``cryonb``."""

from .cli.process import run

if __name__ == "__main__":
    run()
