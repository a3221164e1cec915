"""Jazz: solos whose probability is known, played, written, read again and drawn."""

import itertools
import shutil
import types
import wave

import numpy as np
import pytest
from matplotlib import image
from processes import run
from trained import copy_of, uses

import seqjax
from experiments.jazz.ask import asked
from experiments.jazz.course import step_by_step
from experiments.jazz.data import TABLE, best_nats, draw_solos, split_solos
from experiments.jazz.forms import FORMS, RHYTHMS, SCALES
from experiments.jazz.model import above_roots, ngram_nats
from experiments.jazz.perform import RATE, TAIL, solo_notes, swung, write_solo_midi
from experiments.jazz.process import LOW, improvise, log_prob
from experiments.jazz.tones import strong_chord_tones, tones
from experiments.jazz.transcribe import quantize, transcribe
from experiments.shared.errors import UsageError
from seqjax.data import DataError, Source
from seqjax.data.chords import NAMES, parse_progression
from seqjax.data.events import TICKS, Event, EventCodec, starts
from seqjax.data.midi import Midi, Note, read_midi, write_midi
from seqjax.predict import Solo

DRAWN = draw_solos(seed=3, count=24)


def test_the_score_of_the_process_is_its_own_log_probability():
    for solo, nats in DRAWN:
        assert log_prob(solo) == pytest.approx(-nats, abs=1e-9)
    total = sum(len(solo.events) for solo, _ in DRAWN)
    whole = sum(nats for _, nats in DRAWN) / total
    assert best_nats(DRAWN) == pytest.approx(whole)
    assert best_nats([DRAWN[0]._replace(nats=None), *DRAWN]) is None


def test_every_decision_is_drawn_from_a_distribution_and_costs_its_nats():
    rng, surprise, entropy, spread = np.random.default_rng(0), 0.0, 0.0, 0.0
    total = 0.0

    def decide(options, p):
        nonlocal surprise, entropy, spread
        assert len(options) == len(p) and p.min() >= 0
        assert p.sum() == pytest.approx(1)
        i = int(rng.choice(len(p), p=p / p.sum()))
        real = p[p > 0]
        here = -np.sum(real * np.log(real))
        surprise, entropy = surprise - np.log(p[i]), entropy + here
        spread += np.sum(real * np.log(real) ** 2) - here**2
        return i

    for solo, _ in DRAWN:
        total += improvise(solo.genre, solo.progression, decide)[1]
    assert total == pytest.approx(surprise)
    assert abs(surprise - entropy) < 4 * spread**0.5


def test_solos_keep_the_rules():
    for solo, _ in DRAWN:
        beats = parse_progression(solo.progression)
        assert sum(event.duration for event in solo.events) == len(beats) * TICKS
        at = starts(solo.events)
        halves = itertools.groupby(
            zip(at, solo.events, strict=True), lambda e: e[0] // 24
        )
        assert all(tuple(e.duration for _, e in half) in RHYTHMS for _, half in halves)
        notes = [(t, e.pitch) for t, e in zip(at, solo.events, strict=True) if e.pitch]
        for (tick, pitch), (_, after) in itertools.pairwise(notes):
            chord = beats[tick // TICKS]
            assert chord is not None
            if tick % 24 == 0:
                assert pitch % 12 in chord.tones
            scale = {(chord.root + step) % 12 for step in SCALES[chord.kind]}
            blue = {(beats[0].root + step) % 12 for step in (3, 6)}
            home = scale.union(chord.tones, blue if solo.genre == "blues" else ())
            assert pitch % 12 in home or abs(after - pitch) == 1, "resolved"
    assert strong_chord_tones(solo for solo, _ in DRAWN) == 1
    assert {solo.genre for solo, _ in DRAWN} == set(FORMS)
    assert len({parse_progression(s.progression)[0].root for s, _ in DRAWN}) > 6


def test_what_cannot_be_drawn_has_no_probability():
    solo = next(s for s, _ in DRAWN if s.events[0].pitch is not None)
    first, *rest = solo.events
    foreign = next(
        pitch
        for pitch in range(LOW, LOW + 12)
        if pitch % 12 not in parse_progression(solo.progression)[0].tones
    )
    for events in (
        [Event(foreign, first.duration), *rest],
        solo.events[:-1],
        [*solo.events, Event(60, 12)],
        [Event(first.pitch, 5), *rest],
        [Event(1, first.duration), *rest],
    ):
        assert log_prob(solo._replace(events=tuple(events))) == -np.inf


def test_events_above_the_roots_are_those_events():
    """Over each chord every event has a number, the same for the same interval."""
    codec = EventCodec(57, 75, (6, 12))
    everything = tuple(codec.event(token) for token in range(codec.end))
    numbers = {}
    for root in range(12):
        long = " | ".join([f"{NAMES[root]}7"] * 60)
        numbers[root] = above_roots(codec, Solo("x", long, everything))
        assert len(set(numbers[root])) == codec.end and numbers[root].min() == 0
        assert numbers[root].max() < 2 * (codec.pitches + 12)
    a, b = everything.index((60, 6)), everything.index((65, 6))
    assert numbers[0][a] == numbers[5][b] != numbers[4][b]


def test_ngrams_are_scored_beside_the_process():
    splits = split_solos(Source(DRAWN, "", None, None), 0)
    codec = EventCodec.build(solo.events for solo, _ in DRAWN)
    scores = ngram_nats(codec, splits)
    assert scores.valid.keys() == scores.test.keys() and len(scores.test) == 3
    assert list(scores.valid.values()) == sorted(scores.valid.values())
    best = best_nats(splits.test)
    assert best < min(scores.test.values()) < scores.test["unigram"]


def test_a_solo_is_read_from_midi_as_it_was_drawn(tmp_path):
    for i, (solo, _) in enumerate(DRAWN[:6]):
        path = tmp_path / solo.genre / f"{i}.mid"
        path.parent.mkdir(exist_ok=True)
        write_solo_midi(path, solo, tempo=90)
    read = TABLE.read(tmp_path)
    assert [known.nats for known in read] == [None] * 6
    drawn = {solo.progression: solo for solo, _ in DRAWN[:6]}
    for known in read:
        like = drawn[known.solo.progression]
        assert known.solo.genre == like.genre
        np.testing.assert_allclose(solo_notes(known.solo), solo_notes(like), atol=1e-9)


def test_the_midi_file_opens_in_another_library_with_the_same_notes(tmp_path):
    partitura = pytest.importorskip("partitura")
    solo = DRAWN[1].solo
    write_solo_midi(tmp_path / "a.mid", solo, tempo=120)
    part, *_ = partitura.load_performance_midi(tmp_path / "a.mid").performedparts
    heard = [(n["midi_pitch"], n["note_on"], n["note_off"]) for n in part.notes]
    meant = [
        (n.pitch, n.start / 2, (n.start + n.duration) / 2) for n in solo_notes(solo)
    ]
    np.testing.assert_allclose(sorted(heard), sorted(meant), atol=1e-6)


def test_playing_is_written_down_on_a_grid():
    assert [quantize(b) for b in (0.02, 1.24, 2.35, 0.98, 3.49)] == [0, 15, 28, 12, 42]
    notes = [Note(60, 0.51, 0.4), Note(64, 0.5, 0.4), Note(62, 1.02, 0.2)]
    low = [Note(p, 4 * bar, 4) for bar in range(2) for p in (38, 53, 57, 60)]
    solo = transcribe(Midi({"b": low, "a": [*notes, Note(65, 1.5, 9)]}, 100), "x")
    assert solo.progression == "Dm7 | Dm7 | N.C."
    assert list(map(str, solo.events)) == [
        *("r:1/2", "E4:1/2", "D4:1/4", "r:1/4", "F4:4", "r:5/2", "r:4")
    ]
    alone = transcribe(Midi({"a": notes}, 100), "x")
    assert alone.progression == "N.C." and sum(e[1] for e in alone.events) == 48
    with pytest.raises(DataError, match="a.mid: chords but no solo"):
        transcribe(Midi({"b": low}, 100), "x", "a.mid")
    with pytest.raises(DataError, match="a.mid: 500 bars"):
        transcribe(Midi({"a": [Note(60, 1996, 4)]}, 100), "x", "a.mid")


def test_files_that_cannot_be_used_are_named(tmp_path):
    solos = tmp_path / "solos"
    solos.mkdir()
    with pytest.raises(DataError, match="solos: no file"):
        TABLE.read(solos)
    with pytest.raises(DataError, match="none: this is no folder"):
        TABLE.read(tmp_path / "none")
    write_solo_midi(solos / "a.mid", DRAWN[0].solo, tempo=90)
    whole = (solos / "a.mid").read_bytes()
    write_midi(solos / "c.mid", {})
    for content, said in (
        ((solos / "c.mid").read_bytes(), "no note"),
        (b"", "is empty"),
        (whole[: len(whole) // 2], "damaged or cut off"),
    ):
        (solos / "c.mid").write_bytes(content)
        with pytest.raises(DataError, match=f"solos/c.mid: .*{said}"):
            TABLE.read(solos)
    code, out, err = run("jazz", "--data=solos", cwd=tmp_path)
    assert code == 1 and out == "" and len(err.splitlines()) == 1, err
    assert "solos/c.mid" in err and list(tmp_path.iterdir()) == [solos]


def test_eighths_swing_and_nothing_overtakes():
    ticks = np.arange(0, 36, 3) / TICKS
    heard = [swung(t, 2 / 3) for t in ticks]
    assert heard[::4] == [0, 1, 2] and heard[2::4] == pytest.approx(
        [2 / 3, 5 / 3, 8 / 3]
    )
    assert all(a < b for a, b in itertools.pairwise(heard))
    np.testing.assert_allclose([swung(t, 0.5) for t in ticks], ticks)
    assert swung(4 / TICKS, 0.7) == 4 / TICKS, "triplets stay"


@uses("jazz")
def test_a_model_plays_solos_that_keep_to_the_form(trained):
    jazz = seqjax.load(trained("jazz").folder / "run")
    assert jazz.genres == ("blues", "major", "minor")
    begin = [Event(69, 6), Event(None, 6), Event(72, 12)]
    bars, bold = "Cmaj7 | N.C. | Ab7 G7", {"temperature": 1.5, "top_p": 0.9}
    ways = (
        {"seed": 2},
        {"genre": "minor", "begin": begin, "count": 3},
        {"progression": bars, "count": 3, **bold},
    )
    for how in ways:
        solos = jazz.sample(**how)
        assert len(solos) == how.get("count", 1) and solos == jazz.sample(**how)
        for solo in solos:
            beats = parse_progression(solo.progression)
            assert sum(event.duration for event in solo.events) == len(beats) * TICKS
            assert how.get("genre", solo.genre) == solo.genre
            assert how.get("progression", solo.progression) == solo.progression
            given = how.get("begin", [])
            assert list(solo.events[: len(given)]) == given
    assert len({solo.events for solo in solos}) == 3


@uses("jazz")
def test_a_solo_is_scored_event_by_event(trained):
    jazz = seqjax.load(trained("jazz").folder / "run")
    solo, other = (DRAWN[i].solo for i in (0, 4))
    p, scores = jazz.distributions(solo), jazz.score(solo)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert p[-1, jazz.codec.end] == 1
    assert [event for event, _ in scores] == list(solo.events)
    both = [*scores, *jazz.score(other)]
    nats = jazz.nats(jazz.batches([solo, other]))
    assert nats.weight == len(both)
    assert nats.total == pytest.approx(-sum(value for _, value in both), rel=1e-4)
    for how, said in (
        ({"genre": "polka"}, "no genre 'polka'"),
        ({"progression": "H7"}, "'H7' is no chord"),
        ({"begin": [Event(20, 6)]}, "G#?|Ab0:1/2 is not known"),
        ({"begin": [Event(60, 24)] * 99}, "do not fit into"),
        ({"count": 0}, "count"),
        ({"temperature": -1}, "temperature"),
    ):
        with pytest.raises(ValueError, match=said):
            jazz.sample(**how)


@uses("jazz")
def test_flags_that_cannot_be_played_are_named(trained):
    jazz = seqjax.load(trained("jazz").folder / "run")
    given = {"genre": None, "progression": None, "begin": "", "seed": 0}
    given |= {"temperature": 1.0, "top_p": 1.0, "samples": 1}
    for flag, value in (
        ("genre", "polka"),
        ("progression", "Dm7 | what"),
        ("progression", ""),
        ("begin", "D4"),
        ("begin", "D9:1"),
        ("begin", "D4:2 " * 99),
    ):
        options = types.SimpleNamespace(**given | {flag: value})
        with pytest.raises(UsageError, match=f"--{flag}: ") as error:
            asked(options, jazz)
        assert "\n" not in str(error.value)
    how = asked(types.SimpleNamespace(**given | {"begin": "D4:1/2 r:1"}), jazz)
    assert how["begin"] == [Event(62, 6), Event(None, 12)]


@uses("jazz")
def test_a_run_leaves_a_solo_that_is_seen_and_heard(trained):
    run = trained("jazz")
    folder, result = run.folder / "run", run.result
    assert result["best_possible"] < result["baseline"] < result["baselines"]["unigram"]
    assert result["strong_chord_tones"]["held out"] == 1
    midi = read_midi(folder / "solo.mid")
    solo = transcribe(midi, "x")
    beats = len(parse_progression(solo.progression))
    with wave.open(str(folder / "solo.wav")) as file:
        rate, count = file.getframerate(), file.getnframes()
        samples = np.frombuffer(file.readframes(count), "<i2") / 32767
    assert rate == RATE and count == round((beats * 60 / 140 + TAIL) * rate)
    assert np.abs(samples).max() == pytest.approx(10 ** (-1 / 20), abs=1e-3)
    bar = round(4 * 60 / 140 * rate)
    levels = [np.std(samples[i : i + bar]) for i in range(0, count - bar, bar)]
    assert min(levels) > 0.01, "the band plays in every bar"
    assert image.imread(folder / "figures" / "solo.png").shape[2] == 4
    lines = (folder / "steps.txt").read_text().splitlines()
    drawn = [line.split()[-2] for line in lines[1:]]
    assert sum(name[0] != "r" for name in drawn) == len(midi.tracks["solo"])


@uses("jazz")
def test_the_steps_of_a_solo_are_the_course_s(trained):
    jazz = seqjax.load(trained("jazz").folder / "run")
    solo, *_ = jazz.sample("major", seed=5)
    head, *rows = step_by_step(jazz, solo, top=2).splitlines()
    assert head.split()[:4] == ["t", "bar.beat", "chord", "x⟨t⟩"]
    assert len(rows) == len(solo.events)
    cells = [row.split() for row in rows]
    read, drawn = [row[3] for row in cells], [row[-2] for row in cells]
    assert read == ["0", *drawn[:-1]], "what is drawn is read next"
    assert drawn == list(map(str, solo.events))
    for row, (_, log_p) in zip(cells, jazz.score(solo), strict=True):
        assert float(row[-1]) == pytest.approx(np.exp(log_p), abs=6e-5)
        assert float(row[5]) >= float(row[7]) >= 0, "the likeliest first"


@uses("jazz")
def test_a_trained_model_plays_into_files(trained, tmp_path):
    copy_of(trained("jazz"), tmp_path)
    ask = ["--mode=sample", "--workdir=run", "--genre=blues", "--samples=2"]
    ask += ["--temperature=0.9", "--top_p=0.9", "--begin=C5:1", "--tempo=200"]
    code, out, err = run("jazz", *ask, cwd=tmp_path)
    assert code == 0 and err == "", err
    paths = [tmp_path / line for line in out.splitlines() if line.startswith("run/")]
    assert len(paths) == 6 and all(path.stat().st_size > 500 for path in paths)
    midi = read_midi(paths[0])
    assert midi.tempo == 200 and midi.tracks["solo"][0][:3] == (72, 0, 1)
    shutil.rmtree(tmp_path / "run" / "figures")
    code, out, err = run("jazz", "--mode=sample", "--workdir=none", cwd=tmp_path)
    assert code == 1 and "none" in err and len(err.splitlines()) == 1


def test_tones_are_told_from_others():
    solo = Solo("x", "C7 | N.C.", (Event(60, 24), Event(61, 24), Event(64, 48)))
    assert list(tones(solo)) == [(0, True), (24, False), (48, None)]
    assert strong_chord_tones([solo]) == 0.5 and strong_chord_tones([]) is None
