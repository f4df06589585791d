import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from facekit.errors import OptionsError, SourceError
from facekit.synthetic import shards
from facekit.synthetic.__main__ import main
from facekit.synthetic.ratio_images import load_layout
from facekit.synthetic.wrinkles import make_library


def plan(data: Path, **changes: object) -> shards.ShardPlan:
    options: dict[str, object] = {"count": 7, "size": 48, "shard": 3, "people_every": 2}
    return shards.ShardPlan(data=data, split="val", **{**options, **changes})  # type: ignore[arg-type]


def test_shards_cover_every_sample_once() -> None:
    parts = plan(Path("nowhere")).shards()
    assert [list(part) for part in parts] == [[0, 1, 2], [3, 4, 5], [6]]


def test_no_pictures_are_refused() -> None:
    with pytest.raises(OptionsError, match="count"):
        plan(Path("nowhere"), count=0)


def test_an_empty_folder_is_no_set(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no complete shard"):
        shards.read(tmp_path)


def test_resuming_gives_what_one_go_gives(data: Path, tmp_path: Path) -> None:
    wanted = plan(data)
    list(shards.write(wanted, tmp_path / "whole"))
    first = next(iter(shards.write(wanted, tmp_path / "halved")))  # stopped after one shard
    assert first.name == "00000.truth.npz"
    (tmp_path / "halved" / "00001.images.npy.partial").write_bytes(b"half a shard")
    assert len(list(shards.write(wanted, tmp_path / "halved"))) == 2
    whole, halved = shards.read(tmp_path / "whole"), shards.read(tmp_path / "halved")
    assert len(whole) == 7
    for row in range(7):
        np.testing.assert_array_equal(whole.image(row), halved.image(row))
    for name in shards.TRUTH:
        np.testing.assert_array_equal(whole.truth[name], halved.truth[name])
    assert not list((tmp_path / "halved").glob("*.partial"))


def test_processes_change_no_picture(data: Path, tmp_path: Path) -> None:
    wanted = plan(data, count=4, shard=2)
    list(shards.write(wanted, tmp_path / "one"))
    list(shards.write(wanted, tmp_path / "two", workers=2))
    one, two = shards.read(tmp_path / "one"), shards.read(tmp_path / "two")
    assert len(one) == len(two) == 4
    for row in range(4):
        np.testing.assert_array_equal(one.image(row), two.image(row))


def test_another_plan_is_refused(data: Path, tmp_path: Path) -> None:
    list(shards.write(plan(data, count=1), tmp_path))
    meta = json.loads((tmp_path / "meta.json").read_text())
    assert len(meta["expression_names"]) == 53
    with pytest.raises(OptionsError, match="another plan"):
        list(shards.write(plan(data, seed=9), tmp_path))


def test_sets_of_earlier_versions_are_read_without_what_they_lack(
    data: Path, tmp_path: Path
) -> None:
    list(shards.write(plan(data, count=1), tmp_path))
    truth = tmp_path / "00000.truth.npz"
    with np.load(truth) as file:
        arrays = {name: file[name] for name in file.files if name != "action_units"}
    np.savez(truth, **arrays)
    with pytest.raises(KeyError, match="action_units"):
        shards.read(tmp_path)
    meta = json.loads((tmp_path / "meta.json").read_text())
    (tmp_path / "meta.json").write_text(json.dumps({**meta, "version": 2}))
    assert set(shards.read(tmp_path).truth) == set(shards.TRUTH) - {"action_units"}


def test_faces_for_action_units_from_the_command_line(data: Path, tmp_path: Path) -> None:
    library = make_library({}, load_layout(data), np.arange(478))
    library.save(tmp_path / "wrinkles.npz")  # without wrinkles, to be quick
    arguments = ["--data", str(data), "--out", str(tmp_path / "set"), "--count", "12"]
    arguments += ["--size", "48", "--expressions", "action_units"]
    arguments += ["--wrinkles", str(tmp_path / "wrinkles.npz")]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    found = shards.read(tmp_path / "set")
    units = found.truth["action_units"].astype(np.float32)
    assert units.shape == (12, 2, 22) and np.isfinite(units).all() and units.max() > 1
    assert found.meta["distribution"]["expression"] == "action_units"  # type: ignore[index]
    assert np.abs(found.truth["pose"][:, 1].astype(np.float32)).max() < 60


def test_command_line(data: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(data), "--out", str(tmp_path), "--count", "2", "--size", "48"]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert len(shards.read(tmp_path)) == 2
    wrong = CliRunner().invoke(main, [*arguments[:-2], "--size", "64"])
    assert wrong.exit_code == 2 and "another plan" in wrong.output
