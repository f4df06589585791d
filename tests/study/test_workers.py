"""Worker processes: what a dead one costs, what is refused, what is left behind."""

import multiprocessing
import shutil
from pathlib import Path

import pytest

from facekit import OptionsError, PipelineOptions, read_table
from facekit.runtime.device import cores
from facekit.study.job import Report
from facekit.study.plan import Job
from facekit.study.workers import Workers, threads_per_worker
from tests.cli.runner import Cli
from tests.study.conftest import Heard


class _Killer(Heard):
    """Kills every worker at the first frames of a job, so many times."""

    def __init__(self, name: str, times: int) -> None:
        super().__init__()
        self._name, self._left = name, times

    def frames(self, name: str, done: int, expected: int | None) -> None:
        if name == self._name and self._left:
            self._left -= 1
            for process in multiprocessing.active_children():
                process.kill()


@pytest.mark.parametrize("times", [1, 2])
def test_a_worker_that_dies_costs_its_file_one_retry(
    example_clip: Path, tmp_path: Path, times: int
) -> None:
    for name in ("a", "b", "c"):
        shutil.copy(example_clip, tmp_path / f"{name}.mp4")
    jobs = [Job(n, tmp_path / f"{n}.mp4", str(tmp_path / f"{n}.csv")) for n in ("a", "b", "c")]
    options = PipelineOptions(threads=1, end=2.0)
    listener = _Killer("b", times)
    reports: dict[str, Report] = {}
    with Workers(options, count=1, overwrite=False) as workers:
        for _, report in workers.run(jobs, listener):
            reports[report.name] = report
    assert listener.begun == ["a", "b", "b", "c"]
    assert [reports[name].status for name in ("a", "c")] == ["complete", "complete"]
    if times == 1:
        assert reports["b"].status == "complete"
        assert "its first worker died (SIGKILL" in reports["b"].remark
        assert len(read_table(tmp_path / "b.csv")) == 51
    else:
        assert reports["b"].status == "failed"
        assert "its worker died 2 times (SIGKILL" in reports["b"].error
        assert not (tmp_path / "b.csv").exists()
    assert not multiprocessing.active_children()


def test_stopping_leaves_no_process_and_says_what_is_not_whole(
    example_clip: Path, tmp_path: Path
) -> None:
    class Interrupting(Heard):
        def frames(self, name: str, done: int, expected: int | None) -> None:
            raise KeyboardInterrupt

    jobs = [Job("a", example_clip, str(tmp_path / "a.csv"))]
    with pytest.raises(KeyboardInterrupt):
        with Workers(PipelineOptions(threads=1), count=1, overwrite=False) as workers:
            list(workers.run(jobs, Interrupting()))
    assert not multiprocessing.active_children()
    kept = read_table(tmp_path / "a.csv.partial")
    assert 1 <= len(kept) < 225
    assert kept.attrs["facekit"]["state"] == "stopped"


def test_networks_that_cannot_be_loaded_end_the_run(
    cli: Cli, example_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "mtcnn_output.onnx").write_bytes(b"damaged")
    monkeypatch.setenv("FACEKIT_WEIGHTS", str(tmp_path / "weights"))
    result = cli("extract", example_clip, "-o", tmp_path / "out", "--workers", "1")
    assert result.code == 3
    assert "SHA-256 is" in result.err
    assert not (tmp_path / "out").exists()


def test_workers_that_cannot_start_end_the_run(
    example_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from facekit.errors import FacekitError
    from facekit.study import workers as module

    monkeypatch.setattr(module, "serve", _die_at_once)
    with pytest.raises(FacekitError, match=r"ended before it could begin \(exit code 7\), 3 times"):
        with Workers(PipelineOptions(threads=1), count=1, overwrite=False) as workers:
            list(workers.run([Job("a", example_clip, str(tmp_path / "a.csv"))], Heard()))


def _die_at_once(*_: object) -> None:
    raise SystemExit(7)


def test_more_workers_than_cores_are_refused() -> None:
    assert threads_per_worker(PipelineOptions(), cores()) == 1
    assert threads_per_worker(PipelineOptions(threads=cores()), 1) == cores()
    for options, workers in (
        (PipelineOptions(), cores() + 1),
        (PipelineOptions(threads=2), cores()),
        (PipelineOptions(), 0),
    ):
        if workers * (options.threads or 1) > cores() or not workers:
            with pytest.raises(OptionsError, match="workers: .* is not possible"):
                threads_per_worker(options, workers)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--workers", "1", "--ray", "local"), "workers and ray contradict each other"),
        (("--ship",), "ship needs a Ray cluster"),
        (("--shard", "3/2"), "is not a share"),
        (("--workers", "9999"), "this process may use"),
        (("--workers", "0"), "Invalid value for '--workers'"),
    ],
)
def test_wrong_usage_is_exit_code_2(
    cli: Cli, example_clip: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = cli("extract", example_clip, "-o", tmp_path / "out", *arguments)
    assert result.code == 2
    assert message in result.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("where", [("--workers", "1"), ("--shard", "1/2")])
def test_many_inputs_need_a_folder(cli: Cli, example_clip: Path, where: tuple[str, str]) -> None:
    result = cli("extract", example_clip, "-o", "-", *where)
    assert result.code == 2
    assert "to write to" in result.err
