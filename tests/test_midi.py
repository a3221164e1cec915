"""Notes in files: MIDI that others read, chords by their symbols, events as tokens."""

import itertools

import numpy as np
import pytest

from seqjax.data import DataError, chords, events
from seqjax.data.chords import KINDS, Chord, parse_progression, recognize, spell
from seqjax.data.events import Event, EventCodec, parse_event
from seqjax.data.midi import Note, read_midi, write_midi


def random_notes(seed, count=40):
    """Notes on a grid of 48ths of a beat; no pitch sounds twice at a time."""
    rng = np.random.default_rng(seed)
    notes, free = [], dict.fromkeys(range(60, 69), 0)
    for _ in range(count):
        pitch = int(rng.choice(list(free)))
        start = free[pitch] + int(rng.integers(0, 2) * rng.integers(0, 90))
        lasts = int(rng.integers(1, 200))
        free[pitch] = start + lasts
        notes.append(Note(pitch, start / 48, lasts / 48, int(rng.integers(1, 128))))
    return sorted(notes, key=lambda note: (note.start, note.pitch))


@pytest.fixture
def written(tmp_path):
    tracks = {"solo": random_notes(0), "chords": random_notes(1)}
    write_midi(tmp_path / "a.mid", tracks, tempo=93, programs={"solo": 65})
    return tmp_path / "a.mid", tracks


def close(left, right):
    assert len(left) == len(right)
    np.testing.assert_allclose(np.array(left), np.array(right), atol=1e-9)


def test_notes_come_back_as_they_were_written(written):
    path, tracks = written
    midi = read_midi(path)
    assert list(midi.tracks) == list(tracks)
    assert midi.tempo == pytest.approx(93, rel=1e-5)
    for name, notes in tracks.items():
        close(midi.tracks[name], notes)
    assert [p.name for p in path.parent.iterdir()] == ["a.mid"]


def test_another_library_reads_the_same_notes(written):
    partitura = pytest.importorskip("partitura")
    path, tracks = written
    performance = partitura.load_performance_midi(path)
    beat = 60 / 93
    for part, notes in zip(performance.performedparts, tracks.values(), strict=True):
        heard = sorted(
            (n["note_on"] / beat, n["midi_pitch"], n["note_off"] / beat, n["velocity"])
            for n in part.notes
        )
        meant = sorted((n.start, n.pitch, n.start + n.duration, n[3]) for n in notes)
        np.testing.assert_allclose(np.array(heard), np.array(meant), atol=1e-4)


def test_a_note_that_never_ends_ends_with_its_track_and_drums_are_left_out(tmp_path):
    import mido

    def on(channel, note, time):
        return mido.Message("note_on", channel=channel, note=note, time=time)

    file = mido.MidiFile(ticks_per_beat=100)
    file.tracks.append(mido.MidiTrack([on(9, 40, 0), on(2, 60, 50), on(5, 61, 100)]))
    file.tracks[0].append(mido.MetaMessage("end_of_track", time=50))
    file.save(tmp_path / "a.mid")
    midi = read_midi(tmp_path / "a.mid")
    assert list(midi.tracks.values()) == [[(60, 0.5, 1.5, 64)], [(61, 1.5, 0.5, 64)]]
    assert midi.tempo == 120


def test_what_is_no_midi_is_one_sentence(written):
    path, _ = written
    whole = path.read_bytes()
    write_midi(path.with_name("none.mid"), {"solo": []})
    contents = {"half": whole[: len(whole) // 2], "empty": b"", "text": b"A poem.\n"}
    for name, content in contents.items():
        path.with_name(f"{name}.mid").write_bytes(content)
    for name, said in (
        ("half", "damaged or cut off"),
        ("empty", "empty"),
        ("text", "no MIDI file"),
        ("none", "no note"),
        ("missing", "No such file"),
    ):
        with pytest.raises(DataError, match=f"{name}.mid: .*{said}") as error:
            read_midi(path.with_name(f"{name}.mid"))
        assert "\n" not in str(error.value)
    for cut in range(1, len(whole), 37):
        path.write_bytes(whole[:cut])
        with pytest.raises(DataError, match="a.mid: "):
            read_midi(path)


def test_every_chord_is_read_spelled_and_recognized():
    for root, kind in itertools.product(range(12), KINDS):
        chord = Chord(root, kind)
        assert chords.parse_chord(chord.symbol) == chord
        bass, *others = chord.tones
        pitches = [36 + bass, *(48 + (tone - bass) % 12 + bass for tone in others)]
        assert recognize(pitches[::-1]) == chord
    assert chords.parse_chord("Cb7") == Chord(11, "7") and recognize([60, 64]) is None


def test_a_progression_is_a_chord_a_beat():
    text = "Dm7 G7 | Cmaj7 | N.C. | C7 F7 C7 G7b9"
    beats = parse_progression(text)
    assert spell(beats) == text and len(beats) == 16
    assert [c and c.root for c in beats] == [
        2,
        2,
        7,
        7,
        0,
        0,
        0,
        0,
        *[None] * 4,
        0,
        5,
        0,
        7,
    ]
    assert chords.transpose(chords.transpose(text, 5), 7) == text
    for bad, said in (
        ("H7", "H7"),
        ("C", "'C'"),
        ("C7 | ", None),
        ("C7 | | C7", "bar 2"),
    ):
        if said is None:
            assert parse_progression(bad) == parse_progression("C7")
            continue
        with pytest.raises(DataError, match=said):
            parse_progression(bad)


def test_the_table_of_a_progression_says_what_comes_and_when():
    table = chords.table(parse_progression("Dm7 G7 | C7"))
    kinds, width = len(KINDS), 12 + len(KINDS)
    here, then, when, bars = np.split(table, [width, 2 * width, 2 * width + 4], axis=1)
    assert here.argmax(axis=1).tolist() == [2, 2, 7, 7, 0, 0, 0, 0]
    assert then[:4].argmax(axis=1).tolist() == [5] * 4, "a fourth up, twice"
    assert not then[4:].any() and not when[4:].any(), "nothing else comes"
    assert when[:4].argmax(axis=1).tolist() == [1, 0, 1, 0]
    assert bars.argmax(axis=1).tolist() == [0] * 4 + [1] * 4
    assert here[:, 12:].sum() == 8 and kinds + 12 == here.shape[1]


def test_every_event_has_a_token_and_a_text():
    codec = EventCodec(58, 71, (3, 4, 18))
    tokens = range(codec.end)
    known = [codec.event(token) for token in tokens]
    assert codec.encode(known).tolist() == [*tokens, codec.end]
    assert codec.decode([*tokens, codec.end, 5]) == known
    assert [parse_event(str(event)) for event in known] == known
    assert len(set(map(str, known))) == len(known) == 15 * 3
    assert EventCodec.build([known[:4], known[4:]]) == codec
    assert events.starts(known[:4]) == [0, 3, 7, 25]
    for event in (Event(57, 3), Event(72, 4), Event(60, 5)):
        with pytest.raises(ValueError, match="is not known: pitches go from Bb3 to B4"):
            codec.encode([event])
    for bad in ("H4:1", "C4", "C4:0", "C4:1/7", "r4:1", "C4:1/0", ""):
        with pytest.raises(ValueError, match="is no event"):
            parse_event(bad)
    with pytest.raises(ValueError, match="no note"):
        EventCodec.build([[Event(None, 4)]])
