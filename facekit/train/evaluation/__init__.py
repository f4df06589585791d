"""What ``facekit.train.evaluate`` is made of: sets, peers, scores, one file per network."""
