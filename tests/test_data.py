"""Data: what is read is what is there, and what is batched is what was given."""

import itertools
import re

import numpy as np
import pytest

from seqjax.data import (
    DATASETS,
    Batches,
    DataError,
    NameProcess,
    Vocabulary,
    load,
    markov_names,
    read_lines,
)


def ragged(count, seed=0):
    """Sequences of 1 to 30 tokens that are all different."""
    rng = np.random.default_rng(seed)
    lengths = 1 + rng.geometric(0.15, count).clip(max=29)
    return [np.append(rng.integers(0, 9, n - 1), 10 + i) for i, n in enumerate(lengths)]


def rows_of(batches):
    """The non-empty rows of batches, padding cut off."""
    return [
        tuple(row[:length])
        for tokens, length_of in batches
        for row, length in zip(tokens, length_of, strict=True)
        if length
    ]


def equal(batch, other):
    return all(np.array_equal(a, b) for a, b in zip(batch, other, strict=True))


SHAPES = pytest.mark.parametrize(
    "count, batch_size, buckets, run",
    [(1, 1, 1, 1), (5, 8, 3, 8), (64, 8, 1, 4), (203, 7, 4, 3), (100, 10, 40, 2)],
)


@SHAPES
def test_an_epoch_shows_every_sequence_once(count, batch_size, buckets, run):
    sequences = ragged(count)
    batches = Batches(sequences, batch_size, buckets=buckets, run=run)
    expected = sorted(map(tuple, sequences))
    for epoch in range(3):
        begin = epoch * batches.steps_per_epoch
        steps = range(begin, begin + batches.steps_per_epoch)
        assert sorted(rows_of(batches.at(step) for step in steps)) == expected
    assert sorted(rows_of(batches.once())) == expected


@SHAPES
def test_batches_are_padded_with_zeros_to_the_longest_of_their_bucket(
    count, batch_size, buckets, run
):
    batches = Batches(ragged(count), batch_size, buckets=buckets, run=run)
    longest = {}
    for tokens, lengths in batches.once():
        assert tokens.dtype == lengths.dtype == np.int32
        assert tokens.shape == (batch_size, tokens.shape[1])
        assert not tokens[np.arange(tokens.shape[1]) >= lengths[:, None]].any()
        time = tokens.shape[1]
        longest[time] = max(longest.get(time, 0), lengths.max())
    assert all(time == length for time, length in longest.items())
    assert len(longest) <= buckets
    shapes = {
        batches.at(step).tokens.shape[1] for step in range(batches.steps_per_epoch)
    }
    assert shapes == set(longest)


def test_buckets_hold_equal_counts_of_like_lengths():
    sequences = [np.arange(n) for n in np.random.default_rng(0).permutation(120) + 1]
    batches = Batches(sequences, batch_size=5, buckets=4)
    widths = [tokens.shape[1] for tokens, _ in batches.once()]
    assert widths == sorted([30, 60, 90, 120] * 6)


def test_the_order_is_a_function_of_seed_and_step():
    sequences = ragged(150)
    batches = Batches(sequences, 8, seed=3, buckets=3)
    steps = range(3 * batches.steps_per_epoch)
    walked = [batches.at(step) for step in steps]
    for step in reversed(steps):
        fresh = Batches(sequences, 8, seed=3, buckets=3)
        assert equal(fresh.at(step), walked[step])
        assert equal(batches.at(step), walked[step])


def test_epochs_and_seeds_differ():
    sequences = ragged(150)

    def companies(seed, epoch):
        batches = Batches(sequences, 8, seed=seed, buckets=3)
        first = epoch * batches.steps_per_epoch
        steps = range(first, first + batches.steps_per_epoch)
        return {frozenset(rows_of([batches.at(step)])) for step in steps}

    assert not companies(seed=0, epoch=0) & companies(seed=0, epoch=1)
    assert not companies(seed=0, epoch=0) & companies(seed=1, epoch=0)


@SHAPES
def test_a_stack_is_the_batches_of_its_steps(count, batch_size, buckets, run):
    batches = Batches(ragged(count), batch_size, buckets=buckets, run=run)
    n = batches.steps_per_epoch
    for step in range(2 * n):
        most = batches.run_length(step, 100)
        assert step // n == (step + most - 1) // n
        stack = batches.stacked(step, most)
        assert len(stack.tokens) == len(stack.lengths) == most
        for i in range(most):
            assert equal((stack.tokens[i], stack.lengths[i]), batches.at(step + i))
        assert batches.run_length(step, 1) == 1
        with pytest.raises(ValueError, match=f"from step {step} on"):
            batches.stacked(step, most + 1)


def test_runs_keep_a_bucket_for_some_steps_and_are_shuffled():
    batches = Batches(ragged(1000), 8, buckets=3, run=5)
    n = batches.steps_per_epoch
    widths = [batches.at(step).tokens.shape[1] for step in range(n)]
    runs = [len(list(run)) for _, run in itertools.groupby(widths)]
    assert 3 * len(runs) < n
    assert len(runs) > 6


def test_once_keeps_the_order_given():
    sequences = ragged(30)
    assert rows_of(Batches(sequences, 7).once()) == list(map(tuple, sequences))


@pytest.mark.parametrize(
    "sequences, options, message",
    [
        ([], {}, "no sequences"),
        ([[1], np.zeros(0, int)], {}, "sequence 1"),
        ([[1], [0.5]], {}, "sequence 1"),
        ([[[1]]], {}, "sequence 0"),
        ([[1]], {"batch_size": 0}, "batch_size"),
        ([[1]], {"buckets": 0}, "buckets"),
        ([[1]], {"run": 0}, "run"),
    ],
)
def test_what_cannot_be_batched_is_named(sequences, options, message):
    with pytest.raises(ValueError, match=message):
        Batches(sequences, **{"batch_size": 2, **options})


def test_a_vocabulary_is_sorted_and_comes_back():
    rng = np.random.default_rng(0)
    for _ in range(50):
        text = "".join(map(chr, rng.integers(32, 1200, rng.integers(0, 40))))
        vocabulary = Vocabulary.build([text[::2]])
        assert list(vocabulary.tokens) == sorted({*text[::2], "<EOS>", "<UNK>"})
        ids = vocabulary.encode(text)
        assert ids.dtype == np.int32 and len(ids) == len(text) + 1
        known = [t if t in vocabulary else "<UNK>" for t in text]
        assert vocabulary.decode(ids) == known
        assert vocabulary.decode([*ids, vocabulary.eos, 0]) == known
        assert np.array_equal(vocabulary.encode(text, eos=False), ids[:-1])
        if text:
            assert set(text[::2]) <= set(vocabulary.tokens)


def test_the_most_frequent_tokens_are_kept_and_ties_go_by_the_alphabet():
    sequences = ["d c b b a".split(), "b e <UNK> <UNK> d".split()]
    assert Vocabulary.build(sequences, size=3).tokens == (
        "<EOS>", "<UNK>", "a", "b", "d"
    )  # fmt: skip
    assert len(Vocabulary.build(sequences)) == 7
    with pytest.raises(ValueError, match="size"):
        Vocabulary.build(sequences, size=0)


def test_one_hot_is_the_identity_and_zero_for_what_is_no_token():
    vocabulary = Vocabulary.build(["cab"])
    ids = np.array([[0, 4, 2], [-1, 1, 3]])
    one_hot = vocabulary.one_hot(ids)
    assert one_hot.shape == (2, 3, 5) and one_hot.dtype == np.float32
    assert np.array_equal(one_hot[0], np.eye(5)[ids[0]])
    assert not one_hot[1, 0].any()


@pytest.mark.parametrize("ids", [[2, 9], [-1]])
def test_decoding_what_is_no_token_is_refused(ids):
    with pytest.raises(ValueError, match=f"no token {ids[-1]}"):
        Vocabulary.build(["abc"]).decode(ids)


def test_a_vocabulary_is_saved_and_loaded(tmp_path):
    vocabulary = Vocabulary.build([["höhle", 'a"b', "line\nbreak", "", "\u2028"]])
    vocabulary.to_json(tmp_path / "vocabulary.json")
    assert Vocabulary.from_json(tmp_path / "vocabulary.json") == vocabulary


@pytest.mark.parametrize(
    "text",
    [
        "",
        '["<EOS>", "<UNK>", "a"',
        '{"<EOS>": 0, "<UNK>": 1}',
        '["<EOS>", "<UNK>", 1]',
        '["<EOS>", "<UNK>", "b", "a"]',
        '["<EOS>", "<UNK>", "a", "a"]',
        '["<EOS>", "a"]',
        '["<UNK>", "a"]',
        b"\xff",
        None,
    ],
)
def test_a_damaged_vocabulary_is_refused(tmp_path, text):
    path = tmp_path / "vocabulary.json"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=re.escape(str(path))):
        Vocabulary.from_json(path)


def test_lines_are_stripped_and_blank_ones_skipped(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeffanna \r\n\n\t \n bo\u0308 b".encode())
    assert read_lines(path) == ["anna", "bo\u0308 b"]


@pytest.mark.parametrize(
    "content, where",
    [
        (None, ": No such file"),
        (b"", ": no example"),
        (b" \n\t\n", ": no example"),
        (b"anna\nb\xff\n", ", line 2: not valid UTF-8"),
        (b"anna\n\n" + b"b" * 1001, ", line 3: 1001 characters"),
    ],
)
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
    source = load(task, name)
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
    names = [
        "".join(stem) + ending
        for length in range(7)
        for stem in itertools.product("bdai", repeat=length)
        for ending in process.endings
    ]
    log_p = np.array([process.log_prob(name) for name in names])
    p = np.exp(log_p)
    np.testing.assert_allclose(p.sum(), 1, rtol=1e-12)
    nats = -np.sum(p * np.where(p > 0, log_p, 0))
    characters = np.sum(p * [len(name) + 1 for name in names])
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
