"""What was damaged in a stream, and where: gathered while decoding, told in sentences."""

from dataclasses import dataclass

# Damage less than this far apart is one place.
_SAME_PLACE_S = 1.0
_MOST_PLACES = 20


@dataclass(slots=True)
class _Place:
    first_s: float
    frame: int
    last_s: float
    packets: int = 0
    pictures: int = 0

    def __str__(self) -> str:
        """One sentence."""
        found = []
        if self.packets:
            found.append(f"{_count(self.packets, 'packet')} could not be decoded")
        if self.pictures:
            verb = "is" if self.pictures == 1 else "are"
            found.append(f"{_count(self.pictures, 'picture')} {verb} damaged")
        until = f" to {self.last_s:.3f} s" if self.last_s - self.first_s >= 0.0005 else ""
        return f"from {self.first_s:.3f} s{until}, frame {self.frame}: {', '.join(found)}"


class DamageLog:
    """Gathers damage by place, and remarks that are not damage.

    Written by the decoding thread and read by others: lists only grow.
    """

    def __init__(self) -> None:
        """Start with an undamaged stream."""
        self._places: list[_Place] = []
        self._losses: list[str] = []
        self._remarks: list[str] = []

    @property
    def damaged(self) -> bool:
        """Whether pictures were lost or are damaged."""
        return bool(self._places or self._losses)

    @property
    def warnings(self) -> list[str]:
        """One sentence per remark, place and loss."""
        places = list(self._places)
        told = [str(place) for place in places[:_MOST_PLACES]]
        if len(places) > _MOST_PLACES:
            rest = places[_MOST_PLACES:]
            told.append(
                f"from {rest[0].first_s:.3f} s on: {len(rest)} more damaged places "
                f"({sum(place.packets for place in rest)} packets, "
                f"{sum(place.pictures for place in rest)} pictures)"
            )
        return [*self._remarks, *told, *self._losses]

    def packet(self, time_s: float, frame: int) -> None:
        """A packet after `time_s` could not be read or decoded; `frame` is the next index."""
        self._place(time_s, frame).packets += 1

    def picture(self, time_s: float, frame: int) -> None:
        """The decoder says that this frame is damaged."""
        self._place(time_s, frame).pictures += 1

    def lose(self, sentence: str) -> None:
        """A part of the stream is missing."""
        self._losses.append(sentence)

    def remark(self, sentence: str) -> None:
        """Something odd that costs no picture."""
        self._remarks.append(sentence)

    def _place(self, time_s: float, frame: int) -> _Place:
        if not self._places or time_s - self._places[-1].last_s > _SAME_PLACE_S:
            self._places.append(_Place(time_s, frame, time_s))
        place = self._places[-1]
        place.last_s = max(place.last_s, time_s)
        return place


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
