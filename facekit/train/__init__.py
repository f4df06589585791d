r"""Training of facekit's own networks; nothing outside this package imports it.

From the data folder to shipped files, with two processes and no GPU::

    python -m facekit.synthetic --data DATA --out SHARDS/train --count 30000 --split train
    python -m facekit.synthetic --data DATA --out SHARDS/val --count 1500 --split val
    python -m facekit.train photos --data DATA --out PHOTOS
    python -m facekit.train landmarks --data DATA --shards SHARDS --photos PHOTOS --out RUN \\
        --minutes 60 --publish weights
    python -m facekit.train head_pose --data DATA --shards SHARDS --photos PHOTOS --out RUN2 \\
        --start RUN/best.pt --minutes 25 --publish weights

Action units and gaze read all sets named ``train...`` in their folder; most of their faces have
skins blended out of two people's (`facekit.synthetic.blend`)::

    python -m facekit.synthetic --data DATA --out FACES/train-blended --count 44000 --seed 401 \\
        --expressions action_units --wrinkles FACES/wrinkles.npz --blended 0.85
    python -m facekit.train action_units --data DATA --shards FACES --photos PHOTOS --out RUN3 \\
        --minutes 75 --publish weights
    python -m facekit.synthetic.eye_shards --data DATA --out EYES/train-blended --count 26000 \\
        --blended 0.85
    python -m facekit.train eye_photos --data DATA --out EYEPHOTOS
    python -m facekit.train gaze --data DATA --shards EYES --photos EYEPHOTOS --out RUN4 \\
        --minutes 45 --publish weights

A run that was stopped continues with ``--resume``; ``--minutes 0 --publish`` publishes the best
network of a run again. On Linux with glibc these settings save a third of the time, since torch
asks for large blocks again and again: ``MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=4294967296
MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456``.

Order of reading: `data` (labelled pictures), `augment` and `crops` (batches), `losses`, `loop`,
then one file per network.
"""
