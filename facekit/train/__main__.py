"""Dispatch ``python -m facekit.train NETWORK [OPTIONS]`` to ``facekit.train.NETWORK.main``."""

import importlib
import logging
import pkgutil
import sys

import facekit.train


def main(arguments: list[str]) -> int:
    """Run the named trainer with the remaining arguments; returns the exit code."""
    names = sorted(
        module.name
        for module in pkgutil.iter_modules(facekit.train.__path__)
        if not module.name.startswith("_")
    )
    name = arguments[0].replace("-", "_") if arguments else ""
    trainer = importlib.import_module(f"facekit.train.{name}") if name in names else None
    if trainer is None or not hasattr(trainer, "main"):
        logging.error("usage: python -m facekit.train NETWORK [OPTIONS]; modules: %s", names)
        return 2
    logging.basicConfig(format="%(message)s")
    logging.getLogger("facekit").setLevel(logging.INFO)
    return int(trainer.main(arguments[1:]) or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
