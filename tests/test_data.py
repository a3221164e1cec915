"""Readers of text, every task's table of data sets, and the generator of names."""

import functools
import importlib
import itertools
import pathlib
import re
import subprocess

import numpy as np
import pytest

from experiments.names.data import NameProcess, markov_names
from experiments.shared.folders import data_digest
from experiments.speech_recognition import espeak
from seqjax.data import DataError, Splits, read_lines, split
from seqjax.data.splits import normalize

ROOT = pathlib.Path(__file__).parents[1]
TABLES = {
    path.parent.name: importlib.import_module(f"experiments.{path.parent.name}.data")
    for path in sorted(ROOT.glob("experiments/*/data.py"))
}
NAMES, TEXTS = TABLES["names"].TABLE, TABLES["language_model"].TABLE


def test_lines_are_stripped_and_blank_ones_skipped(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeffanna \r\n\n\t \n bo\u0308 b".encode())
    assert read_lines(path) == ["anna", "bo\u0308 b"]


BAD_FILES = [
    (None, ": No such file"),
    (b"", ": no example"),
    (b" \n\t\n", ": no example"),
    (b"anna\nb\xff\n", ", line 2: not valid UTF-8"),
    (b"anna\n\n" + b"b" * 1001, ", line 3: 1001 characters"),
]


@pytest.mark.parametrize("content, where", BAD_FILES)
def test_a_bad_file_is_named_with_its_line(tmp_path, content, where):
    path = tmp_path / "names.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(f"{path}{where}")) as caught:
        read_lines(path)
    assert "\n" not in str(caught.value)


ENCODINGS = [
    ("café – 5 €", "windows-1252", "Windows-1252"),
    ("naïve", "latin-1", "Windows-1252"),  # of which it is a part
    ("höhle", "utf-16", "UTF-16"),
    ("höhle", "utf-16-be", None),  # without its byte order mark nobody can tell
    ("\x80\x81", "latin-1", None),  # no text at all
]


@pytest.mark.parametrize("text, encoding, guess", ENCODINGS)
def test_an_encoding_that_can_be_guessed_is_named(text, encoding, guess, tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(DataError, match="line 1: not valid UTF-8") as caught:
        read_lines(path)
    if guess is None:
        assert "iconv" not in str(caught.value)
        return
    assert f"if it is {guess}, convert it: iconv -f " in str(caught.value)
    command = str(caught.value).split("convert it: ")[1]
    subprocess.run(command, shell=True, check=True)
    assert read_lines(f"{path}.utf-8") == [text]


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DataError, match=re.escape(f"{tmp_path}: Is a directory")):
        read_lines(tmp_path)
    assert read_lines(__file__, longest=100)


def test_the_dinosaurs_are_what_the_table_says():
    source = NAMES.load()
    assert source.name == "dinosaurs" and source.best is None
    assert len(source.examples) == 1318
    assert source.examples == sorted(set(source.examples))
    assert all(re.fullmatch("[a-z]+", name) for name in source.examples)
    assert "tyrannosaurus" in source.examples


def test_the_users_file_wins_over_a_data_set(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("zoe\nadam\n")
    source = NAMES.load("dinosaurs", path)
    assert source == (["zoe", "adam"], str(path), None, None)


@functools.cache
def load_or_skip(table, name):
    """Data to be fetched is not there without a network, nor speech without a voice."""
    try:
        return table.load(name)
    except DataError as error:
        if not re.search("cannot be fetched|is not installed", str(error)):
            raise
        pytest.skip(str(error))


@pytest.fixture
def each_voice_once(monkeypatch):
    """Each of espeak-ng's voices speaks one sentence, which stands for all of its."""
    speak, spoken = espeak._speak, {}

    def speak_once(number, text, voice, *how):
        if voice not in spoken:
            spoken[voice] = speak(number, text, voice, *how)
        return spoken[voice]

    monkeypatch.setattr(espeak, "_speak", speak_once)


def is_filled(example):
    return example.size > 0 if isinstance(example, np.ndarray) else bool(example)


def examples_of(loaded):
    """The examples, which stand first where facts stand beside them."""
    has_facts = hasattr(loaded, "_fields") and not isinstance(loaded, Splits)
    if has_facts and (arrays := [a for a in loaded if isinstance(a, np.ndarray)]):
        return arrays
    return loaded[0] if has_facts and isinstance(loaded[0], list) else loaded


ENTRIES = [
    pytest.param(module.TABLE, entry, id=f"{task}-{entry.name}")
    for task, module in TABLES.items()
    for entry in module.TABLE.datasets
]


@pytest.mark.usefixtures("each_voice_once")
@pytest.mark.parametrize("table, entry", ENTRIES)
def test_every_entry_of_every_table_loads(table, entry):
    source = load_or_skip(table, entry.name)
    assert source.name == entry.name and source.examples
    assert all(map(is_filled, examples_of(source.examples)))
    assert source.licence and entry.origin and entry.description
    assert [e.name for e in table.datasets].count(entry.name) == 1


@pytest.mark.parametrize("task", TABLES)
def test_unknown_data_is_refused_with_what_there_is(task):
    table = TABLES[task].TABLE
    known = ", ".join(entry.name for entry in table.datasets)
    with pytest.raises(DataError, match=re.escape(f"'dragons'; there are {known}")):
        table.load("dragons")


def test_a_split_keeps_groups_together_and_loses_nothing():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 40, 300).tolist()
    examples = list(enumerate(groups))
    splits = split(examples, groups, seed=3)
    assert sorted(sum(splits, [])) == examples
    sides = [{group for _, group in part} for part in splits]
    assert [len(side) for side in sides] == [32, 4, 4]
    assert not sides[0] & sides[1] and not (sides[0] | sides[1]) & sides[2]
    assert all(part == sorted(part) for part in splits)
    assert split(examples, groups, seed=3) == splits != split(examples, groups, seed=4)
    with pytest.raises(DataError, match="2 different examples cannot be split"):
        split([1, 2, 3], ["a", "a", "b"])
    assert sum(map(len, split([1, 2, 3], "abc"))) == 3
    assert normalize(" Straße\tIST  so\n") == "strasse ist so"


def test_the_generator_is_a_function_of_its_seed():
    assert markov_names(1, 20) == markov_names(1, 20)
    assert markov_names(1, 20) != markov_names(2, 20)


def test_the_generators_probabilities_sum_to_one_and_give_its_entropy():
    rng = np.random.default_rng(0)
    process = NameProcess.random(
        rng, "bd", "ai", ("us", "ura", "uras"), shortest=2, longest=5
    )
    names = [  # all that it can make, and some that it cannot
        "".join(stem) + ending
        for length in range(7)
        for stem in itertools.product("bdai", repeat=length)
        for ending in process.endings
    ]
    log_p = np.array([process.log_prob(name) for name in names])
    p = np.exp(log_p)
    np.testing.assert_allclose(p.sum(), 1, rtol=1e-12)
    nats = -np.sum(p * np.where(p > 0, log_p, 0))
    characters = np.sum(p * [len(name) + 1 for name in names])  # and the end
    np.testing.assert_allclose(process.entropy(), nats / characters, rtol=1e-12)


def test_draws_score_the_generators_entropy():
    rng = np.random.default_rng(0)
    process = NameProcess.random(rng)
    names = process.draw(rng, 4000)
    nats = -np.array([process.log_prob(name) for name in names])
    characters = np.array([len(name) + 1 for name in names])
    excess = nats - process.entropy() * characters
    assert abs(excess.mean()) < 4 * excess.std() / np.sqrt(len(names))


def test_stems_are_made_of_syllables():
    names, _ = markov_names(0, 500)
    stems = [re.match("[^u]*", name)[0] for name in names]
    assert {len(stem) for stem in stems} == set(range(5, 11))
    assert not any(re.search("[aeio]{2}|[bdklmnrst]{3}", stem) for stem in stems)


@pytest.mark.parametrize("name", ["", "us", "bad", "zus", "badusus", "bad" * 9 + "us"])
def test_what_cannot_be_drawn_has_no_probability(name):
    assert NameProcess.random(np.random.default_rng(0)).log_prob(name) == -np.inf


def test_a_name_is_made_in_one_way_only():
    with pytest.raises(ValueError, match="ending"):
        NameProcess.random(np.random.default_rng(0), endings=("us", "bus"))


def test_the_treebank_has_the_published_counts():
    splits = load_or_skip(TEXTS, "ptb").examples
    counts = [sum(len(line.split()) + 1 for line in part) for part in splits]
    assert counts == [929_589, 73_760, 82_430]
    assert len({word for line in splits.train for word in line.split()}) == 9_999


def test_the_bible_has_its_verses():
    splits = load_or_skip(TEXTS, "bible").examples
    assert sum(map(len, splits)) == 31_102
    begin = "In the beginning God created the heaven and the earth."
    assert splits.train[0] == begin
    assert not any(c.isdigit() or c in "[]" for part in splits for v in part for c in v)


def test_a_digest_of_data_sees_every_number():
    """Arrays print without their middle, and that is where one differs here."""
    ids = np.arange(5000.0)
    other = ids.copy()
    other[2500] += 1e-12
    first, same, changed = (
        data_digest([("a", array), {"b": array[:3]}])
        for array in (ids, ids.copy(), other)
    )
    assert first == same != changed
    assert data_digest(ids) != data_digest(ids.astype(np.float32))
