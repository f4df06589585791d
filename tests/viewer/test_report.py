"""The report's numbers are those of the summary, and it opens without a network."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from facekit.output import read_table
from facekit.study.contents import bare
from facekit.study.groups import By
from facekit.study.summarise import Request, summarise
from facekit.study.summary import quality, statistics
from facekit.viewer.report import number_text, page, section
from tests.viewer.browser import chromium, complaints, requests, wait


def tables_of(text: str) -> list[pd.DataFrame]:
    """The tables of a page, as texts."""
    from html.parser import HTMLParser

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.tables: list[list[list[str]]] = []
            self.inside = False

        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag == "table":
                self.tables.append([])
            elif tag == "tr":
                self.tables[-1].append([])
            elif tag in ("td", "th"):
                self.tables[-1][-1].append("")
                self.inside = True

        def handle_endtag(self, tag: str) -> None:
            self.inside &= tag not in ("td", "th")

        def handle_data(self, data: str) -> None:
            if self.inside:
                self.tables[-1][-1][-1] += data

    reader = Reader()
    reader.feed(text)
    return [pd.DataFrame(rows[1:], columns=rows[0]) for rows in reader.tables]


def as_shown(frame: pd.DataFrame) -> list[list[str]]:
    rows = frame.astype(object).itertuples(index=False, name=None)
    return [[v if isinstance(v, str) else number_text(v) for v in row] for row in rows]


def test_its_numbers_are_the_summarys(study: Path) -> None:
    shown = tables_of(page([section(study / "clip.csv")]))
    table = read_table(study / "clip.csv")
    assert shown[0].to_numpy().tolist() == as_shown(quality(table))
    found = statistics(table)
    assert shown[-1].columns.tolist() == found.columns.tolist()
    assert shown[-1].to_numpy().tolist() == as_shown(found)
    smile = shown[-1][(shown[-1]["column"] == "AU12") & (shown[-1]["subject"] == "track 0")]
    expected = table[(table["track"] == 0) & (table["status"] == "ok")]["AU12"].mean()
    assert float(smile["mean"].iloc[0]) == pytest.approx(expected, rel=1e-3)


def test_it_shows_what_summarise_writes(study: Path, tmp_path: Path) -> None:
    summarise([study / "clip.csv"], tmp_path / "s.csv")
    written = bare(read_table(tmp_path / "s.csv")).set_index("subject")
    page_tables = tables_of(page([section(study / "clip.csv")]))
    qualities, shown = page_tables[0].set_index("subject"), page_tables[-1]
    assert qualities.index.tolist() == ["all", *written.index]
    for subject in map(str, written.index):
        for name in map(str, qualities.columns):
            assert same_number(qualities.at[subject, name], written.at[subject, name]), name
    compared = 0
    for entry in shown.to_dict("records"):
        for statistic in ("missing", "mean", "sd", "q05", "q50", "q95", "present_share"):
            name = f"{entry['column']}_{statistic}"
            if name in written:
                stated = written.at[entry["subject"], name]
                assert same_number(entry[statistic], stated), (entry["subject"], name)
                compared += 1
    # Two people, 22 units with seven numbers, their sides, pose, size and uncertainties.
    assert compared > 2 * 22 * 7
    summarise([study / "clip.csv"], tmp_path / "s.csv", Request(By("file")))
    (_, whole), *others = bare(read_table(tmp_path / "s.csv")).iterrows()
    assert others == []
    for name in map(str, qualities.columns):
        assert same_number(qualities.at["all", name], whole[name]), name


def same_number(shown: Any, written: Any) -> bool:
    """Four digits on the page; at least four decimals in the file."""
    if shown == "" or pd.isna(written):
        return shown == "" and bool(pd.isna(written))
    return float(shown) == pytest.approx(written, rel=6e-4, abs=6e-5)


def test_a_study_has_all_its_tables_and_says_what_failed(study: Path, tmp_path: Path) -> None:
    missing = tmp_path / "<b>missing.csv"
    text = page([section(study / "clip.csv"), section(study / "clip.csv"), section(missing)])
    overview = tables_of(text)[0]
    assert overview["table"].tolist() == ["clip.csv", "clip.csv"]
    assert "there is no such table" in text
    assert "<b>missing" not in text and "&lt;b&gt;missing" in text


def test_it_holds_everything_that_it_needs(study: Path) -> None:
    text = page([section(study / "clip.csv")])
    assert "default-src 'none'" in text
    assert "src=" not in text.split("<body>")[0].replace("-src", "")
    assert "Leon Sorokin" in text


def test_it_draws_in_a_browser_and_asks_for_nothing(study: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(page([section(study / "clip.csv")]), encoding="utf-8")
    with chromium(1280, 900) as window:
        window.get(file.as_uri())
        drawn = "return document.querySelectorAll('.plot canvas').length"
        # Six columns of two people.
        wait(lambda: window.execute_script(drawn) == 12, "the plots")
        assert complaints(window) == []
        away = [a for a in requests(window) if not a.startswith(("file:", "data:"))]
        assert away == []


def test_many_tables_are_not_all_drawn(study: Path) -> None:
    assert "application/json" not in section(study / "clip.csv", plotted=False).body
    assert section(study / "clip.csv").body.count("application/json") == 12
