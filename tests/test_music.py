"""Chorales: the score as a law, the files that are read, the generator, the MIDI."""

import functools
import io
import itertools
import json
import re
import types
import warnings
import zipfile
from dataclasses import replace

import jax
import jax.numpy as jnp
import mido
import numpy as np
import pytest
import scipy.io
from model_data import random_variables_for
from processes import run
from trained import copy_of, uses

import seqjax
from experiments.music import baselines
from experiments.music.chorales import read_chorales
from experiments.music.data import read_rolls, splits_of
from experiments.music.generator import ChordProcess, best_nats, draw_pieces
from experiments.music.model import loss_of, make_predictor, transposed
from experiments.music.opening import opening
from experiments.music.repeats import groups_of
from experiments.music.roll import (
    KEYS,
    LOWEST,
    Notes,
    Piece,
    from_notes,
    key_name,
    write_roll,
)
from experiments.shared.errors import UsageError
from seqjax import GRU
from seqjax.data import Batches, DataError, Source, Splits, wheels
from seqjax.data.midi import RESOLUTION
from seqjax.models import Tagger
from seqjax.predict import NextFrame, RollPredictor

LENGTHS = 4, 2, 5, 3


def random_rolls(lengths=LENGTHS, seed=0):
    """Rolls of about five keys a frame, none of which is like another."""
    rng = np.random.default_rng(seed)
    rolls = [rng.random((length, KEYS)) < 0.06 for length in lengths]
    for roll in rolls:
        roll[0, 40] = roll[-1, 30] = True  # no silence around a piece
    return rolls


@functools.cache
def player(keys=KEYS):
    """A predictor with random weights in float64."""
    predictor = RollPredictor(Tagger(GRU(5), keys, several=True))
    variables = random_variables_for(predictor.model, *predictor.example())
    return replace(predictor, variables=variables)


def by_hand(p, after):
    """Σ over keys of −log P, one key at a time."""
    pairs = zip(p, after, strict=True)
    return sum(-np.log(q) if down else -np.log(1 - q) for q, down in pairs)


def test_the_score_of_a_roll_made_by_hand():
    """A model without weights says σ(bias) of each key, whatever was before."""
    model = Tagger(GRU(2), 3, several=True)
    predictor = RollPredictor(model)
    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), *predictor.example()))
    zeros = jax.tree.map(lambda a: jnp.zeros(a.shape), shapes)
    p = np.array([0.5, 0.2, 0.9])
    zeros["params"]["readout"]["bias"] = jnp.log(p / (1 - p))
    predictor = replace(predictor, variables=zeros)
    long = np.array([[1, 1, 1], [0, 0, 1], [1, 1, 0], [0, 0, 1]])
    short = np.array([[0, 1, 0], [1, 0, 0]])
    # Frame 1 does not count, keys are summed, and frames weigh alike: 3 + 1 of them.
    frames = [
        np.log(2) - np.log(0.8) - np.log(0.9),
        np.log(2) - np.log(0.2) - np.log(0.1),
        np.log(2) - np.log(0.8) - np.log(0.9),
        np.log(2) - np.log(0.8) - np.log(0.1),
    ]
    both = predictor.nats(predictor.batches([long, short]))
    assert both.weight == 4 and both.result() == pytest.approx(np.mean(frames))
    assert predictor.nll(long) == pytest.approx(np.mean(frames[:3]))
    assert predictor.nll(short) == pytest.approx(frames[3])


def test_the_score_is_that_of_every_key_and_frame_by_itself():
    """Ragged, in any batching; P of a frame is what `next` says after those before."""
    rolls = random_rolls()
    nats = [
        by_hand(player().next(roll[:t]), roll[t])
        for roll in rolls
        for t in range(1, len(roll))
    ]
    for size in (1, 3, 64):
        found = player().nats(player().batches(rolls, size))
        assert found.weight == sum(LENGTHS) - len(LENGTHS) == len(nats)
        np.testing.assert_allclose(found.result(), np.mean(nats), rtol=1e-6)
    p = player().probabilities(player().batches(rolls))
    for roll, rows in zip(rolls, p, strict=True):
        each = [player().next(roll[:t]) for t in range(1, len(roll))]
        np.testing.assert_allclose(rows, each, rtol=1e-6)


def test_the_loss_is_a_piece_s_and_the_score_s_total():
    rolls = random_rolls()
    batch = Batches(list(map(NextFrame.of, rolls)), 8).at(0)
    loss = loss_of(player().model)
    nats, frames, _ = loss(player().variables, batch, jax.random.key(0), ())
    whole = player().nats(player().batches(rolls))
    np.testing.assert_allclose(nats.total, whole.total, rtol=1e-6)
    assert nats.weight == len(rolls) and frames == whole.weight


def test_pieces_are_transposed_whole():
    rolls = np.stack(random_rolls((4, 4, 4)))
    up, none, down = np.asarray(transposed(rolls, jnp.array([2, 0, -3]), 3))
    np.testing.assert_array_equal(up[:, 2:], rolls[0, :, :-2])
    np.testing.assert_array_equal(none, rolls[1])
    np.testing.assert_array_equal(down[:, :-3], rolls[2, :, 3:])
    assert not up[:, :2].any() and not down[:, -3:].any()


def test_what_is_sampled_is_as_likely_as_the_model_says():
    """The share of keys that are down in many draws is P; 0 draws the likelier."""
    predictor = player()
    begin = random_rolls()[0]
    p = predictor.next(begin)
    drawn = [predictor.sample(begin, 1, seed=seed) for seed in range(300)]
    assert all((roll[:4] == begin).all() and len(roll) == 5 for roll in drawn)
    share = np.mean([roll[4] for roll in drawn], axis=0)
    assert (np.abs(share - p) < 5 * np.sqrt(p * (1 - p) / 300)).all()
    safe = predictor.sample(begin, 2, temperature=0.0)
    for t in (4, 5):
        np.testing.assert_array_equal(safe[t], predictor.next(safe[:t]) > 0.5)
    one, again, other = (predictor.sample(begin, 9, seed=seed) for seed in (1, 1, 2))
    assert (one == again).all() and (one != other).any()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: player().nll(np.zeros((1, KEYS))), "T at least 2, not (1, 88)"),
        (lambda: player().next(np.zeros((0, KEYS))), "T at least 1"),
        (lambda: player().sample(np.zeros((3, 87))), "[T, 88]"),
        (lambda: player().sample(np.zeros((3, KEYS)), 0), "length"),
        (lambda: player().sample(np.zeros((1, KEYS)), temperature=-1.0), "temperature"),
        (lambda: RollPredictor(Tagger(GRU(2), 3)), "several=True"),
        (
            lambda: Tagger(GRU(2), 3, crf=True, several=True).init(
                jax.random.key(0), jnp.zeros((1, 1, 3)), jnp.ones(1, int)
            ),
            "a CRF is of one label",
        ),
    ],
)
def test_what_a_player_cannot_be_asked(call, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        call()


def test_baselines_are_what_they_say():
    """On frames drawn from a chain of each key, its own two shares are best."""
    rng = np.random.default_rng(0)
    stays, goes = rng.uniform(0.3, 0.9, KEYS), rng.uniform(0, 0.1, KEYS)
    frames = [np.arange(KEYS) % 3 == 0]
    for _ in range(3000):
        frames.append(rng.random(KEYS) < np.where(frames[-1], stays, goes))
    rolls = [np.array(frames[i : i + 60]) for i in range(0, 3000, 60)]
    pieces = [Piece(str(i), roll) for i, roll in enumerate(rolls)]
    found = baselines.scores(Splits(pieces[:40], pieces[40:45], pieces[45:]))
    frequencies, last, each = (found[name]["test"] for name in baselines.BASELINES)
    assert each < min(frequencies, last)
    true = [
        by_hand(np.where(before, stays, goes), after)
        for roll in rolls[45:]
        for before, after in itertools.pairwise(roll)
    ]
    assert abs(each - np.mean(true)) < 0.02 * np.mean(true)


def test_baselines_count_what_follows():
    roll = np.array([[1, 1], [1, 0], [0, 0], [0, 1], [0, 0]], bool)
    pieces, before = [Piece("a", roll)], np.array([[True, False]])
    last = baselines.last_frame(pieces, 0.0)(before)
    np.testing.assert_allclose(last, [[1 / 4, 1 / 4]])  # 1 of 4 stays, 1 of 4 goes down
    often = baselines.key_frequencies(pieces, 0.0)(before)
    np.testing.assert_allclose(often, [[1 / 4, 1 / 4]])
    each = baselines.last_frame_of_each_key(pieces, 1e-9)
    np.testing.assert_allclose(each(before), [[1 / 2, 1 / 2]], atol=1e-6)
    np.testing.assert_allclose(each(~before)[0, 0], 0, atol=1e-6)


def test_the_best_score_of_the_generator_is_that_of_all_ways_to_draw():
    """The forward algorithm against a sum over all sequences of states."""
    rng = np.random.default_rng(3)
    start, moves = rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3), 3)
    process = ChordProcess(start, moves, rng.uniform(0.05, 0.9, (3, 4)))
    roll = process.draw(rng, 5)
    for t in range(1, 6):
        total, down = 0.0, np.zeros(4)
        for path in itertools.product(range(3), repeat=t + 1):
            p = start[path[0]] * np.prod(
                [moves[a, b] for a, b in itertools.pairwise(path)]
            )
            for state, frame in zip(path[:-1], roll[:t], strict=True):
                each = process.down[state]
                p *= np.prod(np.where(frame, each, 1 - each))
            total, down = total + p, down + p * process.down[path[-1]]
        np.testing.assert_allclose(process.next(roll)[t - 1], down / total)
    pieces = [Piece("a", roll), Piece("b", process.draw(rng, 3))]
    nats = [
        by_hand(process.next(piece.roll)[t - 1], piece.roll[t])
        for piece in pieces
        for t in range(1, len(piece.roll))
    ]
    assert best_nats(process, pieces) == pytest.approx(np.mean(nats))


def test_the_generator_draws_what_it_says():
    pieces, process = draw_pieces(0, 60)
    again, other = draw_pieces(0, 60)[0], draw_pieces(1, 60)[0]
    assert repr(again) == repr(pieces) != repr(other)
    np.testing.assert_allclose(process.moves.sum(axis=1), 1)
    best = best_nats(process, pieces)
    splits = Splits(pieces[:40], pieces[40:50], pieces[50:])
    assert best < min(nats["test"] for nats in baselines.scores(splits).values())


def write(folder, kind, parts):
    """Writes the same rolls in a format; returns the path."""
    path = folder / f"rolls.{kind}"
    names = ("train", "valid", "test")
    if kind == "mat":
        cells = {}
        for name, part in zip(names, parts, strict=True):
            cells[f"{name}data"] = np.empty((1, len(part)), object)
            for i, roll in enumerate(part):
                cells[f"{name}data"][0, i] = roll.astype(np.uint8)
        scipy.io.savemat(path, cells)
    elif kind == "npz":
        named = zip(names, parts, strict=True)
        arrays = {f"{n}_{i}": roll for n, part in named for i, roll in enumerate(part)}
        np.savez(path, **arrays)
    elif kind == "json":
        pitches = {
            name: [
                [(np.flatnonzero(f) + LOWEST).tolist() for f in roll] for roll in part
            ]
            for name, part in zip(names, parts, strict=True)
        }
        path.write_text(json.dumps(pitches))
    else:
        for name, part in zip(names, parts, strict=True):
            (folder / name).mkdir()
            for i, roll in enumerate(part):
                write_roll(folder / name / f"{i:02}.mid", roll, 2)
        return folder
    return path


@pytest.mark.parametrize("kind", ["mat", "npz", "json", "mid"])
def test_a_piece_is_the_same_from_every_format(kind, tmp_path):
    rolls = random_rolls((6, 4, 12, 3, 5), seed=1)
    rolls[2][4:7] = False  # a rest
    rolls[2][7, 50] = True
    parts = rolls[:3], rolls[3:4], rolls[4:]
    found = read_rolls(write(tmp_path, kind, parts), frames=2)
    assert isinstance(found, Splits)
    for part, pieces in zip(parts, found, strict=True):
        for roll, piece in zip(part, pieces, strict=True):
            assert piece.roll.dtype == bool
            np.testing.assert_array_equal(piece.roll, roll)


def test_ten_arrays_and_more_keep_their_order_and_a_part_may_be_one(tmp_path):
    rolls = np.stack(random_rolls((3,) * 12))
    each = {f"train_{i}": roll for i, roll in enumerate(rolls)}
    np.savez(tmp_path / "a.npz", **each, valid=rolls[:2], test=rolls[5:6])
    train, valid, test = read_rolls(tmp_path / "a.npz")
    for pieces, part in ((train, rolls), (valid, rolls[:2]), (test, rolls[5:6])):
        np.testing.assert_array_equal(np.stack([p.roll for p in pieces]), part)


def test_a_midi_file_has_the_same_notes_in_another_library(tmp_path):
    roll = random_rolls((16,), seed=2)[0]
    write_roll(tmp_path / "a.mid", roll, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its dependency lark
        import partitura
    notes = partitura.load_performance_midi(tmp_path / "a.mid").note_array()
    found = np.zeros_like(roll)
    half = RESOLUTION // 2  # two frames in a quarter note
    for begin, length, pitch in zip(
        notes["onset_tick"], notes["duration_tick"], notes["pitch"], strict=True
    ):
        assert begin % half == length % half == 0
        frames = slice(begin // half, (begin + length) // half)
        assert not found[frames, pitch - LOWEST].any(), "held notes are one note"
        found[frames, pitch - LOWEST] = True
    np.testing.assert_array_equal(found, roll)
    begun = roll & ~np.pad(roll, ((1, 0), (0, 0)))[:-1]
    assert len(notes) == begun.sum()


TIME = "<time><beats>2</beats><beat-type>4</beat-type></time>"


def score(**parts):
    """A score in two four, whose first bar is an upbeat; each part's bars of notes."""
    names, text = "", ""
    for name, bars in parts.items():
        named = f"<part-name>{name}</part-name>"
        names += f'<score-part id="{name}">{named}</score-part>'
        text += f'<part id="{name}">'
        for number, bar in enumerate(bars):
            text += (
                f'<measure number="{number}" implicit="{"no" if number else "yes"}">'
            )
            if not number:
                text += f"<attributes><divisions>2</divisions>{TIME}</attributes>"
            text += f"{bar}</measure>"
        text += "</part>"
    return f"<score-partwise><part-list>{names}</part-list>{text}</score-partwise>"


def note(name, length, tie=""):
    pitch = f"<pitch><step>{name[0]}</step><octave>{name[1]}</octave></pitch>"
    ties = f'<tie type="{tie}"/>' if tie else ""
    return f"<note>{pitch}<duration>{length}</duration>{ties}<voice>1</voice></note>"


def test_a_score_is_read_moment_by_moment(tmp_path):
    """An upbeat, a tie over the bar line, and a note between two moments."""
    upper = note("C5", 2), note("D5", 2) + note("E5", 2, "start"), note("E5", 2, "stop")
    lower = note("C3", 2), note("G3", 1) + note("F3", 1) + note("A3", 2), note("C3", 2)
    text = score(S=upper, B=lower)
    (tmp_path / "plain.musicxml").write_text(text)
    with zipfile.ZipFile(tmp_path / "packed.mxl", "w") as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("score.xml", text)
    expected = [{"C5", "C3"}, {"D5", "G3"}, {"E5", "A3"}, {"E5", "C3"}]
    for name in ("plain.musicxml", "packed.mxl"):
        (piece,) = read_rolls(tmp_path / name)
        names = [{key_name(k) for k in np.flatnonzero(f)} for f in piece.roll]
        assert names == expected, name
    (halves,) = read_rolls(tmp_path / "packed.mxl", frames=2)
    assert len(halves.roll) == 8 and key_name(np.flatnonzero(halves.roll[3])[0]) == "F3"


def test_chorales_are_the_scores_of_four_parts(monkeypatch, tmp_path):
    """Read once, and then from the user's cache; a score known as broken is not."""
    bars = note("C5", 2), note("D5", 2) + note("E5", 2, "start"), note("E5", 2, "stop")
    four, two = (score(**dict.fromkeys(names, bars)) for names in ("SATB", "SB"))
    texts = {"bwv9.1": four, "bwv8": two, "bwv113.8": "broken", "bwv7": four}
    files = {}
    for name, text in texts.items():
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("score.xml", text)
        files[f"music21/corpus/bach/{name}.mxl"] = content.getvalue()
    files["music21/corpus/other/bwv6.mxl"] = b""
    read = []
    monkeypatch.setattr(wheels.platformdirs, "user_cache_path", lambda name: tmp_path)
    monkeypatch.setattr(wheels, "members", lambda wheel, ending: sorted(files))
    monkeypatch.setattr(
        wheels,
        "read",
        lambda wheel, *paths: read.append(1) or [files[p] for p in paths],
    )
    for frames in (1, 2):
        pieces = read_chorales(frames)
        assert [piece.name for piece in pieces] == ["bwv7", "bwv9.1"]
        assert [len(piece.roll) for piece in pieces] == [4 * frames] * 2
    names = [key_name(np.flatnonzero(frame)[0]) for frame in pieces[0].roll]
    assert names == "C5 C5 D5 D5 E5 E5 E5 E5".split() and len(read) == 1


def test_parts_are_grouped_where_pieces_repeat_each_other():
    a, b, c = random_rolls((20, 15, 6), seed=5)
    a[:, :3] = a[:, -3:] = False
    moved = np.roll(a, 2, axis=1)
    part = np.roll(a[4:13], -3, axis=1)
    silent = np.pad(b, ((2, 3), (0, 0)))
    other = part.copy()
    other[4, 40] ^= True
    rolls = [a, b, part, silent, c, moved, other]
    pieces = [Piece(str(i), roll) for i, roll in enumerate(rolls)]
    assert groups_of(pieces) == [0, 1, 0, 1, 4, 0, 6]
    for seed in range(5):
        parts = splits_of(Source(pieces, "x", None, None), seed)
        side = {p.name: i for i, part in enumerate(parts) for p in part}
        assert side["0"] == side["2"] == side["5"] and side["1"] == side["3"]
        assert all(parts)
    with pytest.raises(DataError, match="x: 1 different examples"):
        splits_of(Source(pieces[:1], "x", None, None), 0)


def test_a_note_that_no_moment_meets_is_in_no_frame():
    onsets, durations = (
        np.array([-0.5, 0.0, 0.25, 1.5, 2.0]),
        np.array([0.4, 1, 0.5, 1, 1]),
    )
    notes = Notes(onsets, durations, np.array([60, 61, 62, 63, 64]))
    roll = from_notes(notes, 1, "x")
    assert [(np.flatnonzero(f) + LOWEST).tolist() for f in roll] == [[61], [], [63, 64]]


ROLL = np.zeros((4, KEYS))
ROLL[:, 40] = 1


def npz(**arrays):
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def mat(**arrays):
    content = io.BytesIO()
    scipy.io.savemat(content, arrays)
    return content.getvalue()


def midi(*messages, cut=None):
    content = io.BytesIO()
    track = mido.MidiTrack(mido.Message(*m[:1], **m[1]) for m in messages)
    mido.MidiFile(tracks=[track]).save(file=content)
    return content.getvalue()[:cut]


def played(pitch):
    return ("note_on", {"note": pitch}), ("note_off", {"note": pitch, "time": 960})


FINE = {"train_0": ROLL, "valid_0": ROLL, "test_0": ROLL}
OBJECTS = np.empty(1, object)
OBJECTS[0] = ROLL
PARTS = {"train": [[[60], [62]]], "valid": [[[60], [62]]]}
BAD = {
    "none.mat": (None, "No such file"),
    "none.npz": (None, "No such file"),
    "nowhere": (None, "No such file"),
    "rolls.txt": (b"60 62", "music is read from a folder or a file of .mat"),
    "cut.mat": (mat(traindata=ROLL)[:150], "no readable .mat file"),
    "keys.mat": (
        mat(traindata=ROLL, testdata=ROLL),
        "no validdata in it; there is train",
    ),
    "cut.npz": (npz(**FINE)[:300], "no readable .npz file"),
    "bytes.npz": (npz(**FINE).replace(b"NUMPY", b"NAMPY"), "no readable .npz file"),
    "text.npz": (b"hello", "no .npz file, which is a zip"),
    "empty.npz": (b"", "no .npz file, which is a zip"),
    "no_test.npz": (npz(train_0=ROLL, valid_0=ROLL), "no test in it"),
    "narrow.npz": (
        npz(**FINE | {"valid_0": ROLL[:, :87]}),
        "valid, piece 1: a piano roll is [frames, 88], not [4, 87]",
    ),
    "loud.npz": (
        npz(**FINE | {"test_0": 2 * ROLL}),
        "test, piece 1: a piano roll holds",
    ),
    "silent.npz": (npz(**FINE | {"test_0": 0 * ROLL}), "test, piece 1: no note in it"),
    "short.npz": (
        npz(**FINE | {"test_0": ROLL[:1]}),
        "piece 1: 1 frames, where a next",
    ),
    "pickled.npz": (npz(**FINE | {"train": OBJECTS}), "train: this array is pickled"),
    "half.json": (b'{"train": [', "no readable JSON"),
    "list.json": (b"[1]", "an object with train, valid and test"),
    "parts.json": (json.dumps(PARTS).encode(), "no test in it; there is train, valid"),
    "low.json": (
        json.dumps(PARTS | {"test": [[[60], [12]]]}).encode(),
        "test, piece 1, frame 2: 12 is none of the 88 keys",
    ),
    "flat.json": (
        json.dumps(PARTS | {"test": [60, 62]}).encode(),
        "test, piece 1: a list of lists of pitches",
    ),
    "none.json": (json.dumps(PARTS | {"test": []}).encode(), "test: a list of pieces"),
    "cut.mid": (midi(*played(60), *played(62), cut=35), "damaged or cut off"),
    "text.mid": (b"hello hello hello", "no MIDI file"),
    "seconds.mid": (
        midi(*played(60)).replace(b"\x01\xe0", b"\xe7\x28", 1),
        "its times are in seconds",
    ),
    "still.mid": (midi(), "no note in it"),
    "high.mid": (
        midi(*played(60), *played(109), *played(120)),
        "2 of 3 notes are outside of the 88 keys of a piano, the first has the number",
    ),
    "empty.musicxml": (b"", "the file is empty"),
    "cut.musicxml": (
        score(S=[note("C5", 2)], B=[])[:200].encode(),
        "no readable MusicXML",
    ),
    "cut.mxl": (b"PK", "no readable .mxl file"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_sentence(name, tmp_path):
    content, sentence = BAD[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        read_rolls(tmp_path / name)
    text = str(error.value)
    assert str(tmp_path / name) in text and sentence in text and "\n" not in text


def test_a_folder_without_music_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="no file that ends in .musicxml"):
        read_rolls(tmp_path)


def test_keys_are_named_and_read_by_their_names(tmp_path):
    assert [key_name(k) for k in (0, 39, 40, 42, 87)] == [
        "A0",
        "C4",
        "D♭4",
        "E♭4",
        "C8",
    ]
    for key in range(KEYS):
        assert np.flatnonzero(opening(key_name(key), 1)).tolist() == [key]
    assert np.flatnonzero(opening("c4, db4 Eb4,G#4", 1)).tolist() == [39, 40, 42, 47]
    for text, named in (
        ("H4", "'H4'"),
        ("C9", "'C9'"),
        ("", "at least one"),
        ("4", "'4'"),
    ):
        with pytest.raises(UsageError, match=f"--begin: .*{named}"):
            opening(text, 1)
    write_roll(tmp_path / "a.mid", ROLL, 2)
    np.testing.assert_array_equal(opening(str(tmp_path / "a.mid"), 2), ROLL)


def test_a_player_is_made_as_the_flags_say():
    options = {"dropout": 0.5, "input_dropout": 0.0, "weight_dropout": 0.2, "frames": 4}
    made = make_predictor(GRU(3), types.SimpleNamespace(**options, gradient="plain"))
    assert made.frames == 4 and made.model.input_dropout == 0 != made.model.dropout
    assert (made.model.weight_dropout, made.model.gradient) == (0.2, "plain")


@uses("music")
def test_a_trained_player_answers_from_python(trained):
    folder, result = trained("music")
    loaded = seqjax.load(folder / "run")
    pieces, process = draw_pieces(0, 400)
    test = pieces[360:]
    nats = loaded.nats(loaded.batches([piece.roll for piece in test])).result()
    assert result["score"] == pytest.approx(nats, rel=1e-6)
    assert result["best_possible"] == pytest.approx(best_nats(process, test))
    assert result["best_possible"] < result["baseline"]
    found = baselines.scores(Splits(pieces[:320], pieces[320:360], test))
    assert result["baselines"] == pytest.approx(
        {n: s["test"] for n, s in found.items()}
    )
    (piece,) = read_rolls(folder / "run" / "sample.mid")
    np.testing.assert_array_equal(piece.roll[:8], test[0].roll[:8])
    assert len(piece.roll) <= 8 + 12


@uses("music")
def test_a_trained_player_goes_on(trained, tmp_path):
    folder = copy_of(trained("music"), tmp_path)
    (folder / "run" / "sample.mid").unlink()
    ask = ["--mode=sample", "--workdir=run", "--length=9", "--temperature=0.5"]
    code, out, err = run("music", *ask, "--begin=C3 E4", cwd=folder)
    assert code == 0 and err == "", err
    assert out.split() == ["run/sample.mid", "run/figures/sample.png"]
    (piece,) = read_rolls(folder / "run" / "sample.mid")
    assert [key_name(k) for k in np.flatnonzero(piece.roll[0])] == ["C3", "E4"]
    for flags, named in (
        (["--begin=H2"], "--begin"),
        (["--begin=none.mid"], "none.mid"),
    ):
        code, out, err = run("music", *ask, *flags, cwd=folder)
        assert code in (1, 2) and out == "" and len(err.splitlines()) == 1, err
        assert named in err


def test_bad_data_leaves_nothing(tmp_path):
    (tmp_path / "a.npz").write_bytes(npz(train_0=ROLL))
    code, out, err = run("music", "--data=a.npz", "--workdir=new", cwd=tmp_path)
    assert code == 1 and out == "" and len(err.splitlines()) == 1 and "a.npz" in err
    assert len(list(tmp_path.iterdir())) == 1
