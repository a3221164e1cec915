"""Sound: lengths, levels, pitches and envelopes of what is synthesised and written."""

import itertools
import wave

import numpy as np
import pytest

from seqjax.audio.synthesis import (
    BASS,
    HORN,
    KEYS,
    PEAK,
    Instrument,
    envelope,
    frequency,
    synthesize,
    tone,
)
from seqjax.audio.wav import write_wav
from seqjax.data.midi import Note

RATE = 8000


def strongest(samples, rate):
    """The frequency at which the spectrum is highest, in Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.argmax(spectrum) * rate / len(samples)


@pytest.mark.parametrize("pitch", [45, 69, 74, 91])
def test_a_sustained_note_has_its_pitch(pitch):
    samples = synthesize({HORN: [Note(pitch, 0, 4)]}, 120, 2, RATE)
    heard = strongest(samples[RATE // 2 : -RATE // 2], RATE)
    assert heard == pytest.approx(440 * 2 ** ((pitch - 69) / 12), abs=1.01)
    pure = synthesize({Instrument(): [Note(pitch, 0, 4)]}, 120, 2, RATE)
    middle = pure[RATE // 2 : -RATE // 2]
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) ** 2
    place = round(frequency(pitch))
    assert power[place - 4 : place + 5].sum() > 0.999 * power.sum(), "nothing else"


def test_harmonics_above_half_the_rate_are_left_out():
    spectrum = np.abs(np.fft.rfft(tone(HORN, 100, 1, 127, RATE)))
    bins = np.arange(len(spectrum)) / (1 + HORN.release)
    assert bins[np.argmax(spectrum)] == pytest.approx(frequency(100), abs=2)
    assert spectrum[bins < 2000].max() < 0.03 * spectrum.max(), "no mirrored harmonic"


def test_the_envelope_rises_decays_holds_and_falls():
    instrument = Instrument((1,), 0.1, 0.2, 0.4, 0.5, 1)
    level = envelope(instrument, 0.6, 1000)
    assert len(level) == 1100 and level[0] == 0 and level[-1] < 0.01
    at = np.array([0.05, 0.1, 0.2, 0.3, 0.5, 0.6, 0.85])
    expected = [0.5, 1, 0.7, 0.4, 0.4, 0.4, 0.2]
    np.testing.assert_allclose(level[(at * 1000).astype(int)], expected, atol=0.01)
    short = envelope(instrument, 0.05, 1000)
    assert short.max() == pytest.approx(0.5, abs=0.02), "released while it rises"
    assert np.abs(np.diff(np.concatenate([short, level]))).max() < 0.02, "no click"


def test_loud_chords_never_clip_and_silence_is_silent():
    chord = [Note(p, 0.5 * i, 3, 127) for i, p in enumerate(range(40, 80, 3))]
    samples = synthesize({HORN: chord, KEYS: chord, BASS: chord}, 90, 3.21, RATE)
    assert len(samples) == round(3.21 * RATE)
    assert np.abs(samples).max() == pytest.approx(PEAK) and 10 ** (-1 / 20) == PEAK
    assert not synthesize({}, 100, 0.5, RATE).any()
    late = synthesize({HORN: [Note(60, 1, 1), Note(60, 99, 1)]}, 60, 2, RATE)
    assert not late[: RATE - 1].any() and late[RATE + 100 :].any()


def test_voices_add_up():
    parts = [{HORN: [Note(60, 0, 1)]}, {KEYS: [Note(67, 0.3, 1)]}]
    both = synthesize(parts[0] | parts[1], 100, 1, RATE)
    each = [synthesize(part, 100, 1, RATE) for part in parts]
    shares, *_ = np.linalg.lstsq(np.array(each).T, both, rcond=None)
    np.testing.assert_allclose(shares @ np.array(each), both, atol=1e-9)
    assert (shares > 0.05).all()


def test_samples_come_back_from_the_file(tmp_path):
    samples = np.random.default_rng(0).uniform(-1, 1, 1234)
    samples[:2] = -1, 1
    write_wav(tmp_path / "a.wav", samples, 22050)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getparams()[:4] == (1, 2, 22050, 1234)
        read = np.frombuffer(file.readframes(1234), "<i2") / 32767
    np.testing.assert_allclose(read, samples, atol=0.51 / 32767)
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]
    for bad in (np.ones((2, 2)), np.array([1.01]), np.array([np.nan])):
        with pytest.raises(ValueError, match="must be"):
            write_wav(tmp_path / "b.wav", bad, 22050)
    assert not list(itertools.chain(tmp_path.glob("b*")))
