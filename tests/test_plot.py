import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from facekit import OptionsError, plot
from facekit.columns import columns
from facekit.errors import MissingExtraError
from facekit.facs import ACTION_UNITS
from tests.media import even_times
from tests.viewer.tables import table_frame

pyplot: Any = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")


@pytest.fixture(autouse=True)
def axes() -> Iterator[Any]:
    pyplot.switch_backend("Agg")
    yield pyplot.figure().gca()
    pyplot.close("all")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Two people, 20 s at 25 frames/s; second 9 and 19 are poor, second 12 is empty."""
    return table_frame(even_times(500), people=2)


def test_traces_show_the_values_their_deviations_and_what_is_missing(
    table: pd.DataFrame, axes: Any
) -> None:
    assert plot.traces(table, ["yaw", "AU12"], who=1, axes=axes) == axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    time_s, yaw = lines["yaw"].get_data()
    true = table[table.track == 1]
    known = np.isfinite(yaw)
    assert time_s[known] == pytest.approx(true.time_s)
    assert yaw[known] == pytest.approx(true.yaw)
    assert (~known).sum() == 1, "the second in which nobody was seen is a gap"
    assert 11.9 < time_s[~known][0] <= 13
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx((true.yaw + true.yaw_sd)[true.time_s < 12].max())
    shaded = [patch.get_x() for patch in axes.patches]
    assert shaded == pytest.approx([9.0, 19.0])
    assert axes.get_xlabel() == "time [s]"


def test_traces_of_one_unit_state_it(table: pd.DataFrame) -> None:
    assert plot.traces(table, ["yaw", "pitch"]).get_ylabel() == "[deg]"


def test_events_are_bars_from_onset_to_offset(axes: Any) -> None:
    events = pd.DataFrame(
        {
            "track": [0, 0, 1],
            "person": pd.array([None, None, None], "Int64"),
            "kind": ["blink", "AU12", "AU12"],
            "side": [None, "left", "left"],
            "onset_s": [1.0, 2.0, 5.0],
            "apex_s": [1.1, 2.5, 5.5],
            "offset_s": [1.3, 4.0, 6.0],
            "confidence": [1.0, 0.5, np.nan],
        }
    )
    assert plot.events(events, axes=axes) == axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["AU12 left", "blink"]
    bars = [(bar.get_x(), bar.get_width(), bar.get_y() + 0.35) for bar in axes.patches]
    assert bars == [
        pytest.approx((1.0, 0.3, 1.0)),
        pytest.approx((2.0, 2.0, 0.0)),
        pytest.approx((5.0, 1.0, 0.0)),
    ]
    assert axes.patches[1].get_alpha() == pytest.approx(0.625)
    assert len(plot.events(events, who=0, axes=pyplot.figure().gca()).patches) == 2


def test_the_heat_map_holds_intensities_and_gaps(table: pd.DataFrame, axes: Any) -> None:
    assert plot.au_heatmap(table, who=0, axes=axes) == axes
    mesh = axes.collections[0]
    values = mesh.get_array()
    assert values.shape[0] == len(ACTION_UNITS)
    assert mesh.get_clim() == (0, 5)
    edges = mesh.get_coordinates()[0, :, 0]
    middle = (edges[:-1] + edges[1:]) / 2
    empty = np.ma.getmaskarray(values)[0]
    assert ((middle[empty] > 12) & (middle[empty] < 13)).all() and empty.sum() >= 5
    row = [unit.code for unit in ACTION_UNITS].index("AU12")
    true = table[(table.track == 0)].groupby(np.searchsorted(edges, table.time_s[table.track == 0]))
    assert values[row].max() == pytest.approx(true.AU12.mean().max(), abs=0.2)


def test_the_gaze_map_counts_rows_with_open_eyes(axes: Any) -> None:
    names = [column.name for column in columns(("gaze",))]
    rows = pd.DataFrame(np.nan, index=range(100), columns=names).astype({"status": object})
    rows = rows.assign(frame=range(100), track=0, status="ok", score=1.0)
    rows.loc[:59, ["gaze_yaw", "gaze_pitch"]] = (20.0, -10.0)
    rows.loc[60:89, ["gaze_yaw", "gaze_pitch"]] = (-20.0, 10.0)
    assert plot.gaze_map(rows, bins=2, axes=axes) == axes
    counts = axes.collections[0].get_array()
    assert np.ma.filled(counts, 0).reshape(2, 2).tolist() == [[0, 60], [30, 0]], "right and down"


def test_what_cannot_be_drawn_is_said(table: pd.DataFrame) -> None:
    with pytest.raises(OptionsError, match="there is no column AU99. Columns are: frame, time_s"):
        plot.traces(table, ["AU99"])
    with pytest.raises(OptionsError, match="7 is not in it. Seen were: track 0, track 1"):
        plot.au_heatmap(table, who=7)
    with pytest.raises(OptionsError, match="no column gaze_yaw"):
        plot.gaze_map(table)
    with pytest.raises(OptionsError, match="no column onset_s"):
        plot.events(pd.DataFrame({"kind": ["blink"]}))
    with pytest.raises(OptionsError, match="has no times"):
        plot.traces(table.assign(time_s=np.nan), ["yaw"])


def test_without_matplotlib_the_extra_is_named(
    table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'facekit\[plot\]'"):
        plot.traces(table, ["yaw"])
