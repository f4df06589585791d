"""``python -m facekit``: the same as the ``facekit`` command."""

from facekit.cli.main import main

main()
