from pathlib import Path

import pytest

from facekit.cli.columns import markdown
from facekit.columns import GROUPS, columns, families
from facekit.errors import OptionsError

README = Path(__file__).parents[1] / "README.md"

FRAME = ["frame", "time_s", "track", "status", "score", "box_x", "box_y", "box_w", "box_h"]


def test_frame_columns_come_first_whatever_is_asked_for() -> None:
    assert [c.name for c in columns()] == FRAME
    names = [c.name for c in columns(["landmarks478", "landmarks68"])]
    assert names[:9] == FRAME
    assert names[9:13] == ["x_0", "y_0", "x_1", "y_1"]
    assert names[9 + 136 :][:4] == ["lx_0", "ly_0", "lz_0", "lx_1"]
    assert len(names) == 9 + 68 * 2 + 478 * 3


def test_a_folder_of_images_has_the_file_name() -> None:
    assert [c.name for c in columns(images=True)] == ["frame", "file", *FRAME[1:]]


def test_names_are_unique_and_numbers_have_digits() -> None:
    listed = columns(GROUPS, images=True)
    assert len({c.name for c in listed}) == len(listed)
    for column in listed:
        assert (column.digits is not None) == (column.kind == "number"), column.name
        assert column.meaning.endswith("."), column.name


def test_action_units_stand_together_sides_only_where_they_have_sides() -> None:
    names = [c.name for c in columns(["au"])][9:]
    first = ["AU01", "AU01_prob", "AU01_sd", "AU01_left", "AU01_right", "AU01_asym"]
    assert names[:6] == first
    assert names[names.index("AU17") :][:4] == ["AU17", "AU17_prob", "AU17_sd", "AU18"]
    assert len(names) == 22 * 3 + 13 * 3
    groups = list(dict.fromkeys(c.group for c in columns(GROUPS)))
    assert groups.index("pose") < groups.index("au") < groups.index("landmarks68")


def test_an_unknown_group_is_refused_with_the_known_ones() -> None:
    with pytest.raises(OptionsError, match="no column group named mood.*landmarks68"):
        columns(["mood"])


def test_families_keep_order_and_name_siblings_once() -> None:
    names = [c.family for c in families(columns(["landmarks68"]))]
    assert names == [*FRAME, "x_0 ... x_67", "y_0 ... y_67"]


def test_the_readme_shows_this_very_table() -> None:
    generated = markdown(families(columns(GROUPS, images=True)))
    text = README.read_text(encoding="utf-8")
    shown = text.split("<!-- columns -->\n")[1].split("\n<!-- /columns -->")[0]
    assert shown == generated, "write it anew with: facekit columns --format markdown"
