"""When a track is worth another look at who it is: rarely, for that is what it costs."""

from dataclasses import dataclass

STEP_S = 0.5
LONGEST_S = 4.0
"""From one look to the next: `STEP_S`, doubled for each unit of quality seen, up to this."""

RETRY_S = 0.2
"""Until a face that could not be seen well is looked for again; that costs next to nothing."""

PATIENCE_S = 1.0
"""A track that was never seen well for so long is looked at as it is; then rarely."""


@dataclass(slots=True)
class _Plan:
    """Of one track: when it is looked at next, what it has shown, and until when it may wait."""

    next_s: float
    seen: float
    impatient_s: float


class Looks:
    """Says which track is to be embedded on which frame."""

    def __init__(self) -> None:
        """No track yet."""
        self.reset()

    def reset(self) -> None:
        """Forget all tracks, as before another video."""
        self._plans: dict[int, _Plan] = {}

    def is_due(self, track: int, time_s: float) -> bool:
        """Whether a track that is seen at `time_s` is worth a look."""
        plan = self._plans.get(track)
        if plan is None:
            plan = _Plan(time_s, 0.0, time_s + PATIENCE_S)
            self._plans[track] = plan
        return time_s >= plan.next_s

    def took(self, track: int, time_s: float, quality: float) -> None:
        """A look was taken, at a face of this quality, 0-1."""
        plan = self._plans[track]
        plan.seen += quality
        plan.next_s = time_s + min(STEP_S * 2**plan.seen, LONGEST_S)
        plan.impatient_s = max(plan.impatient_s, time_s) + LONGEST_S

    def put_off(self, track: int, time_s: float) -> None:
        """It was not worth it."""
        self._plans[track].next_s = time_s + RETRY_S

    def is_impatient(self, track: int, time_s: float) -> bool:
        """Whether a face that is seen badly must do."""
        return time_s >= self._plans[track].impatient_s
