from pathlib import Path
from typing import Any

import pytest

from facekit.errors import OptionsError
from facekit.options import PipelineOptions, read_toml


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"detect_every": 0}, "detect_every: 0 is not valid. Expected >= 1"),
        ({"detect_every": 2.5}, "detect_every: 2.5 is not valid"),
        ({"detect_every": True}, "detect_every: True is not valid"),
        ({"min_face": 0}, "min_face: 0 is not valid. Expected > 0"),
        ({"min_face": float("nan")}, "min_face: nan is not valid"),
        ({"max_faces": 0}, "max_faces: 0 is not valid"),
        ({"threads": -1}, "threads: -1 is not valid"),
        ({"start": -1.0}, "start: -1.0 is not valid. Expected seconds >= 0"),
        ({"every": 0}, "every: 0 is not valid. Expected seconds > 0"),
        ({"start": 5, "end": 5}, "end: 5 is not valid. Expected later than start=5"),
        ({"largest": "yes"}, "largest: 'yes' is not valid. Expected true or false"),
        ({"roi": (1, 2, 3)}, "roi: .1, 2, 3. is not valid"),
        ({"roi": (0, 0, 0, 9)}, "roi: .0, 0, 0, 9. is not valid"),
        ({"landmarks": "dlib"}, "landmarks: 'dlib' is not valid. Expected one of facekit, media"),
        ({"head_pose": "dlib"}, "head_pose: 'dlib' is not valid. Expected one of facekit, none"),
        (
            {"action_units": "yes"},
            "action_units: 'yes' is not valid. Expected one of f",
        ),
        ({"temporal": "late"}, "temporal: 'late' is not valid. Expected one of auto, causal, l"),
        ({"focal": 0}, "focal: 0 is not valid. Expected pixels > 0"),
        ({"fov": 180}, "fov: 180 is not valid. Expected degrees between 0 and 180"),
        ({"focal": 900, "fov": 60}, "fov: 60 is not valid. Expected either focal or fov"),
        ({"device": "tpu"}, "device: 'tpu' is not valid. Expected one of auto, cpu, cuda, mps"),
        ({"columns": ("smell",)}, "columns: 'smell' is not valid"),
        ({"detect_evry": 1}, "no option named 'detect_evry'. Options are: action_units, au_head"),
    ],
)
def test_bad_values_are_shown(values: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        PipelineOptions.from_mapping(values)


def test_mapping_there_and_back() -> None:
    options = PipelineOptions(
        detect_every=3, roi=(1.0, 2.0, 30.0, 40.0), columns=("landmarks68",), landmarks="mediapipe"
    )
    assert PipelineOptions.from_mapping(options.to_mapping()) == options


def test_a_toml_file_may_use_dashes(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text("detect-every = 5\nroi = [0, 0, 100, 50]\n", encoding="utf-8")
    options = PipelineOptions.from_mapping(read_toml(file), where=file)
    assert (options.detect_every, options.roi) == (5, (0, 0, 100, 50))


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot be read"), ("detect_every 5", "is not TOML")]
)
def test_an_unusable_toml_file_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    file = tmp_path / "study.toml"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(OptionsError, match=f"study.toml: {message}"):
        read_toml(file)
