"""Voices: their readers, who is held out, the predictor, questions on WAV files."""

import dataclasses
import pathlib
import re
import shutil

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.io.wavfile
from model_data import apply, shapes_of
from processes import run
from random_data import random_like
from trained import uses

import seqjax
from experiments.speaker.clip import Clip
from experiments.speaker.data import TABLE
from experiments.speaker.division import answered, divide
from experiments.speaker.report import speakers_right
from experiments.speaker.vowels import parse_vowels
from seqjax import GRU, Bidirectional, figures, predict
from seqjax.audio import FrontEnd, Given, LogMel, Sound
from seqjax.data import DataError
from seqjax.data.ts import read_ts
from seqjax.models import Classifier
from seqjax.predict import SoundClassPredictor

HEAD = "#a comment\n@problemName it\n@dimensions 2\n@classLabel true f m\n@data\n"


def write_ts(path, series, head=HEAD):
    """Writes series of values [T, D] and a label."""
    rows = [
        ":".join([*(",".join(map(repr, column)) for column in x.T.tolist()), label])
        for x, label in series
    ]
    path.write_text(head + "\n".join(rows) + "\n")


def random_series(seed, *lengths):
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(n, 2)), "fm"[i % 2]) for i, n in enumerate(lengths)]


def test_series_are_read_as_they_were_written(tmp_path):
    written = random_series(0, 3, 7, 1)
    write_ts(tmp_path / "a.ts", written)
    for head in (HEAD, HEAD.replace("@dimensions 2\n", "").replace("@data", "@DATA")):
        write_ts(tmp_path / "a.ts", written, head)
        read = read_ts(tmp_path / "a.ts")
        assert [s.line for s in read] == [head.count("\n") + i for i in (1, 2, 3)]
        for (x, label), one in zip(written, read, strict=True):
            np.testing.assert_array_equal(one.values, x.astype(np.float32))
            assert one.label == label


BAD_SERIES = {
    "a.ts, line 6: 1 dimensions, where 2 are needed": HEAD + "1,2:f\n",
    "a.ts, line 7: 3 dimensions, where 2 are needed": HEAD + "1:2:f\n1:2:3:f\n",
    "a.ts, line 6: its dimensions differ in length: 1 and 2": HEAD + "1,2:1:f\n",
    "a.ts, line 6: the class 'x' is not among those": HEAD + "1:2:x\n",
    "a.ts, line 6: '?' is no finite number": HEAD + "1,?:1,2:f\n",
    "a.ts, line 6: '' is no finite number": HEAD + ":1:f\n",
    "a.ts, line 6: 'nan' is no finite number": HEAD + "nan:1:f\n",
    "a.ts, line 1: a line before @data must": "1:2:f\n",
    "a.ts: no .ts file, for there is no line @data": "@problemName it\n",
    "a.ts: no series after @data": HEAD,
    "a.ts: a line such as “@classLabel true": "@classLabel false\n@data\n1:2\n",
    "a.ts: @classLabel names a class twice": "@classLabel true f f\n@data\n1:2:f\n",
    "a.ts: series with time stamps cannot be read": "@timeStamps TRUE\n" + HEAD,
    "a.ts: @dimensions must be a whole number, not 'two'": HEAD.replace("2", "two"),
    "a.ts, line 6: not valid UTF-8": HEAD.encode() + b"\xe9:1:f\n",
    "a.ts, line 7: 1 dimensions, where 3 are": (
        HEAD.replace("@dimensions 2", "@missing false") + "1:2:3:f\n1:m\n"
    ),
}


@pytest.mark.parametrize("message", BAD_SERIES)
def test_bad_series_are_one_sentence_with_file_and_line(message, tmp_path):
    text = BAD_SERIES[message]
    (tmp_path / "a.ts").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=re.escape(message)) as error:
        TABLE.read(tmp_path / "a.ts")
    assert "\n" not in str(error.value)


def test_parts_of_series_are_kept(tmp_path):
    write_ts(tmp_path / "it_TRAIN.ts", random_series(0, 3, 2))
    with pytest.raises(DataError, match=r"0 files \*_TEST.ts; one is needed"):
        TABLE.read(tmp_path)
    write_ts(tmp_path / "it_TEST.ts", random_series(1, 4))
    read = TABLE.read(tmp_path)
    assert [(c.part, c.label, len(c.sound)) for c in read.clips] == [
        ("train", "f", 3),
        ("train", "m", 2),
        ("test", "f", 4),
    ]
    assert read.extract == Given(2)
    head = HEAD.replace("@dimensions 2\n", "")
    write_ts(tmp_path / "it_TEST.ts", [(np.ones((2, 3)), "f")], head)
    with pytest.raises(DataError, match="TEST.ts, line 5: 3 dimensions, where .* 2"):
        TABLE.read(tmp_path)


def vowel_rows(rng):
    """Rows like those of the wheel's file: two speakers, six rounds of 11 vowels."""
    return [
        [part, speaker, gender, *np.round(rng.normal(size=10), 3), vowel]
        for part, speaker, gender in ((0, 3, 1), (1, 8, 0))
        for _ in range(6)
        for vowel in range(11)
    ]


def test_six_rounds_of_vowels_become_sequences():
    rows = vowel_rows(np.random.default_rng(2))

    def parse(rows):
        return parse_vowels("\n".join(",".join(map(str, r)) for r in rows).encode())

    clips = parse(rows).clips
    assert len(clips) == 22
    for i, clip in enumerate(clips):
        speaker, vowel = divmod(i, 11)
        own = [
            r[3:-1] for r in rows[66 * speaker : 66 * speaker + 66] if r[-1] == vowel
        ]
        np.testing.assert_array_equal(clip.sound, np.float32(own))
        expected = [("female", "speaker 3", "train"), ("male", "speaker 8", "test")]
        assert clip[2:] == expected[speaker]
    for damaged in (rows[:40] + rows[57:], [*rows[:-1], rows[0]]):
        with pytest.raises(DataError, match="has not six rounds of eleven vowels"):
            parse(damaged)
    with pytest.raises(DataError, match="vowel.dat, line 133: 14 columns are needed"):
        parse([*rows, [1, 2]])


def some_clips(each=(5, 7), sounds=3, part=""):
    """Speakers of two genders, with random sounds, in a random order."""
    rng, clips = np.random.default_rng(4), []
    for gender, count in zip(("F", "male"), each, strict=True):
        for i in range(count):
            for k in range(sounds):
                name, sound = f"{gender}{i}, {k}", rng.normal(size=(2, 3))
                clips.append(Clip(name, sound, gender, f"{gender}{i}", part))
    return [clips[i] for i in rng.permutation(len(clips))]


@pytest.mark.parametrize("seed", range(4))
def test_a_gender_is_asked_of_speakers_who_were_never_heard(seed):
    clips = answered(some_clips(), "gender", "it")
    parts, said = divide(clips, "gender", seed)
    heard = [{c.speaker for c in part} for part in parts]
    assert not heard[0] & heard[1] | heard[0] & heard[2] | heard[1] & heard[2]
    assert all({c.label for c in part} == {"female", "male"} for part in parts)
    assert sum(map(len, parts)) == 36 and "other speakers" in said
    again, _ = divide(clips, "gender", seed)
    assert [c.name for c in parts.test] == [c.name for c in again.test]
    parts, said = divide(answered(clips, "speaker", "it"), "speaker", seed)
    for part in parts:
        assert len({c.label for c in part}) == 12, "each speaker is on each side"
    names = [c.name for part in parts for c in part]
    assert len(set(names)) == 36 and "same speakers" in said


def test_the_datas_own_test_part_is_kept():
    clips = answered(some_clips(), "gender", "it")
    clips = [c._replace(part="test" if "1" in c.speaker else "train") for c in clips]
    parts, said = divide(clips, "gender", 0)
    assert {c.speaker for c in parts.test} == {"F1", "male1"} and "own" in said
    assert len({c.speaker for c in parts.valid}) == 2
    speakers = answered(clips, "speaker", "it")
    parts, said = divide(speakers, "speaker", 0)
    assert len({c.label for c in parts.train}) == 12 and "drawn" in said
    heard = [
        c._replace(part="test" if c.name[-1] == "1" else "train") for c in speakers
    ]
    parts, said = divide(heard, "speaker", 0)
    assert {c.name[-1] for c in parts.test} == {"1"} and "own" in said


def test_copies_of_a_sound_never_stand_on_two_sides():
    clips = [c._replace(speaker="") for c in answered(some_clips(), "gender", "it")]
    copies = [c._replace(name=f"copy {i}") for i, c in enumerate(clips)]
    parts, said = divide(clips + copies, "gender", 0)
    sounds = [{c.sound.tobytes() for c in part} for part in parts]
    assert sum(map(len, sounds)) == 36 and sum(map(len, parts)) == 72
    assert "unknown" in said
    held = [c._replace(part="test") for c in copies[:9]]
    marked = [c._replace(part="train") for c in clips]
    parts, _ = divide(marked + held, "gender", 0)
    assert len(parts.test) == 9 and len(parts.train + parts.valid) == 27


UNDIVIDED = {
    "it: 2 different speakers are F, where 3 or more are needed": some_clips((2, 4)),
    "it: all sounds are male; two labels are needed": some_clips((0, 4)),
    ": F0 is female here, and F before": [
        *some_clips(),
        some_clips()[0]._replace(label="female", speaker="F0"),
    ],
}


@pytest.mark.parametrize("message", UNDIVIDED)
def test_what_cannot_be_divided_is_named(message):
    with pytest.raises(DataError, match=re.escape(message)):
        divide(UNDIVIDED[message], "gender", 0, "it")


def test_a_label_that_is_no_gender_is_named():
    clips = some_clips()
    with pytest.raises(DataError, match="ninth: the label 'tenor' is unknown"):
        answered([*clips, clips[0]._replace(name="ninth", label="tenor")], "gender", "")
    unknown = [clip._replace(label="") for clip in clips]
    with pytest.raises(DataError, match="it: it is not known .* use --target=speaker"):
        answered(unknown, "gender", "it")


def write_wav(path, seed, rate=16000, seconds=0.1):
    samples = np.random.default_rng(seed).normal(size=int(rate * seconds))
    scipy.io.wavfile.write(path, rate, (9000 * np.tanh(samples)).astype(np.int16))


def test_a_folder_of_sounds_is_read_by_its_labels_or_its_names(tmp_path):
    for i, name in enumerate(("female_anna_1", "Otto_2", "m_otto")):
        write_wav(tmp_path / f"{name}.wav", i)
    read = TABLE.read(tmp_path)
    assert read.rate == 16000 and read.extract is None
    assert [c[2:] for c in read.clips] == [
        ("Otto", "", ""),
        ("female", "anna", ""),
        ("m", "otto", ""),
    ]
    labels = tmp_path / "labels.tsv"
    labels.write_text("Otto_2.wav\tmale\tOtto\nm_otto.wav\tm\n")
    read = TABLE.read(tmp_path).clips
    assert [c[2:4] for c in read] == [("male", "Otto"), ("m", "")]
    assert [c.label for c in answered(read, "speaker", "it")] == ["Otto", "m"]
    for text, message in (
        ("none.wav\tmale\n", "labels.tsv, line 1: there is no file"),
        ("Otto_2.wav\tm\nm_otto.wav\n", "line 2: two or three columns by tab .* label"),
    ):
        labels.write_text(text)
        with pytest.raises(DataError, match=message):
            TABLE.read(tmp_path)
    labels.unlink()
    (tmp_path / "f_cut.wav").write_bytes((tmp_path / "Otto_2.wav").read_bytes()[:-9])
    with pytest.raises(DataError, match="f_cut.wav: this WAV file ends before"):
        TABLE.read(tmp_path)


def test_synthetic_voices_are_told_by_their_pitch():
    from experiments.speaker.voices import synthetic
    from seqjax.audio import median_pitch

    clips = synthetic(voices=10, each=1)[0]
    hertz = [median_pitch(c.sound, clips.rate) for c in clips.clips]
    assert [h > 160 for h in hertz] == [c.label == "female" for c in clips.clips]


def predictor(front=None, classes=("female", "male")):
    front = front or FrontEnd(LogMel(4000, 100, 40, 8), stack=2)
    model = Classifier(Bidirectional(GRU(3)), len(classes), pooling="mean")
    made = SoundClassPredictor(model, front, classes)
    drawn = random_like(shapes_of(model, *made.example()), 3)
    return dataclasses.replace(made, variables=drawn)


def random_sounds(*lengths):
    rng = np.random.default_rng(0)
    return [Sound(rng.normal(size=n).astype(np.float32), 4000) for n in lengths]


def test_a_classifier_of_sounds_answers_as_its_model(tmp_path):
    teller, three = predictor(), random_sounds(900, 300, 501)
    shares = teller.classify(three)
    for sound, rated in zip(three, shares, strict=True):
        x = jnp.asarray(teller.inputs(sound))
        logits = apply(teller.model, teller.variables, x[None], jnp.array([len(x)]))
        expected = np.exp(logits[0]) / np.exp(logits[0]).sum()
        np.testing.assert_allclose(list(rated.values()), expected, atol=1e-5)
        assert teller.classify(sound) == pytest.approx(rated, abs=1e-5)
    predict.save(tmp_path, teller)
    assert predict.load(tmp_path, SoundClassPredictor).classify(three) == shares


def test_what_a_classifier_of_sounds_refuses(tmp_path):
    (short,) = random_sounds(50)
    with pytest.raises(ValueError, match="must have 0.025 seconds or more"):
        predictor().classify(short)
    with pytest.raises(ValueError, match="hears 4000 samples a second, not 8000"):
        predictor().classify(short._replace(rate=8000))
    with pytest.raises(ValueError, match="has 2 classes, but 3 are named"):
        dataclasses.replace(predictor(), classes=("a", "b", "c"))
    deaf = predictor(FrontEnd(Given(5), "none"))
    predict.save(tmp_path, deaf)
    deaf = predict.load(tmp_path)
    x = np.random.default_rng(0).normal(size=(4, 5))
    assert deaf.probabilities(deaf.batches([x])).sum() == pytest.approx(1)
    for sound in (short, "none.wav"):
        with pytest.raises(ValueError, match="reads 5 features a frame that were"):
            deaf.classify(sound)


def test_a_speaker_is_told_by_all_sounds_together():
    clips = [Clip("", np.zeros(1), "", who) for who in ("a", "b", "a", "b", "a")]
    gold = np.array([0, 1, 0, 1, 0])
    p = np.array([0.4, 0.6, 0.9, 0.7, 0.4])  # of the first label
    shares = np.stack([p, 1 - p], axis=1)
    assert speakers_right(shares, gold, clips) == (1, 2)
    assert speakers_right(shares, gold, [c._replace(speaker="") for c in clips])[1] == 0


def test_decisions_are_points_over_their_numbers(tmp_path):
    rng = np.random.default_rng(0)
    x, p = rng.uniform(80, 300, 9), rng.random(9)
    x[4] = np.nan
    points = {"female": (x[:5], p[:5]), "male": (x[5:], p[5:])}
    axes = "pitch (Hz)", "P(female)"
    (drawn,) = figures.decisions(tmp_path / "a.png", points, *axes, title="a").axes
    assert (drawn.get_xlabel(), drawn.get_ylabel()) == axes
    first, second, line = drawn.lines
    np.testing.assert_array_equal(first.get_xydata(), np.stack([x[:4], p[:4]], 1))
    np.testing.assert_array_equal(second.get_xydata(), np.stack([x[5:], p[5:]], 1))
    assert list(line.get_ydata()) == [0.5, 0.5]
    labels = [t.get_text() for t in drawn.get_legend().get_texts()]
    assert labels == ["truly female: 4", "truly male: 4", "decision at 0.5"]
    with pytest.raises(ValueError, match="female: "):
        figures.decisions(tmp_path / "a.png", {"female": (x, p[:5])}, *axes, title="")
    none = {"male": (x[4:5], p[:1])}
    (drawn,) = figures.decisions(tmp_path / "a.png", none, *axes, title="").axes
    assert [t.get_text() for t in drawn.texts] == ["no example has such a number"]


@uses("speaker")
def test_a_voice_in_a_file_is_told(trained):
    done = trained("speaker")
    assert done.result["score"] == 1 > done.result["majority"]
    assert done.result["speakers_right"] == done.result["speakers"] == 2
    figure = done.folder / "run" / "figures" / "pitch.png"
    assert figure.exists()
    teller = seqjax.load(done.folder / "run")
    rows = (done.folder / "run" / "predictions.tsv").read_text().splitlines()
    assert len(rows) == 8
    for row in rows:
        name, speaker, label, taken, share = row.split("\t")
        assert label in name and speaker in name
        file = done.folder / name
        rated = teller.classify(file)
        assert max(rated, key=rated.__getitem__) == taken
        assert rated[taken] == pytest.approx(float(share), abs=1e-3)
    ask = ["--mode=classify", "--workdir=run", f"--wav={name}"]
    code, out, err = run("speaker", *ask, cwd=done.folder)
    assert code == 0 and err == "", err
    note, first, *each = out.splitlines()
    assert "8000 samples a second are converted" in note and first == taken
    assert each[0].split() == [share, taken] and len(each) == 2


@uses("speaker")
def test_a_file_that_cannot_be_heard_is_one_sentence(trained, tmp_path):
    shutil.copytree(trained("speaker").folder / "run", tmp_path / "run")
    (tmp_path / "empty.wav").touch()
    scipy.io.wavfile.write(tmp_path / "silent.wav", 8000, np.zeros(999, np.int16))
    write_wav(tmp_path / "short.wav", 0, seconds=0.01)
    write_ts(tmp_path / "a.ts", [(np.ones((2, 2)), "f")])
    sentences = {
        "--wav=empty.wav": "empty.wav: this file is empty",
        "--wav=silent.wav": "silent.wav: this file is silent",
        "--wav=short.wav": "--wav=short.wav: a sound must have 0.025 seconds",
        "--wav=none.wav": "none.wav: No such file",
        "": "--wav: name a WAV file",
        "--wav=short.wav --target=speaker": "--target: --mode=classify has no use",
    }
    for flags, sentence in sentences.items():
        ask = ["--mode=classify", "--workdir=run", *flags.split()]
        code, out, err = run("speaker", *ask, cwd=tmp_path)
        assert code in (1, 2) and out == "" and len(err.splitlines()) == 1, err
        assert sentence in err
    for flags, sentence in (
        (["--dataset=none"], "no data set 'none'"),
        (["--data=none"], "none: a folder of WAV files is needed"),
        (["--data=a.ts"], "a.ts: all sounds are female"),
    ):
        code, out, err = run("speaker", *flags, "--workdir=new", cwd=tmp_path)
        assert code in (1, 2) and out == "" and len(err.splitlines()) == 1, err
        assert sentence in err and not pathlib.Path(tmp_path / "new").exists()
