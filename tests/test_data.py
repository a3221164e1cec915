"""Readers, the table of data sets, and the generator of names."""

import itertools
import re

import numpy as np
import pytest

from seqjax.data import (
    DATASETS,
    DataError,
    NameProcess,
    load,
    markov_names,
    read_lines,
)


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


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DataError, match=re.escape(f"{tmp_path}: Is a directory")):
        read_lines(tmp_path)
    assert read_lines(__file__, longest=100)


def test_the_dinosaurs_are_what_the_table_says():
    source = load("names")
    assert source.name == "dinosaurs" and source.best is None
    assert len(source.examples) == 1318
    assert source.examples == sorted(set(source.examples))
    assert all(re.fullmatch("[a-z]+", name) for name in source.examples)
    assert "tyrannosaurus" in source.examples


def test_the_users_file_wins_over_a_data_set(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("zoe\nadam\n")
    source = load("names", "dinosaurs", path)
    assert source == (["zoe", "adam"], str(path), None, None)


@pytest.mark.parametrize("task, name", DATASETS)
def test_every_data_set_loads(task, name):
    try:
        source = load(task, name)
    except DataError as error:
        if "cannot be fetched" not in str(error):
            raise
        pytest.skip(str(error))  # without a network
    assert source.name == name and source.examples and source.licence


def test_unknown_data_is_refused_with_what_there_is():
    with pytest.raises(DataError, match="dragons.*dinosaurs, synthetic"):
        load("names", "dragons")
    with pytest.raises(DataError, match="knitting.*names"):
        load("knitting")


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
    try:
        parts = load("language_model", "ptb").examples
    except DataError as error:
        pytest.skip(str(error))
    counts = [sum(len(line.split()) + 1 for line in part) for part in parts]
    assert counts == [929_589, 73_760, 82_430]
    assert len({word for line in parts.train for word in line.split()}) == 9_999


def test_the_bible_has_its_verses():
    try:
        parts = load("language_model", "bible").examples
    except DataError as error:
        pytest.skip(str(error))
    assert sum(map(len, parts)) == 31_102
    begin = "In the beginning God created the heaven and the earth."
    assert parts.train[0] == begin
    assert not any(c.isdigit() or c in "[]" for part in parts for v in part for c in v)
