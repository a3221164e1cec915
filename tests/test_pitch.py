"""Pitch by autocorrelation: tones, missing fundamentals, noise, silence."""

import numpy as np
import pytest

from seqjax.audio import median_pitch, pitch_track
from seqjax.audio.pitch import autocorrelation


def harmonics(hertz, rate, numbers, seconds=0.4, seed=0):
    """A sound of some harmonics at random phases and loudnesses."""
    rng, t = np.random.default_rng(seed), np.arange(int(seconds * rate)) / rate
    numbers = np.array([n for n in numbers if n * hertz < 0.45 * rate])
    phases, loudness = rng.random(len(numbers)), rng.uniform(0.4, 1, len(numbers))
    return np.sin(2 * np.pi * (np.outer(t, numbers * hertz) + phases)) @ loudness


@pytest.mark.parametrize("rate", [8000, 11025, 16000])
def test_a_tone_and_a_missing_fundamental_have_their_pitch(rate):
    rng = np.random.default_rng(rate)
    for hertz in [*rng.uniform(80, 395, 5), 390.0]:
        tone = pitch_track(harmonics(hertz, rate, [1]), rate)
        assert len(tone) == 1 + (int(0.4 * rate) - round(3 * rate / 75)) // (
            rate // 100
        )
        np.testing.assert_allclose(tone, hertz, rtol=1e-3)
        missing = harmonics(hertz, rate, range(2, 9), seed=rate)
        assert median_pitch(missing, rate) == pytest.approx(hertz, rel=1e-3)
        assert median_pitch(1e-3 * missing + 7, rate) == pytest.approx(hertz, rel=1e-3)
        noisy = missing + 0.2 * rng.normal(size=len(missing))
        assert median_pitch(noisy, rate) == pytest.approx(hertz, rel=0.01)


def test_a_gliding_voice_is_followed():
    rate, seconds = 8000, 4.0  # more frames than a block
    t = np.arange(int(seconds * rate)) / rate
    turns = 100 * t + 25 * t**2 / 2  # from 100 to 200 Hz
    track = pitch_track(np.sin(2 * np.pi * turns) + np.sin(4 * np.pi * turns), rate)
    middle = (np.arange(len(track)) * 80 + 160) / rate
    np.testing.assert_allclose(track, 100 + 25 * middle, rtol=0.01)


def test_what_does_not_repeat_itself_has_no_pitch():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(20, 8000))
    assert all(np.isnan(median_pitch(n, 8000)) for n in noise)
    for silent in (np.zeros(4000), np.full(4000, 0.3)):
        assert np.all(np.isnan(pitch_track(silent, 8000)))
    assert len(pitch_track(noise[0, :300], 8000)) == 0
    assert np.isnan(median_pitch(noise[0, :300], 8000))
    above = harmonics(500, 8000, [1])  # twice its period is a pitch in the range
    assert median_pitch(above, 8000) == pytest.approx(250, rel=0.01)
    a_tenth = np.concatenate([noise[0], harmonics(150, 8000, [1, 2], 0.3)])
    assert median_pitch(a_tenth, 8000) == pytest.approx(150, rel=0.02)
    less = np.concatenate([noise[0], harmonics(150, 8000, [1, 2], 0.1)])
    assert np.isnan(median_pitch(less, 8000)), "too few frames of it"


def test_autocorrelation_is_its_definition():
    rng = np.random.default_rng(1)
    frame = rng.normal(size=60) + 3
    hann = np.sin(np.pi * (np.arange(60) + 0.5) / 60) ** 2
    own = np.correlate(hann, hann, "full")[59:]
    windowed = (frame - frame.mean()) * hann
    r = np.correlate(windowed, windowed, "full")[59:]
    expected = (r / r[0]) / (own / own[0])
    (found,) = autocorrelation(frame[None])
    np.testing.assert_allclose(found, expected[:30], atol=1e-9)
    (finer,) = autocorrelation(frame[None], 4)
    np.testing.assert_allclose(finer[::4], found, atol=1e-9)


def test_a_range_beyond_the_rate_is_refused():
    for low, high in ((0, 300), (300, 200), (80, 2500)):
        with pytest.raises(ValueError, match="a quarter of the rate, 2000 Hz: low="):
            pitch_track(np.zeros(9999), 8000, low, high)
