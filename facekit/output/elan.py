"""Events as a document of ELAN, the annotation tool of the Max Planck Institute (Nijmegen).

EAF 3.0, https://www.mpi.nl/tools/elan/EAFv3.0.xsd: times in milliseconds of the media file, one
tier for each kind, side and face, whose annotations do not overlap.
"""

import mimetypes
from collections.abc import Hashable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import pandas as pd

from facekit.output.partial import write_whole

_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_TYPE = "event"
_ACTS = ("blink", "nod", "shake")


def write_elan(path: Path, events: pd.DataFrame, media: Path, start_time_s: float = 0.0) -> None:
    """Write events for ELAN.

    Args:
        path: the ``.eaf`` file.
        events: with the columns of a file of events.
        media: the video; ELAN asks where it is if it does not lie there.
        start_time_s: container time of the first frame, as the table's sidecar states it.

    Raises:
        OutputError: it cannot be written.
    """
    document = _document(path, events, media, start_time_s)
    ElementTree.indent(document)
    text: bytes = ElementTree.tostring(document, encoding="UTF-8", xml_declaration=True)
    write_whole(path, text + b"\n")


def _document(path: Path, events: pd.DataFrame, media: Path, start_time_s: float) -> Element:
    root = Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "facekit",
            "DATE": datetime.now(UTC).isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": _INSTANCE,
            "xsi:noNamespaceSchemaLocation": _SCHEMA,
        },
    )
    _add_header(root, path, media, len(events))
    spans = [_milliseconds(event, start_time_s) for event in events.to_dict("records")]
    slots = _add_time_order(root, spans)
    rows = zip(events.to_dict("records"), spans, slots, strict=True)
    ordered = sorted(enumerate(rows, start=1), key=lambda entry: (_tier(entry[1][0]), entry[1][1]))
    tiers: dict[str, Element] = {}
    for number, (event, _, (first, last)) in ordered:
        name = _tier(event)
        if name not in tiers:
            tiers[name] = SubElement(
                root,
                "TIER",
                {"LINGUISTIC_TYPE_REF": _TYPE, "PARTICIPANT": _face(event), "TIER_ID": name},
            )
        annotation = SubElement(
            SubElement(tiers[name], "ANNOTATION"),
            "ALIGNABLE_ANNOTATION",
            {"ANNOTATION_ID": f"a{number}", "TIME_SLOT_REF1": first, "TIME_SLOT_REF2": last},
        )
        SubElement(annotation, "ANNOTATION_VALUE").text = _value(event)
    SubElement(
        root,
        "LINGUISTIC_TYPE",
        {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": _TYPE, "TIME_ALIGNABLE": "true"},
    )
    return root


def _add_header(root: Element, path: Path, media: Path, count: int) -> None:
    header = SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    described = {
        "MEDIA_URL": media.absolute().as_uri(),
        "MIME_TYPE": mimetypes.guess_type(media.name)[0] or "video/*",
    }
    if media.absolute().parent == path.absolute().parent:
        # Relative to the document, so that both can move together.
        described["RELATIVE_MEDIA_URL"] = f"./{media.name}"
    SubElement(header, "MEDIA_DESCRIPTOR", described)
    SubElement(header, "PROPERTY", {"NAME": "lastUsedAnnotationId"}).text = str(count)


def _milliseconds(event: dict[Hashable, Any], start_time_s: float) -> tuple[int, int]:
    """Onset and offset in the media file; ELAN knows no annotation without length."""
    first, last = (round((event[n] + start_time_s) * 1000) for n in ("onset_s", "offset_s"))
    return max(first, 0), max(last, first + 1, 1)


def _add_time_order(root: Element, spans: list[tuple[int, int]]) -> list[tuple[str, str]]:
    """The time slots, by time; for each span the names of its two."""
    order = SubElement(root, "TIME_ORDER")
    ends = sorted(
        (time, place, end) for place, span in enumerate(spans) for end, time in enumerate(span)
    )
    names: dict[tuple[int, int], str] = {}
    for number, (time, place, end) in enumerate(ends, start=1):
        names[place, end] = f"ts{number}"
        SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": f"ts{number}", "TIME_VALUE": str(time)})
    return [(names[place, 0], names[place, 1]) for place in range(len(spans))]


def _face(event: dict[Hashable, Any]) -> str:
    known = not pd.isna(event["person"])
    return f"person {event['person']}" if known else f"track {event['track']}"


def _tier(event: dict[Hashable, Any]) -> str:
    """Two tracks of one person may overlap for a moment: tiers are of tracks."""
    side = "" if pd.isna(event["side"]) else f" {event['side']}"
    return f"{event['kind']}{side} track {event['track']}"


def _value(event: dict[Hashable, Any]) -> str:
    kind = str(event["kind"])
    return kind if kind in _ACTS else f"{kind} {event['peak']:.1f}"
