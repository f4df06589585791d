import json
import shutil
from pathlib import Path

import pytest

from facekit.errors import WeightsError
from facekit.runtime import weights
from facekit.runtime.device import choose
from facekit.runtime.runner import load


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(weights.ENVIRONMENT, str(tmp_path))
    return tmp_path


def test_every_shipped_file_is_the_one_of_the_manifest() -> None:
    manifest = weights.load_manifest()
    assert {"mtcnn_proposal", "mtcnn_refinement", "mtcnn_output"} <= set(manifest.networks)
    for entry in manifest.networks.values():
        for file in (entry.onnx, entry.torch):
            assert weights.find_verified(file).stat().st_size == file.size
        for key in ("licence", "source", "training_data", "command", "input", "crop"):
            assert entry.details[key], f"{entry.name} lacks {key}"


def test_the_environment_comes_first_and_the_users_folder_last(folder: Path) -> None:
    path = weights.search_path()
    assert path[0] == folder
    assert path[-1].name == "weights"
    assert "facekit" in path[-1].parts
    (folder / "mtcnn_proposal.onnx").write_bytes(b"mine")
    assert weights.find("mtcnn_proposal.onnx") == folder / "mtcnn_proposal.onnx"
    assert weights.find("mtcnn_output.onnx").parent != folder


def test_a_changed_file_is_refused_with_both_hashes(folder: Path) -> None:
    entry = weights.load_manifest().network("mtcnn_proposal")
    shutil.copy(weights.find(entry.onnx.name), folder)
    load("mtcnn_proposal", choose("cpu", 1))
    with (folder / entry.onnx.name).open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(WeightsError, match=entry.onnx.sha256) as caught:
        load("mtcnn_proposal", choose("cpu", 1))
    assert str(folder / entry.onnx.name) in str(caught.value)
    assert weights.hash_file(folder / entry.onnx.name) in str(caught.value)


def test_missing_names_say_what_there_is() -> None:
    manifest = weights.load_manifest()
    with pytest.raises(WeightsError, match="mtcnn_output"):
        manifest.network("nothing")
    with pytest.raises(WeightsError, match="mediapipe"):
        manifest.third_party("nothing")
    with pytest.raises(WeightsError, match=r"nothing\.onnx: not found in"):
        weights.find("nothing.onnx")


def test_a_manifest_of_ones_own_adds_to_the_shipped_one(folder: Path) -> None:
    raw = json.loads(weights.find(weights.MANIFEST).read_text())
    mine = {"mtcnn_output": raw["networks"]["mtcnn_output"] | {"licence": "mine"}}
    (folder / weights.MANIFEST).write_text(json.dumps({"networks": mine, "optional": {}}))
    manifest = weights.load_manifest()
    assert manifest.network("mtcnn_output").details["licence"] == "mine"
    assert "mtcnn_proposal" in manifest.networks


@pytest.mark.parametrize("text", ["{", "[]", '{"networks": {"a": {}}, "optional": {}}'])
def test_a_broken_manifest_is_named(folder: Path, text: str) -> None:
    (folder / weights.MANIFEST).write_text(text)
    with pytest.raises(WeightsError, match="not a facekit manifest"):
        weights.load_manifest()
