"""The data of speech recognition: folders, voices, strings, other speakers, lists."""

import numpy as np
import pytest
import scipy.io.wavfile

from experiments.rescoring.data import read_nbest
from experiments.speech_recognition.augment import another_voice, paced, warping
from experiments.speech_recognition.data import joined, split_by_speaker
from experiments.speech_recognition.digits import assigned
from experiments.speech_recognition.espeak import sentences
from experiments.speech_recognition.folder import read_folder
from experiments.speech_recognition.report import most_frequent_word, n_best_lines
from experiments.speech_recognition.utterance import Recordings, Utterance
from experiments.speech_recognition.voice import RATE, draw_voice, speak
from seqjax.audio import MFCC, LogMel
from seqjax.data import DataError
from seqjax.predict import Heard


def tone(path, hz=300):
    samples = np.sin(2 * np.pi * hz * np.arange(4000) / 16000)
    scipy.io.wavfile.write(path, 16000, (9000 * samples).astype(np.int16))


def test_a_folder_with_a_transcript(tmp_path):
    for name in ("a.wav", "b.wav"):
        tone(tmp_path / name)
    path = tmp_path / "transcript.tsv"
    path.write_text("a.wav\tOne two\tanna\n\nb.wav\tthree\n")
    first, second = read_folder(tmp_path).utterances
    assert (first.name, first.text, first.speaker) == ("a.wav", "one two", "anna")
    assert (second.text, second.speaker, len(second.sound)) == ("three", "", 4000)

    def refused(text, sentence):
        path.write_text(text)
        with pytest.raises(DataError, match=sentence):
            read_folder(tmp_path)

    refused("a.wav\tone\nc.wav\ttwo\n", r"transcript.tsv, line 2: there is no file")
    refused("a.wav\n", "line 1: two or three columns")
    refused("a.wav\t\n", "line 1: two or three columns")
    (tmp_path / "b.wav").write_bytes(b"")
    refused("a.wav\tone\nb.wav\ttwo\n", "b.wav: this file is empty")


def test_a_folder_with_texts_in_names(tmp_path):
    with pytest.raises(DataError, match="there is no WAV file, and no transcript.tsv"):
        read_folder(tmp_path)
    for name in ("7_jackson_32.wav", "8_theo_1.wav", "nine.wav"):
        tone(tmp_path / name)
    found = read_folder(tmp_path).utterances
    pairs = [("7", "jackson"), ("8", "theo"), ("nine", "")]
    assert [(u.text, u.speaker) for u in found] == pairs
    with pytest.raises(DataError, match="a folder of WAV files is needed"):
        read_folder(tmp_path / "nine.wav")


def said(count, speakers=5):
    rng = np.random.default_rng(0)
    return [
        Utterance(f"{i}", rng.normal(size=(4, 3)) + i, f"w{i % 7}", f"s{i % speakers}")
        for i in range(count)
    ]


def test_no_speaker_is_on_two_sides():
    splits = split_by_speaker(Recordings(said(60), 8000), seed=3)
    sides = [{u.speaker for u in part} for part in splits]
    assert set.union(*sides) == {f"s{i}" for i in range(5)}
    assert sum(map(len, sides)) == 5 and all(sides)
    nameless = [u._replace(speaker="") for u in said(60)]
    assert all(split_by_speaker(Recordings(nameless, 8000), seed=3))


def test_strings_are_of_one_speaker():
    clips = said(40)
    strings = joined(clips, 30, 4, seed=1)
    by_sound = {u.sound[0, 0]: u for u in clips}
    for string in strings:
        parts = [by_sound[frame[0]] for frame in string.sound[::4]]
        assert {part.speaker for part in parts} == {string.speaker}
        assert " ".join(part.text for part in parts) == string.text
        assert 1 <= len(parts) <= 4
    assert len({len(s.text.split()) for s in strings}) == 4


def test_groups_are_found_as_equals_of_each_digit():
    """Of noisy scores of six groups, each takes as many of each digit as the others."""
    rng = np.random.default_rng(4)
    digits = np.repeat(np.arange(3), 60)
    truth = np.tile(np.arange(6), 30)
    scores = rng.normal(size=(180, 6)) + 9 * np.eye(6)[truth]
    assert np.array_equal(assigned(scores, digits), truth)
    scores[truth == 2] += 30 * np.eye(6)[3]  # one group seems to be another
    found = assigned(scores, digits)
    for digit in range(3):
        assert np.all(np.bincount(found[digits == digit]) == 10)


def test_voices_are_high_or_low_and_letters_differ():
    rng = np.random.default_rng(5)
    low, high = (
        [draw_voice(rng, high=h).pitch for _ in range(20)] for h in (False, True)
    )
    assert max(low) < min(high)
    voice = draw_voice(rng, high=False)
    mel = LogMel(RATE, 200, 80, 24)
    middles = {}
    for letter in "abz":
        sound = speak(letter, voice, rng)
        assert sound.dtype == np.float32 and np.abs(sound).max() < 1.1
        frames = np.asarray(mel(sound))
        middles[letter] = frames[len(frames) // 2]
    for one, other in (("a", "b"), ("b", "z"), ("a", "z")):
        assert np.abs(middles[one] - middles[other]).max() > 10  # decibels


@pytest.mark.parametrize("extract", [LogMel(bands=30), MFCC(LogMel(bands=30), 30)])
def test_another_vocal_tract_moves_resonances(extract):
    np.testing.assert_allclose(warping(extract, 1.0), np.eye(30), atol=1e-9)
    x = np.sin(2 * np.pi * 1000 * np.arange(1200) / 16000)
    y = np.sin(2 * np.pi * 1150 * np.arange(1200) / 16000)
    mel = extract if isinstance(extract, LogMel) else extract.mel
    frames = np.asarray(extract(x))
    moved = frames @ warping(extract, 1 / 1.15)
    if isinstance(extract, MFCC):
        moved = moved @ extract.cosines().T
    loudest = np.asarray(mel(y))[0].argmax()
    assert abs(int(moved[0].argmax()) - int(loudest)) <= 1


def test_another_pace_and_noise():
    frames = np.arange(10.0)[:, None] * [1, 2]
    np.testing.assert_allclose(paced(frames, 1.0), frames)
    slow = paced(frames, 2.0)
    assert len(slow) == 20
    np.testing.assert_allclose(np.diff(slow[:, 0]), 9 / 19)
    rng = np.random.default_rng(6)
    same = another_voice(frames, MFCC(coefficients=2), rng, 0.0, 0.0, 0.0)
    np.testing.assert_allclose(same, frames)
    other = another_voice(frames, MFCC(coefficients=2), rng, 0.1, 0.2, 0.3)
    assert other.shape[1] == 2 and np.abs(other[:8] - frames[:8]).max() > 0.1


def test_what_was_heard_is_a_list_to_rescore(tmp_path):
    utterances = [Utterance("a", np.zeros(4), "the pear", ""), *said(2)[1:]]
    heard = [
        [Heard("the pair", -1.0), Heard("the pear", -1.25), Heard("the  pair", -9.0)],
        [Heard("w1", -0.5), Heard("", -3.0)],
    ]
    path = tmp_path / "nbest.tsv"
    path.write_text(n_best_lines(utterances, heard))
    found = [(h.utterance, h.acoustic, h.text, h.is_true) for h in read_nbest(path)]
    assert found == [
        ("a", -1.0, "the pair", False),
        ("a", -1.25, "the pear", True),
        ("1", -0.5, "w1", True),
    ]


def test_the_baseline_says_one_word_for_as_long():
    train = [
        Utterance("", np.zeros(10), "x y", ""),
        Utterance("", np.zeros(5), "x", ""),
    ]
    test = [Utterance("", np.zeros(n), "", "") for n in (5, 16, 1)]
    assert most_frequent_word(train, test) == ["x", "x x x", ""]


def test_sentences_have_no_gaps():
    made = sentences(np.random.default_rng(0), 200)
    assert not any("{" in text for text in made) and len(set(made)) > 100
    assert "the apple and pear salad" in sentences(np.random.default_rng(0), 3000)
