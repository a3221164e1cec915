"""A small valid file of every format that a reader takes, and the reader.

Every task's table is among them: a task without an example here is given plain text.
"""

import functools
import gzip
import importlib
import io
import json
import pathlib
import struct
import zipfile
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

ROOT = pathlib.Path(__file__).parents[2]


class Format(NamedTuple):
    """Files that are read together."""

    name: str
    read: Callable[[Any], Any]
    files: dict[str, bytes]  # by their path in a folder
    path: str = ""  # what is given to the reader; the folder if empty


def formats() -> list[Format]:
    """Every reader with an example of its own."""
    tables = {
        path.parent.name: importlib.import_module(
            f"experiments.{path.parent.name}.data"
        ).TABLE.read
        for path in sorted(ROOT.glob("experiments/*/data.py"))
    }
    made = [
        Format(f"{task}/{kind}", tables[task], files, path)
        for task, kind, files, path in (*_texts(), *_tables(), *_sounds(), *_pictures())
    ]
    known = {form.name.split("/")[0] for form in made}
    text = {"a.txt": "".join(f"line {i}\n" for i in range(99)).encode()}
    made += [
        Format(f"{t}/text", r, text, "a.txt")
        for t, r in tables.items()
        if t not in known
    ]
    return made + _public()


def _public() -> list[Format]:
    from experiments.music.data import read_rolls
    from seqjax.audio import read_wav
    from seqjax.cells import make
    from seqjax.data import Vocabulary, read_series, read_variables
    from seqjax.data.images import read_image
    from seqjax.data.parsing import parse_json
    from seqjax.models.spec import from_json, to_json

    several = functools.partial(read_variables, columns=("b", "value"))
    rolls = functools.partial(read_rolls, frames=4)
    wide = functools.partial(read_wav, rate=16000)
    colours = functools.partial(read_image, mode="RGB")
    spec = json.dumps(to_json(make("lstm", features=4))).encode()
    tokens = json.dumps(Vocabulary.build(["abba é", "cd"]).tokens).encode()

    def described(path):
        return from_json(parse_json(pathlib.Path(path).read_bytes(), path))

    return [
        Format("read_series", read_series, {"a.csv": _csv(9)}, "a.csv"),
        Format("read_variables", several, {"a.csv": _csv(9)}, "a.csv"),
        Format("read_wav", wide, {"a.wav": _wav(44100, "<i4")}, "a.wav"),
        Format("read_wav/float", read_wav, {"a.wav": _wav(8000, "<f4")}, "a.wav"),
        Format("read_image", colours, {"a.png": _image("PNG")}, "a.png"),
        Format("read_rolls", rolls, {"a.xml": SCORE}, "a.xml"),
        Format("vocabulary", Vocabulary.from_json, {"a.json": tokens}, "a.json"),
        Format("spec", described, {"a.json": spec}, "a.json"),
    ]


def _texts():
    names = "".join(f"name{i} é\n" for i in range(12)).encode()
    quotes = "".join(f'he said "so {i}" and no\n' for i in range(60)).encode()
    long = "".join(f"a line of text {i}\n" for i in range(70)).encode()
    sentence = "the cat , which ate , *was* full\nthe cats that sat *were* big\n"
    pulses = "\n".join(["1 -1 1\n0 0 1\n-1 0 0\n"] * 4).encode()
    pairs = "".join(f"chat {i}\tcat {i}\n" for i in range(9)).encode()
    sides = {f"{side}.txt": f"{side} 1\n{side} 2\n{side} 3\n".encode() for side in "ab"}
    nbest = "".join(
        f"{i}\t{-i / 3}\tthe pair {j}\t{j}\n" for i in range(4) for j in (0, 1)
    ).encode()
    tagged = "Harry B-PER\nmet O\nNew B-LOC\nYork I-LOC\n\n-DOCSTART- O\n\nno O\n\n"
    conll = (tagged * 4).encode()
    parts = {f"{part}.txt": conll for part in ("train", "valid", "test")}
    yield "names", "text", {"a.txt": names}, "a.txt"
    yield "language_model", "text", {"a.txt": names}, "a.txt"
    yield "gradient_flow", "text", {"a.txt": long}, "a.txt"
    yield "units", "text", {"a.txt": quotes}, "a.txt"
    yield "agreement", "text", {"a.txt": sentence.encode()}, "a.txt"
    yield "dynamics", "text", {"a.txt": pulses}, "a.txt"
    yield "translation", "tsv", {"a.tsv": pairs}, "a.tsv"
    yield "translation", "two", sides, "a.txt,b.txt"
    yield "rescoring", "tsv", {"a.tsv": nbest}, "a.tsv"
    yield "name_entity", "file", {"a.txt": conll}, "a.txt"
    yield "name_entity", "folder", parts, ""


def _csv(lines: int) -> bytes:
    rows = (f"{i},{i % 7 + i / 3},{i % 5}\n" for i in range(lines))
    return "".join(["time,value,b\n", *rows]).encode()


def _tables():
    reviews = "".join(f'{1 + i % 5},"so ""{i}"", and"\n' for i in range(9))
    stars = "".join(f"{1 + i % 5}\tfilm {i}\n" for i in range(9))
    yield "sentiment", "csv", {"a.csv": f"stars,text\n{reviews}".encode()}, "a.csv"
    yield "sentiment", "tsv", {"a.tsv": f"stars\ttext\n{stars}".encode()}, "a.tsv"
    yield "echo_state", "csv", {"a.csv": _csv(420)}, "a.csv"
    yield "time_series", "csv", {"a.csv": _csv(60)}, "a.csv"
    dated = "".join(f"2020-01-{i:02},{i % 7}\n" for i in range(1, 32))
    dated += "".join(f"2020-02-{i:02},{i % 7}\n" for i in range(1, 29))
    yield "time_series", "dates", {"a.csv": f"date,n\n{dated}".encode()}, "a.csv"
    genbank, fasta = _genbank(), f">a b\n{'ACGT' * 9}\n{'.+++' * 9}\n".encode()
    classes = "".join(f"x {a}{b}\n" for a in "ACGT" for b in "NACT").encode()
    yield "dna", "genbank", {"a.gb": genbank}, "a.gb"
    yield "dna", "fasta", {"a.fa": fasta}, "a.fa"
    yield "dna", "classes", {"a.txt": classes}, "a.txt"
    yield "dna", "folder", {"a.gbk": genbank, "b.fasta": fasta}, ""
    series = b"# a\n@dimensions 2\n@classLabel true a b\n@data\n"
    series += b"1,2,3.5:0,-1,2e1:a\n4,5:6,7:b\n9,9,9:8,8,8:b\n" * 3
    both = {f"x_{part}.ts": series for part in ("TRAIN", "TEST")}
    yield "speaker", "ts", {"a.ts": series}, "a.ts"
    yield "speaker", "ts folder", both, ""
    yield "video_activity", "ts", {"a.ts": series}, "a.ts"


def _genbank() -> bytes:
    rows = ["LOCUS       X1 60 bp DNA linear SYN 01-JAN-2020", "DEFINITION  a."]
    rows += [
        "ACCESSION   X1",
        "VERSION     X1.1",
        "FEATURES             Location/Qualifiers",
    ]
    for place, start in (("4..15", 1), ("complement(join(20..30,35..46))", 2)):
        rows += [
            f"     CDS             {place}",
            f"                     /codon_start={start}",
        ]
    rows += ["ORIGIN", f"        1 {' '.join(['acgtacgtac'] * 6)}", "//", ""]
    return "\n".join(rows).encode()


def _wav(rate: int, kind: str, samples: int = 300) -> bytes:
    from scipy.io import wavfile

    wave, file = np.sin(np.arange(samples) / 7), io.BytesIO()
    scale = 1 if "f" in kind else 2 ** (8 * int(kind[-1]) - 2)
    wavfile.write(file, rate, (wave * scale).astype(kind))
    return file.getvalue()


def _midi(tracks: int = 2) -> bytes:
    import mido

    file, content = mido.MidiFile(ticks_per_beat=96), io.BytesIO()
    for i in range(tracks):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=f"solo {i}")])
        for pitch in range(60, 68):
            note = {"note": pitch + 7 * i, "velocity": 64, "channel": i}
            track.append(mido.Message("note_on", time=0, **note))
            track.append(mido.Message("note_off", time=48, **note))
        track.append(mido.MetaMessage("set_tempo", tempo=500_000))
        file.tracks.append(track)
    file.save(file=content)
    return content.getvalue()


SCORE = b"""<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="3.1"><part-list><score-part id="P1"><part-name>a</part-name>
</score-part></part-list><part id="P1"><measure number="1"><attributes><divisions>2
</divisions><key><fifths>0</fifths></key><time><beats>4</beats><beat-type>4</beat-type>
</time></attributes><barline location="left"><repeat direction="forward"/></barline>
<note><pitch><step>C</step><octave>4</octave></pitch><duration>2</duration><tie
type="start"/></note><note><pitch><step>C</step><octave>4</octave></pitch><duration>2
</duration><tie type="stop"/></note><note><chord/><pitch><step>E</step><alter>-1</alter>
<octave>4</octave></pitch><duration>2</duration></note><backup><duration>4</duration>
</backup><note><rest/><duration>4</duration></note><barline location="right"><repeat
direction="backward"/></barline></measure></part></score-partwise>"""


def zipped(**members: bytes) -> bytes:
    """A zip file of members by their names, packed."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    return content.getvalue()


def _npz(**arrays: Any) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def _sounds():
    from scipy.io import savemat

    wav = {"female_anna_1.wav": _wav(16000, "<i2"), "b.wav": _wav(8000, "<u1", 99)}
    labels = b"female_anna_1.wav\tfemale\tanna\nb.wav\tmale\n"
    yield "speaker", "sounds", {**wav, "labels.tsv": labels}, ""
    yield "speech_recognition", "sounds", {**wav, "transcript.tsv": labels}, ""
    yield "speech_recognition", "names", wav, ""
    yield "jazz", "midi", {"blues/a.mid": _midi(), "b.mid": _midi(1)}, ""
    yield "music", "midi", {"a.mid": _midi()}, "a.mid"
    yield "music", "xml", {"a.musicxml": SCORE}, "a.musicxml"
    yield "music", "mxl", {"a.mxl": zipped(**{"a.xml": SCORE})}, "a.mxl"
    roll = np.zeros((4, 88), np.uint8)
    roll[:, 40] = [1, 0, 1, 1]
    arrays = {"train_0": roll, "train_1": roll[:3], "valid": roll[None], "test_0": roll}
    yield "music", "npz", {"a.npz": _npz(**arrays)}, "a.npz"
    cells = np.empty((1, 2), object)
    cells[0, 0], cells[0, 1] = roll, roll[:2]
    for packed in (False, True):
        content, names = io.BytesIO(), ("traindata", "validdata", "testdata")
        savemat(content, dict.fromkeys(names, cells), do_compression=packed)
        yield "music", f"mat {packed}", {"a.mat": content.getvalue()}, "a.mat"
    part = [[[60, 64], [-1, 67], []], [[50], [51]]]
    parts = json.dumps({"train": part, "valid": part, "test": part}).encode()
    yield "music", "json", {"a.json": parts}, "a.json"


def _image(kind: str) -> bytes:
    from PIL import Image

    rng, content = np.random.default_rng(0), io.BytesIO()
    pixels = rng.integers(0, 256, (6, 5, 3), np.uint8)
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()


def _idx(array: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def _pictures():
    kinds = "png jpeg bmp gif tiff webp ppm".split()
    images = {
        f"c{i % 2}/{i}.{kind}": _image(kind.upper()) for i, kind in enumerate(kinds)
    }
    images = {name.replace("ppm", "pgm"): raw for name, raw in images.items()}
    yield "image_classification", "folder", images, ""
    idx = {
        "images-idx3": _idx(np.arange(30).reshape(2, 5, 3)),
        "labels-idx1": _idx(np.arange(2)),
    }
    yield "image_classification", "idx", idx, "images-idx3"
    packed = {name: gzip.compress(raw) for name, raw in idx.items()}
    yield "image_classification", "gzip", packed, ""
    captions = {"a.png": _image("PNG"), "b.jpg": _image("JPEG")}
    lines = b"a.png\ta red ball\nb.jpg\tno ball\na.png\tone\n"
    yield "image_caption", "folder", {**captions, "captions.tsv": lines}, ""
    frames = {f"wave/a/{i}.png": _image("PNG") for i in range(2)}
    yield "video_activity", "frames", frames, ""
    yield "video_activity", "points", {"wave/a.txt": b"1 2\n3,4\n5 -6e-1\n"}, ""
    video = np.random.default_rng(1).random((2, 3, 4, 5)).astype(np.float32)
    arrays = {
        "frames": video,
        "labels": np.array(["a", "b"]),
        "lengths": np.array([3, 2]),
    }
    yield "video_activity", "npz", {"a.npz": _npz(**arrays)}, "a.npz"
