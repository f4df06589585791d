"""The columns of what happens over time: of tables (group ``temporal``), and of their events."""

from facekit.column import Column, Kind, number
from facekit.facs import ACTION_UNITS, EXPRESSIONS, PHASES

GROUP = "temporal"
DIGITS, TIME_DIGITS = 3, 6
"""Decimals of the group's numbers, and of times."""

_INFERRED = "inferred from the face, not what the person feels"


def temporal_columns() -> tuple[Column, ...]:
    """The columns of the group."""
    units = tuple(column for unit in ACTION_UNITS for column in _unit(unit.code))
    expressions = tuple(
        _probability(
            f"expr_{name}",
            f"Probability that people would call the face this; {_INFERRED}.",
            family=f"expr_{EXPRESSIONS[0]} ... expr_{EXPRESSIONS[-1]}",
        )
        for name in EXPRESSIONS
    )
    return (
        *units,
        _probability("blink", "Probability that a blink, or a wink, is under way."),
        number(
            "blink_rate",
            GROUP,
            "1/min",
            "Blinks per minute in the track's last minute; empty in its first ten seconds.",
            GROUP,
            2,
            0,
        ),
        _probability("speaking", "Probability that the mouth speaks."),
        _probability("nod", "Probability that the head nods."),
        _probability("shake", "Probability that the head shakes."),
        *expressions,
        _probability("expressivity", "Root mean square of the smooth action units, divided by 5."),
    )


def _unit(code: str) -> tuple[Column, ...]:
    def family(kind: str) -> str:
        return f"AU01_{kind} ... AU43_{kind}"

    return (
        number(
            f"{code}_smooth",
            GROUP,
            "",
            "Intensity of the action unit over time, without the noise of single frames.",
            GROUP,
            DIGITS,
            0,
            5,
            family("smooth"),
        ),
        number(
            f"{code}_velocity",
            GROUP,
            "1/s",
            "Change of the smooth intensity.",
            GROUP,
            DIGITS,
            family=family("velocity"),
        ),
        Column(
            f"{code}_phase",
            GROUP,
            "text",
            "",
            None,
            None,
            None,
            f"Phase of the action unit: {', '.join(PHASES[:-1])} or {PHASES[-1]}.",
            GROUP,
            family("phase"),
        ),
        _probability(f"{code}_phase_prob", "Probability of that phase.", family("phase_prob")),
    )


def _probability(name: str, meaning: str, family: str = "") -> Column:
    return number(name, GROUP, "", meaning, GROUP, DIGITS, 0, 1, family)


def _time(name: str, meaning: str) -> Column:
    return number(name, "events", "s", meaning, "events", TIME_DIGITS, 0)


def _other(name: str, kind: Kind, meaning: str) -> Column:
    low = 0 if kind == "integer" else None
    return Column(name, "events", kind, "", low, None, None, meaning, "events", name)


EVENT_COLUMNS = (
    _other("track", "integer", "Number of the face's track."),
    _other("person", "integer", "Number of the person; empty where people were not told apart."),
    _other("kind", "text", "Code of the action unit, blink, nod or shake."),
    _other(
        "side",
        "text",
        "left, right or both: the subject's own; empty for what has no sides, or where nothing "
        "tells.",
    ),
    _time("onset_s", "time_s at which it began."),
    _time("apex_s", "time_s at which it was strongest."),
    _time("offset_s", "time_s at which it had ended."),
    number(
        "peak",
        "events",
        "",
        "Largest smooth intensity (0-5); of blinks, nods and shakes the largest probability.",
        "events",
        DIGITS,
        0,
        5,
    ),
    number("mean", "events", "", "Mean of the same from onset to offset.", "events", DIGITS, 0, 5),
    number(
        "asymmetry",
        "events",
        "",
        "Mean of left less right from onset to offset (intensity); of blinks how much further the "
        "left eye closed than the right (openness); empty for what has no sides.",
        "events",
        DIGITS,
        -5,
        5,
    ),
    number(
        "confidence",
        "events",
        "",
        "Mean probability, from onset to offset, of the phase or of the blink, nod or shake.",
        "events",
        DIGITS,
        0,
        1,
    ),
)
"""The columns of ``NAME.events.csv``, in order."""
