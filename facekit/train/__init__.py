r"""Training of facekit's own networks; nothing outside this package imports it.

From the data folder to shipped files, with two processes and no GPU::

    python -m facekit.synthetic --data DATA --out SHARDS/train --count 30000 --split train
    python -m facekit.synthetic --data DATA --out SHARDS/val --count 1500 --split val
    python -m facekit.train photos --data DATA --out PHOTOS
    python -m facekit.train landmarks --data DATA --shards SHARDS --photos PHOTOS --out RUN \\
        --minutes 60 --publish weights
    python -m facekit.train head_pose --data DATA --shards SHARDS --photos PHOTOS --out RUN2 \\
        --start RUN/best.pt --minutes 25 --publish weights

A run that was stopped continues with ``--resume``; ``--minutes 0 --publish`` publishes the best
network of a run again. On Linux with glibc these settings save a third of the time, since torch
asks for large blocks again and again: ``MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=4294967296
MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456``.

Order of reading: `data` (labelled pictures), `augment` and `crops` (batches), `losses`, `loop`,
then one file per network.
"""
