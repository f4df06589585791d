"""Two steps of training, a resumed one, publication, and the shipped file's runner."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from facekit.estimate.crops import SIZE
from facekit.network.head_pose import HeadPoseNetwork
from facekit.runtime.device import choose
from facekit.runtime.runner import load
from facekit.train import head_pose, landmarks, loop
from facekit.train.loop import BEST, LOG

SHAPES = {
    "landmarks": [(3, 478, 3), (3, 478), (3, 1)],
    "head_pose": [(3, 6), (3, 3)],
}


@pytest.fixture(autouse=True)
def unmirrored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mirror map comes with the face model, which is not part of the checkout."""
    for module in (landmarks, head_pose):
        monkeypatch.setattr(module, "point_mirror", lambda data: np.arange(478))


@pytest.mark.parametrize("name", ["landmarks", "head_pose"])
def test_train_resume_publish_run(
    name: str, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = {"landmarks": landmarks, "head_pose": head_pose}[name]
    out, folder = tmp_path / "run", tmp_path / "weights"
    arguments = [
        "--data",
        str(tmp_path),
        "--shards",
        str(shards),
        "--out",
        str(out),
        "--batch",
        "4",
        "--minutes",
        "5",
    ]
    assert trainer.main([*arguments, "--steps", "2"]) == 0
    before = (out / BEST).stat().st_mtime_ns
    assert before
    assert trainer.main([*arguments, "--steps", "3", "--resume", "--publish", str(folder)]) == 0
    lines = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 3]
    assert all(np.isfinite(line["losses"]["total"]) for line in lines)

    monkeypatch.setenv("FACEKIT_WEIGHTS", str(folder))
    runner = load(name, choose("cpu"))
    crops = np.random.default_rng(0).integers(0, 256, (3, 3, SIZE, SIZE)).astype(np.float32)
    assert [output.shape for output in runner.run(crops)] == SHAPES[name]
    entry = json.loads((folder / "manifest.json").read_text())["networks"][name]
    assert entry["seed"] == 0
    assert entry["training_data"] and all("licence" in row for row in entry["training_data"])
    assert "renders" in entry["scores"]


def test_same_seed_same_network(shards: Path, tmp_path: Path) -> None:
    states = []
    for run in ("a", "b"):
        arguments = [
            "--data",
            str(tmp_path),
            "--shards",
            str(shards),
            "--out",
            str(tmp_path / run),
            "--batch",
            "4",
            "--minutes",
            "9",
            "--steps",
            "2",
        ]
        landmarks.main(arguments)
        states.append(loop.best_state(tmp_path / run))
    # The schedule follows the steps here, since two steps take far less than nine minutes.
    for key, value in states[0].items():
        torch.testing.assert_close(value, states[1][key], rtol=0, atol=2e-3, msg=key)


def test_head_pose_starts_from_the_landmark_trunk(shards: Path, tmp_path: Path) -> None:
    arguments = [
        "--data",
        str(tmp_path),
        "--shards",
        str(shards),
        "--out",
        str(tmp_path / "run"),
        "--batch",
        "4",
        "--minutes",
        "9",
        "--steps",
        "1",
    ]
    landmarks.main(arguments)
    network = HeadPoseNetwork()
    head_pose.start_from(network, tmp_path / "run" / BEST)
    expected = loop.best_state(tmp_path / "run")["trunk.0.0.weight"]
    torch.testing.assert_close(network.trunk.state_dict()["0.0.weight"], expected)
