"""Videos without recognisable faces, and a check of the result: see `facekit.privacy.run`."""
