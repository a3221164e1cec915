"""Features of sound against known values and laws; WAV files that are not as hoped."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.io.wavfile

from seqjax.audio import MFCC, FrontEnd, LogMel, deltas, read_wav
from seqjax.audio.features import hz_to_mel, mel_to_hz, power_spectrum
from seqjax.data import DataError

LIKE_LIBROSA = LogMel(22050, 2048, 512, 128, centered=True, dynamic_range=80.0)
# librosa 0.11.0: feature.mfcc(y=chirp(), sr=22050, n_mfcc=13), frames 0, 5, 11
CEPSTRA = """
-198.06662 111.40435 85.73103 54.94579 29.36372 13.00052 -1.40554 -15.62917 -18.63775
-14.76978 -10.91588 -18.20287 -15.38954
-224.41099 56.04102 -47.67013 -102.03707 -57.91976 24.67982 66.67815 40.26301 -12.92631
-32.66291 -16.97668 4.56318 4.72071
-468.34531 -9.7614 -51.38277 12.00952 53.43716 -16.15193 -43.52985 15.85996 32.31847
-21.18368 -28.3656 20.38471 22.45698
"""
# feature.delta(the cepstra, width=5, mode="nearest"), frames 0 and 6, c_0 … c_3
SLOPES = (
    "7.720226 .557692 -4.145183 -11.661156 -25.46179 -16.375447 -13.654517 15.497568"
)
# power_to_db(feature.melspectrogram(y=chirp()[:1500], sr=16000, n_fft=400,
# hop_length=160, n_mels=40, center=False), top_db=None), frame 3, every sixth band
DECIBELS = (
    "-36.315615 -27.372153 -31.957377 -35.734642 -38.694211 -35.822221 -34.991043"
)


def numbers(text, *shape):
    return np.array(text.split(), float).reshape(shape)


def chirp():
    rng, t = np.random.default_rng(0), np.arange(6000) / 22050
    tone = 0.4 * np.sin(2 * np.pi * (200 * t + 4000 * t * t))
    return (tone + 0.01 * rng.normal(size=6000)) * np.linspace(1, 0, 6000)


def test_features_are_those_of_librosa():
    cepstra = jax.jit(MFCC(LIKE_LIBROSA))(chirp())
    assert cepstra.shape == (LIKE_LIBROSA.length(6000), 13)
    np.testing.assert_allclose(
        cepstra[np.array([0, 5, 11])], numbers(CEPSTRA, 3, 13), atol=1e-4
    )
    slopes = deltas(cepstra)[np.array([0, 6]), :4]
    np.testing.assert_allclose(slopes, numbers(SLOPES, 2, 4), atol=1e-5)
    decibels = jax.jit(LogMel())(chirp()[:1500])[3, ::6]
    np.testing.assert_allclose(decibels, numbers(DECIBELS, 7), atol=1e-5)


def test_power_keeps_the_energy():
    rng = np.random.default_rng(1)
    for window, fft in ((400, 400), (301, 512), (201, 201)):
        x = rng.normal(size=(2, window))
        power = np.asarray(power_spectrum(x, fft))
        twice = np.full(fft // 2 + 1, 2.0)
        twice[0] = 1
        if fft % 2 == 0:
            twice[-1] = 1
        np.testing.assert_allclose(power @ twice / fft, np.sum(x**2, axis=-1))


@pytest.mark.parametrize("hz", [220, 1000, 3520])
def test_a_pure_tone_is_loudest_in_its_band(hz):
    mel = LogMel(bands=30)
    tone = 0.3 * np.sin(2 * np.pi * hz * np.arange(1200) / mel.rate)
    ends = hz_to_mel(np.array([0, 8000]))
    centres = mel_to_hz(np.linspace(ends[0], ends[1], 32))[1:-1]
    loudest = np.argmax(jax.jit(mel)(tone), axis=-1)
    nearest = np.argmin(np.abs(hz_to_mel(centres) - hz_to_mel(np.array(hz))))
    assert np.all(np.abs(loudest - nearest) <= 1)
    louder = jax.jit(mel)(10 * tone) - jax.jit(mel)(tone)
    assert louder[0, nearest] == pytest.approx(20)  # ten times the amplitude


def test_bands_cover_what_lies_between_their_ends():
    mel = LogMel(bands=20, low=300, high=3000)
    weights = mel.filters()
    hz = np.arange(201) * 40
    assert not weights[(hz <= 300) | (hz >= 3000)].any()
    assert np.all(weights[(hz > 340) & (hz < 2900)].sum(axis=1) > 0)
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz)), hz, atol=1e-9)


def test_batches_and_lengths():
    x = np.random.default_rng(2).normal(size=(2, 3, 1000))
    for mel in (LogMel(), LogMel(centered=True), LogMel(window=401, hop=77)):
        found = jax.jit(MFCC(mel, 5))(x)
        assert found.shape == (2, 3, mel.length(1000), 5)
        np.testing.assert_allclose(found[1, 2], jax.jit(MFCC(mel, 5))(x[1, 2]))
    assert LogMel().length(399) == 0


def test_the_front_end_pads_without_effect():
    rng = np.random.default_rng(3)
    x = 0.1 * rng.normal(size=3001)
    for extract in (LogMel(), MFCC(LIKE_LIBROSA)):
        front = FrontEnd(extract, "none")
        np.testing.assert_allclose(front(x), extract(x), atol=2e-3)
    assert FrontEnd()(x[:300]).shape == (0, 40)


def test_the_front_end_normalises_and_stacks():
    rng = np.random.default_rng(4)
    frames = rng.normal(3, 5, (14, 4)).astype(np.float32)
    front = FrontEnd(MFCC(coefficients=4), order=2, stack=3)
    inputs = front.inputs(frames)
    assert inputs.shape == (4, front.features) == (4, 36)
    flat = inputs.reshape(12, 12)
    z = (frames - frames.mean(axis=0)) / frames.std(axis=0)
    np.testing.assert_allclose(flat[:, :4], z[:12], atol=1e-5)
    np.testing.assert_allclose(flat[:, 4:8], deltas(jnp.asarray(z))[:12], atol=1e-5)
    corpus = FrontEnd(MFCC(coefficients=4), "corpus").fit([frames, 2 * frames])
    both = np.concatenate([frames, 2 * frames])
    wanted = (frames - both.mean(axis=0)) / both.std(axis=0)
    np.testing.assert_allclose(corpus.inputs(frames), wanted, atol=1e-5)


def test_wav_files_of_every_kind(tmp_path):
    x = 0.9 * np.sin(np.arange(2000) / 7)
    kinds = {
        "u8": (np.round(127 * x + 128).astype(np.uint8), 1.2e-2),
        "i16": (np.round(32767 * x).astype(np.int16), 1e-4),
        "i32": (np.round(2147483647 * x).astype(np.int32), 1e-6),
        "f32": (x.astype(np.float32), 1e-6),
    }
    for name, (samples, close) in kinds.items():
        path = tmp_path / f"{name}.wav"
        scipy.io.wavfile.write(path, 16000, samples)
        sound = read_wav(path)
        assert (sound.rate, sound.notes) == (16000, ())
        np.testing.assert_allclose(sound.samples, x, atol=close)
    stereo = tmp_path / "stereo.wav"
    scipy.io.wavfile.write(stereo, 16000, np.stack([x, 0 * x], 1).astype(np.float32))
    sound = read_wav(stereo)
    np.testing.assert_allclose(sound.samples, x / 2, atol=1e-6)
    assert sound.notes == (f"{stereo}: its 2 channels are averaged",)


def test_another_rate_is_converted(tmp_path):
    t = np.arange(8000) / 8000
    path = tmp_path / "slow.wav"
    scipy.io.wavfile.write(path, 8000, np.sin(2 * np.pi * 440 * t).astype(np.float32))
    sound = read_wav(path, 16000)
    wanted = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    np.testing.assert_allclose(sound.samples[500:-500], wanted[500:-500], atol=2e-3)
    assert sound.notes == (f"{path}: its 8000 samples a second are converted to 16000",)


def test_wav_files_that_cannot_be_used(tmp_path):
    good = tmp_path / "good.wav"
    scipy.io.wavfile.write(good, 8000, np.arange(-500, 500, dtype=np.int16))
    raw = good.read_bytes()

    def refused(content, sentence):
        path = tmp_path / "bad.wav"
        path.write_bytes(content)
        with pytest.raises(DataError, match=f"bad.wav: {sentence}") as error:
            read_wav(path)
        assert "\n" not in str(error.value)

    refused(b"", "this file is empty")
    refused(b"nonsense" * 9, "no WAV file that can be read")
    refused(raw[: len(raw) // 2], "this WAV file ends before its header says")
    for size in range(1, 44):
        refused(raw[:size], "")
    scipy.io.wavfile.write(good, 8000, np.zeros(100, np.int16))
    refused(good.read_bytes(), "this file is silent")
    scipy.io.wavfile.write(good, 8000, np.zeros(0, np.int16))
    refused(good.read_bytes(), "this file has no samples")
    with pytest.raises(DataError, match=r"none.wav: No such file"):
        read_wav(tmp_path / "none.wav")


def test_numbers_out_of_range_are_refused():
    with pytest.raises(ValueError, match="hop must be at least 1: 0"):
        LogMel(hop=0)
    with pytest.raises(ValueError, match="between 0 and half of the rate"):
        LogMel(high=9000)
    with pytest.raises(ValueError, match="1 to 40 coefficients, not 41"):
        MFCC(coefficients=41)
    with pytest.raises(ValueError, match="normalize must be one of"):
        FrontEnd(normalize="all")
