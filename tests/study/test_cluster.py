"""A real Ray cluster of two raylets on this machine. Skips where ray is not installed."""

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from facekit.bench.kills import contents, disturb, extract

pytest.importorskip("ray", reason="the extra 'ray' is not installed")

MOMENTS = max(1, int(os.environ.get("FACEKIT_KILLS", "3")) // 3)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    started: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    yield started
    started.shutdown()


def test_a_local_cluster_gives_the_same_bytes(
    study: Path, undisturbed: Path, tmp_path: Path
) -> None:
    extract(study, tmp_path / "out", "--ray", "local", "-q")
    assert contents(tmp_path / "out") == contents(undisturbed)


def test_shipped_inputs_give_the_same_bytes(
    study: Path, undisturbed: Path, tmp_path: Path, cluster: Any
) -> None:
    arguments = ("--ray", cluster.address, "--ship", "-q")
    extract(study, tmp_path / "out", *arguments)
    assert contents(tmp_path / "out") == contents(undisturbed)
    before = (tmp_path / "out" / "a" / "clip.csv").stat().st_mtime_ns
    extract(study, tmp_path / "out", *arguments)
    assert contents(tmp_path / "out") == contents(undisturbed)
    assert (tmp_path / "out" / "a" / "clip.csv").stat().st_mtime_ns == before


@pytest.mark.parametrize("number", range(MOMENTS))
def test_a_node_lost_in_mid_run_loses_nothing(
    small: tuple[Path, Path], tmp_path: Path, cluster: Any, number: int
) -> None:
    study, undisturbed = small
    node = cluster.add_node(num_cpus=1)
    arguments = ("--ray", cluster.address, "-q")

    def kill_raylet() -> str:
        for raylet in node.all_processes["raylet"]:
            raylet.process.kill()
        return "raylet"

    share = random.Random(number).random()
    result = disturb(study, tmp_path / "out", undisturbed, share, kill_raylet, arguments)
    cluster.remove_node(node, allow_graceful=False)
    print(result)
    assert result.differences == ()
    assert result.left_behind == ()


def test_no_cluster_at_an_address_is_said(study: Path, tmp_path: Path) -> None:
    from facekit import PipelineOptions
    from facekit.errors import FacekitError
    from facekit.study.cluster import Cluster as Connection

    with pytest.raises(FacekitError, match="no Ray cluster answers"):
        with Connection(PipelineOptions(), "127.0.0.1:1", ship=False, overwrite=False):
            raise AssertionError("connected to nothing")
