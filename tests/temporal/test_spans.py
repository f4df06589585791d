import numpy as np
import pytest

from facekit.temporal.spans import PhaseSpans, ProbabilitySpans, Span, ThresholdSpans

TIME = np.arange(0, 4, 1 / 30)
CURVE = 4 * np.clip(np.minimum((TIME - 1) / 0.5, (3 - TIME) / 0.5), 0, 1)


def found(spans: list[Span | None]) -> list[Span]:
    return [span for span in spans if span is not None]


def test_an_event_lasts_as_long_as_its_phase_is_not_neutral() -> None:
    phase = np.select([CURVE < 0.4, (CURVE < 3.6) & (TIME < 2), CURVE < 3.6], [0, 1, 3], 2)
    decoder = PhaseSpans()
    spans = [
        decoder.push_phase(t, float(c), int(p), 0.8)
        for t, c, p in zip(TIME, CURVE, phase, strict=True)
    ]
    (span,) = found([*spans, decoder.end()])
    assert span.onset_s == pytest.approx(1.05, abs=0.04)
    assert span.offset_s == pytest.approx(2.95, abs=0.04)
    assert 1.5 <= span.apex_s <= 2.5 and span.peak == pytest.approx(4)
    assert 3 < span.mean < 4 and span.confidence == pytest.approx(0.8)


@pytest.mark.parametrize(("peak", "length_s"), [(0.3, 1.0), (3.0, 0.05)])
def test_what_is_weak_or_a_flicker_is_no_event(peak: float, length_s: float) -> None:
    decoder = PhaseSpans()
    spans = [decoder.push_phase(t, peak, int(1 < t < 1 + length_s), 0.9) for t in TIME]
    assert found([*spans, decoder.end()]) == []


def test_short_interruptions_are_bridged_and_long_ones_are_not() -> None:
    def count(gap_s: float) -> int:
        decoder = ProbabilitySpans(bridge_s=0.2)
        high = (TIME > 1) & (TIME < 3) & ~((TIME > 2) & (TIME < 2 + gap_s))
        return len(
            found(
                [
                    *(decoder.push(t, 0.9 * h) for t, h in zip(TIME, high, strict=True)),
                    decoder.end(),
                ]
            )
        )

    assert (count(0), count(0.15), count(0.4)) == (1, 1, 2)


def test_a_span_ends_where_the_face_is_lost() -> None:
    decoder = ProbabilitySpans()
    assert decoder.push(0.0, 0.9) is None and decoder.push(0.1, 0.9) is None
    first = decoder.push(2.0, 0.9)
    assert first is not None and (first.onset_s, first.offset_s) == (0.0, 0.1)
    last = decoder.end()
    assert last is None or last.onset_s == 2.0


def test_thresholds_find_where_the_rise_began() -> None:
    decoder = ThresholdSpans(high=1.0, low=0.7)
    spans = found(
        [*(decoder.push(t, float(c)) for t, c in zip(TIME, CURVE, strict=True)), decoder.end()]
    )
    (span,) = spans
    assert span.onset_s == pytest.approx(1.0, abs=0.05)
    assert span.offset_s == pytest.approx(2.92, abs=0.08) and span.peak == pytest.approx(4)
    assert np.isnan(span.confidence)


def test_a_median_ignores_one_wild_frame() -> None:
    decoder = ThresholdSpans()
    wild = np.where(np.arange(len(TIME)) % 20 == 10, 5.0, 0.0)
    assert (
        found([*(decoder.push(t, v) for t, v in zip(TIME, wild, strict=True)), decoder.end()]) == []
    )
