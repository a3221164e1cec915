"""Readers under fire: what is damaged or made to break them is read or refused."""

import gzip
import io
import os
import random
import struct
import threading
import zipfile

import numpy as np
import pytest
from soak.examples import Format, formats, zipped
from soak.inputs import fuzz
from soak.mutations import damaged

from experiments.dna.data import read_path as read_dna
from experiments.image_classification.reading import idx_array
from experiments.music import matlab
from experiments.music.data import read_rolls
from experiments.name_entity.conll import read_conll
from experiments.rescoring.data import read_nbest
from experiments.sentiment.data import read_reviews
from experiments.time_series.data import read_file
from experiments.translation.pairs import read_pairs
from experiments.video_activity.reading import read_path as read_videos
from seqjax import memory
from seqjax.audio import read_wav
from seqjax.audio.wav import resample
from seqjax.data import DataError, Vocabulary, files, packed, read_lines, read_series
from seqjax.data.images import read_image
from seqjax.data.midi import read_midi
from seqjax.data.parsing import LARGEST, is_number, number, whole_number
from seqjax.models.spec import SpecError, from_json


def test_damaged_files_of_every_format_are_read_or_refused():
    outcome = fuzz(seed=7, count=500)
    assert outcome.other == [], str(outcome)
    assert outcome.read + outcome.refused == 500
    assert outcome.read > 25 and outcome.refused > 250
    assert outcome.megabytes < 400


def test_damages_are_those_of_a_seed():
    raw, others = b"one,2\nthree,4\n" * 9, [b"x" * 50]
    made = [[damaged(random.Random(i), raw, others) for i in range(60)] for _ in "ab"]
    assert made[0] == made[1] and len(set(made[0])) > 50 and raw not in made[0]


def test_every_table_has_an_example():
    tables = {form.name.split("/")[0] for form in formats()}
    assert {"names", "dna", "music", "speaker", "video_activity"} <= tables
    assert all(isinstance(form, Format) and form.files for form in formats())


LONG, DIGITS = "a" * 200_000, "9" * 5000
TS = f"@dimensions {DIGITS}\n@classLabel true a\n@data\n1:a\n"
LOCUS = f"LOCUS       X {DIGITS} bp DNA\nORIGIN\n//\n"
PITCH = f'{{"train": [[[{"9" * 4000}]]], "valid": 1, "test": 1}}'
HALF = '["<EOS>", "\\ud800"]'
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"
BAD = {  # a reader, a file, and what it holds, by what the sentence says
    "line 1: unexpected": (read_reviews, "a.csv", b'"text,stars\na,1\n'),
    "line 2: field larger": (read_reviews, "a.csv", f"text,stars\n{LONG},3\n"),
    "line 1: field larger": (read_reviews, "a.csv", f"text,stars,{LONG}\na,1,b\n"),
    r"not '4\x1c'": (read_reviews, "a.csv", "text,stars\na,4\x1c\n"),
    "stars must be 1 to 5": (read_reviews, "a.csv", "text,stars\na,４\n"),
    "line 2: a null character": (read_reviews, "a.csv", "text,stars\na\0,4\n"),
    "a…": (read_reviews, "a.csv", f"{'a' * 900},b\n1,2\n"),
    "a'…": (read_pairs, "a.tsv", f"{'a' * 900}\n"),
    "T'… is no tag": (read_conll, "a.txt", f"word {'T' * 999}\n"),
    "line 2: unexpected": (read_series, "a.csv", 'value\n"1\n'),
    "'1_0' is no finite": (read_series, "a.csv", "value\n1_0\n"),
    "'1e39' is beyond": (read_series, "a.csv", "value\n1e39\n"),
    "9'… is beyond": (read_series, "a.csv", f"value\n{'9' * 400}\n"),
    "would be a gap": (read_file, "a.csv", "time,value\n0,1\n1,2\n2,2\n1e30,3\n"),
    "is no finite number": (read_nbest, "a.tsv", "a\t1\x1c\tx\t1\n"),
    "line 2: not valid UTF-8": (read_videos, "d/w/a.txt", b"1 2\n\xff 3\n"),
    "@dimensions must be": (read_videos, "a.ts", TS),
    "a.gb": (read_dna, "a.gb", LOCUS),
    "nested too deeply": (Vocabulary.from_json, "a.json", "[" * 10**5),
    "JSON: it is nested": (read_rolls, "a.json", '{"train":' * 10**5),
    "lone surrogate": (Vocabulary.from_json, "a.json", HALF),
    "follows": (Vocabulary.from_json, "a.json", f'["{LONG}", "a"]'),
    "no image": (read_image, "a.png", EPS),
    "keys of a piano": (read_rolls, "a.json", PITCH),
}


@pytest.mark.parametrize("said", BAD)
def test_what_broke_a_reader_is_one_short_sentence(said, tmp_path):
    read, name, content = BAD[said]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError) as error:
        read(tmp_path / name.split("/")[0])
    sentence = str(error.value)
    assert said in sentence and str(tmp_path) in sentence
    assert sentence.isprintable()
    assert len(sentence.replace(str(tmp_path), "")) < 400


def test_a_deep_specification_is_refused():
    nested = []
    for _ in range(5000):
        nested = [nested]
    with pytest.raises(SpecError, match="nested too deeply"):
        from_json(nested)


def test_a_number_is_what_it_looks_like():
    rng = random.Random(0)
    for _ in range(5000):
        text = "".join(rng.choices("0123456789.eE+-_ x\x1c４", k=rng.randint(0, 6)))
        if is_number(text) and abs(float(text)) <= LARGEST:
            assert number(text, "here") == float(text) and text.isascii()
        else:
            with pytest.raises(DataError, match="^here: .* is (no|beyond)"):
                number(text, "here")
        if text.strip(" ").isdecimal() and text.isascii():
            assert whole_number(text, "here") == int(text)


def test_devices_and_pipes_do_not_hang(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PATIENCE", 0.2)
    for path in ("/dev/zero", "/dev/null", "/dev/tty"):
        with pytest.raises(DataError, match=f"^{path}: "):
            read_lines(path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match="a pipe that brings nothing for 0.2 s"):
        read_lines(pipe)
    monkeypatch.setattr(files, "PIPED", 1000)
    for size, fits in ((900, True), (5000, False)):
        raw = b"abcdefgh\n" * (size // 9)
        writer = threading.Thread(target=_write, args=(pipe, raw))
        writer.start()
        if fits:
            assert read_lines(pipe) == ["abcdefgh"] * (size // 9)
        else:
            with pytest.raises(DataError, match="a pipe may bring"):
                read_lines(pipe)
        writer.join()


def _write(pipe, raw):
    try:
        with pipe.open("wb") as file:
            file.write(raw)
    except BrokenPipeError:
        pass


def test_a_file_larger_than_the_memory_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate(2**43)
    with pytest.raises(DataError, match="would take 8.8 TB of memory, where"):
        read_lines(path)
    path.write_bytes(b"\n" * 2**20)
    monkeypatch.setattr(memory, "available", lambda: 2**27)
    with pytest.raises(DataError, match="its 1048576 lines would take"):
        read_lines(path)


def bomb(kind):
    """Some kilobytes that unpack to eight megabytes, by the file's ending."""
    zeros = bytes(2**23)
    if kind == "png":
        from PIL import Image

        content = io.BytesIO()
        Image.new("L", (2**11, 2**11)).save(content, "PNG")
        return content.getvalue()
    if kind == "mat":
        from scipy.io import savemat

        content = io.BytesIO()
        savemat(content, {"traindata": np.zeros((2**10, 2**10))}, do_compression=True)
        return content.getvalue()
    return (
        gzip.compress(zeros)
        if kind == "gz"
        else zipped(**{"a.npy": zeros, "b.xml": zeros})
    )


@pytest.mark.parametrize("kind", ["png", "mat", "gz", "npz", "mxl"])
def test_what_unpacks_to_too_much_is_refused(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "FREE", 2**20)
    path = tmp_path / f"a.{kind}"
    path.write_bytes(bomb(kind))
    read = {"png": read_image, "gz": lambda path: idx_array(path, 1)}.get(
        kind, read_rolls
    )
    with pytest.raises(DataError, match=rf"a\.{kind}.* that unpack to .* let through"):
        read(path)


def test_a_zip_file_that_lies_about_its_size_gives_no_more(tmp_path):
    raw = bytearray(zipped(**{"a.npy": bytes(2**23)}))
    for head, place in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        at = raw.index(head) + place
        raw[at : at + 4] = struct.pack("<I", 9)
    archive = packed.opened(bytes(raw), "a.npz")
    with pytest.raises(DataError, match=r"a\.npz: Bad CRC"):
        packed.member(archive, "a.npy", "a.npz")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.npy", bytes(2**20))
    with pytest.raises(DataError, match="another way than by deflate"):
        packed.opened(content.getvalue(), "a.npz")


@pytest.mark.parametrize("packing", [False, True])
def test_matlab_arrays_are_those_of_scipy(packing, tmp_path):
    from scipy.io import loadmat, savemat

    rng, content = np.random.default_rng(0), io.BytesIO()
    kinds = "u1 i1 u2 i2 u4 i4 u8 i8 f4 f8".split()
    arrays = {f"a_{k}": rng.integers(0, 99, (3, 2, 4)).astype(k) for k in kinds}
    cells = np.empty((1, 3), object)
    cells[0] = [rng.random((2, 5)), rng.integers(0, 2, (4, 3), np.uint8), "text"]
    savemat(content, {**arrays, "cells": cells}, do_compression=packing)
    raw = content.getvalue()
    ours, theirs = matlab.parse(raw, "a.mat"), loadmat(io.BytesIO(raw))
    for name in arrays:
        np.testing.assert_array_equal(ours[name], theirs[name])
        assert ours[name].dtype == theirs[name].dtype
    for own, other in zip(ours["cells"][:2], theirs["cells"][0], strict=False):
        np.testing.assert_array_equal(own, other)
    assert ours["cells"][2] is None


def test_sounds_and_notes_with_odd_heads(tmp_path):
    x = np.sin(np.arange(4000) / 9)
    assert len(resample(x, 44_101, 16_000)) == len(resample(x, 44_100, 16_000))
    odd, even = (resample(x, rate, 16_000)[:-9] for rate in (44_101, 44_100))
    np.testing.assert_allclose(odd, even, atol=2e-2)
    sounds = [form for form in formats() if form.name == "read_wav"]
    raw = bytearray(sounds[0].files["a.wav"])
    raw[24:32] = struct.pack("<II", 1_073_741_789, 4 * 1_073_741_789)
    (tmp_path / "a.wav").write_bytes(raw)
    with pytest.raises(DataError, match="a rate of 1073741789 samples a second"):
        read_wav(tmp_path / "a.wav", 16_000)
    midi = next(form for form in formats() if form.name == "music/midi").files["a.mid"]
    tempo = b"\xff\x51\x03"
    (tmp_path / "a.mid").write_bytes(
        midi.replace(tempo + b"\x07\xa1\x20", tempo + bytes(3))
    )
    assert read_midi(tmp_path / "a.mid").tempo == 120
