"""Events for ELAN, by the rules of EAF 3.0 that its parser and its display depend on."""

from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pandas as pd
import pytest

from facekit.output.elan import write_elan
from facekit.output.events import events_frame
from facekit.temporal.events import Event

NAN = float("nan")


def event(
    kind: str, side: str, onset: float, offset: float, track: int = 0, person: int | None = None
) -> Event:
    return Event(track, person, kind, side, onset, onset, offset, 2.345, 1.0, NAN, 0.9)


EVENTS = [
    event("AU12", "both", 1.0, 2.5),
    event("AU12", "left", 4.0, 4.5),
    event("AU12", "both", 2.5, 3.0),
    event("blink", "right", 1.2, 1.4),
    event("nod", "", 0.0, 0.5, track=3, person=1),
    event("AU12", "both", 1.5, 9.0, track=3, person=1),
]


@pytest.fixture
def document(tmp_path: Path) -> Element:
    write_elan(tmp_path / "clip.eaf", events_frame(EVENTS), tmp_path / "my clip.mp4", 0.25)
    return ElementTree.parse(tmp_path / "clip.eaf").getroot()


def times(document: Element) -> dict[str, int]:
    return {
        slot.attrib["TIME_SLOT_ID"]: int(slot.attrib["TIME_VALUE"])
        for slot in document.iter("TIME_SLOT")
    }


def annotations(document: Element, tier: str) -> list[tuple[int, int, str | None]]:
    at = times(document)
    (element,) = [t for t in document.iter("TIER") if t.attrib["TIER_ID"] == tier]
    return [
        (
            at[a.attrib["TIME_SLOT_REF1"]],
            at[a.attrib["TIME_SLOT_REF2"]],
            a.findtext("ANNOTATION_VALUE"),
        )
        for a in element.iter("ALIGNABLE_ANNOTATION")
    ]


def test_it_is_a_document_of_eaf_3(document: Element) -> None:
    assert document.tag == "ANNOTATION_DOCUMENT"
    assert document.attrib["VERSION"] == document.attrib["FORMAT"] == "3.0"
    datetime.fromisoformat(document.attrib["DATE"])
    # The schema asks for this order.
    tags = list(dict.fromkeys(child.tag for child in document))
    assert tags == ["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE"]
    types = {t.attrib["LINGUISTIC_TYPE_ID"] for t in document.iter("LINGUISTIC_TYPE")}
    assert {t.attrib["LINGUISTIC_TYPE_REF"] for t in document.iter("TIER")} == types


def test_it_names_the_video_also_relative_to_itself(document: Element, tmp_path: Path) -> None:
    (media,) = document.iter("MEDIA_DESCRIPTOR")
    assert media.attrib["MIME_TYPE"] == "video/mp4"
    assert media.attrib["RELATIVE_MEDIA_URL"] == "./my clip.mp4"
    assert media.attrib["MEDIA_URL"] == (tmp_path / "my clip.mp4").as_uri()
    (header,) = document.iter("HEADER")
    assert header.attrib["TIME_UNITS"] == "milliseconds"


def test_identifiers_are_unique_and_references_hold(document: Element) -> None:
    slots = [slot.attrib["TIME_SLOT_ID"] for slot in document.iter("TIME_SLOT")]
    made = [a.attrib["ANNOTATION_ID"] for a in document.iter("ALIGNABLE_ANNOTATION")]
    assert len({*slots, *made}) == len(slots) + len(made) == 3 * len(EVENTS)
    used = [
        a.attrib[f"TIME_SLOT_REF{end}"]
        for a in document.iter("ALIGNABLE_ANNOTATION")
        for end in (1, 2)
    ]
    assert sorted(used) == sorted(slots)
    tiers = [tier.attrib["TIER_ID"] for tier in document.iter("TIER")]
    assert len(set(tiers)) == len(tiers)
    (last,) = [
        p.text for p in document.iter("PROPERTY") if p.attrib["NAME"] == "lastUsedAnnotationId"
    ]
    assert last == str(len(EVENTS))


def test_slots_rise_and_annotations_of_a_tier_do_not_overlap(document: Element) -> None:
    values = list(times(document).values())
    assert values == sorted(values) and values[0] >= 0
    for tier in document.iter("TIER"):
        spans = annotations(document, tier.attrib["TIER_ID"])
        assert all(begin < end for begin, end, _ in spans)
        assert all(one[1] <= other[0] for one, other in zip(spans, spans[1:], strict=False))


def test_there_is_a_tier_for_each_kind_side_and_track(document: Element) -> None:
    assert [tier.attrib["TIER_ID"] for tier in document.iter("TIER")] == [
        "AU12 both track 0",
        "AU12 both track 3",
        "AU12 left track 0",
        "blink right track 0",
        "nod track 3",
    ]
    assert annotations(document, "AU12 both track 0") == [
        (1250, 2750, "AU12 2.3"),
        (2750, 3250, "AU12 2.3"),
    ]
    assert annotations(document, "blink right track 0") == [(1450, 1650, "blink")]
    (nod,) = [t for t in document.iter("TIER") if t.attrib["TIER_ID"] == "nod track 3"]
    assert nod.attrib["PARTICIPANT"] == "person 1"


def test_no_events_are_a_document_without_tiers(tmp_path: Path) -> None:
    write_elan(tmp_path / "a.eaf", events_frame([]), Path("elsewhere") / "a.avi")
    document = ElementTree.parse(tmp_path / "a.eaf").getroot()
    assert list(document.iter("TIER")) == [] and document.find("TIME_ORDER") is not None
    (media,) = document.iter("MEDIA_DESCRIPTOR")
    assert "RELATIVE_MEDIA_URL" not in media.attrib


def test_times_before_the_media_begin_with_it(tmp_path: Path) -> None:
    frame: pd.DataFrame = events_frame([event("blink", "both", 0.0, 0.1)])
    write_elan(tmp_path / "a.eaf", frame, Path("a.mp4"), -0.5)
    document = ElementTree.parse(tmp_path / "a.eaf").getroot()
    assert list(times(document).values()) == [0, 1]
