"""Sentences whose verb agrees with a subject far away."""

import re
import types
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from processes import result_of
from trained import smoke

from experiments.agreement import by_distance, memory
from experiments.agreement.accuracy import DISTANCE, Panels
from experiments.agreement.data import NOUNS, Sentence, draw_sentences, read_sentences
from experiments.agreement.model import (
    Example,
    batches_of,
    encode,
    make_predictor,
    verbs_right,
)
from experiments.agreement.nested import (
    FILLERS,
    LONGEST_INNER,
    MOST,
    VERBS,
    draw_nested,
)
from experiments.agreement.pictures import memory_in_words, way_of
from experiments.shared.errors import UsageError
from seqjax import Stack, predict
from seqjax.cells import GRU, LSTM, Elman
from seqjax.data import DataError

PLURALS = {f"{noun}s" for noun in NOUNS}


def test_sentences_are_what_they_say():
    sentences = draw_sentences(0, 500, 2, 9)
    assert {s.distance for s in sentences} == set(range(2, 10))
    for s in sentences:
        place = s.words.index("which") - 2
        subject, between = s.words[place], s.words[place + 1 :]
        plural = subject in PLURALS
        assert s.verb == ("were" if plural else "was")
        assert len(between) == s.distance
        nouns = [w for w in between if w in PLURALS or w in NOUNS]
        assert s.attractors == sum((noun in PLURALS) != plural for noun in nouns)
    shares = np.mean([s.verb == "were" for s in sentences])
    assert 0.4 < shares < 0.6
    assert {s.attractors for s in sentences} == {0, 1, 2, 3}
    assert {s.words.index("which") for s in sentences} == set(range(3, 10))
    assert draw_sentences(0, 500, 2, 9) == sentences != draw_sentences(1, 500, 2, 9)


def parse(words):
    """Reads a nested sentence with a stack; inner verbs, the most that wait, lengths.

    A verb is (place, its own number, the number on top of the stack when it came).
    """
    stack, verbs, most, lengths = [], [], 0, []
    start = words.index(",") + 1
    for i, word in enumerate(words):
        if i < start:
            assert word in FILLERS or word in ("near", "the", ",") or noun(word)
        elif word in NOUNS or word in PLURALS:
            if words[i - 2] in (",", "that"):
                stack.append((word in PLURALS, i))
                most = max(most, len(stack))
            else:
                assert words[i - 2] == "near" and words[i - 1] == "the"
        elif word in {form for forms in VERBS for form in forms}:
            number, at = stack.pop()
            verbs.append((i, word in {plural for _, plural in VERBS}, number))
            lengths.append(i - at - 1)
        else:
            assert word in FILLERS or word in ("near", "the", "that")
    assert len(stack) == 1
    return stack[0], verbs, most, lengths


def noun(word):
    return word in NOUNS or word in PLURALS


def test_nested_verbs_agree_with_the_noun_on_top_of_the_stack():
    sentences = draw_nested(0, 400, 1, 30)
    assert {s.distance for s in sentences} == set(range(1, 31))
    depths, inner_lengths = set(), set()
    for s in sentences:
        (plural, place), verbs, most, lengths = parse(s.words)
        assert all(own == owed for _, own, owed in verbs)
        assert tuple(i for i, *_ in verbs) == s.inner
        assert s.verb == ("were" if plural else "was")
        assert len(s.words) - place - 1 == s.distance
        between = [word in PLURALS for word in s.words[place + 1 :] if noun(word)]
        assert s.attractors == sum(number != plural for number in between)
        depths.add(most)
        inner_lengths.update(lengths)
    assert depths == set(range(1, MOST + 1))
    assert inner_lengths == set(range(LONGEST_INNER + 1))
    assert 0.4 < np.mean([s.verb == "were" for s in sentences]) < 0.6
    assert (
        draw_nested(0, 50, 4, 4) == draw_nested(0, 50, 4, 4) != draw_nested(1, 50, 4, 4)
    )
    assert {s.distance for s in draw_nested(0, 9, 7, 7)} == {7}


SENTENCES = draw_nested(3, 40, 4, 15)


def predictor(layer, sentences=SENTENCES, seed=0):
    made = make_predictor(layer, sentences, "lean")
    return replace(made, variables=predict.init(made, jax.random.key(seed)))


def test_the_number_of_each_verb_stands_at_the_word_before_it():
    asked = predictor(Elman(3))
    words = "the", "cat", "that", "the", "dogs", "see"
    example = encode(asked, Sentence(words, "was", 4, 1, (5,)))
    assert isinstance(example, Example)
    np.testing.assert_array_equal(example.numbers, [0, 0, 0, 0, 2, 1])
    assert len(example.words) == 6


def test_every_verb_is_judged_by_what_stands_before_it():
    asked = predictor(GRU(5))
    verbs = verbs_right(asked, batches_of(asked, SENTENCES))

    prefixes, plural = [], []
    for s in SENTENCES:
        prefixes += [s.words[:place] for place in (*s.inner, len(s.words))]
        plural += [s.words[place] in dict(VERBS).values() for place in s.inner]
        plural.append(s.verb == "were")
    p = asked.probabilities(asked.batches([" ".join(words) for words in prefixes]))
    right = iter((p[:, 1] > 0.5) == plural)
    for i, s in enumerate(SENTENCES):
        inner = [next(right) for _ in s.inner]
        assert (verbs.inner[i], verbs.asked[i]) == (sum(inner), len(inner))
        assert verbs.last[i] == next(right)
    count = verbs.last.sum() + verbs.inner.sum()
    total = 40 + sum(len(s.inner) for s in SENTENCES)
    assert verbs.wrong() == pytest.approx(1 - count / total)
    assert 0 < verbs.wrong() < 1 and verbs.asked.sum() > 20


def test_seeds_are_counted_in_the_same_bins():
    sentences = draw_sentences(0, 900, 2, 40)
    panels = Panels(sentences, 12)
    rng = np.random.default_rng(0)
    for part in (sentences[::2], sentences[1::3]):
        right, baseline = rng.random((2, len(part))) > (0.2, 0.6)[0]
        drawn = panels.of(part, right, baseline)
        far = "nouns of the other number, beyond 12 words"
        for label, of in (
            (DISTANCE, [s.distance for s in part]),
            (far, [s.attractors if s.distance > 12 else -1 for s in part]),
        ):
            edges, of = panels.edges[label], np.array(of)
            assert len(drawn[label]["right"]) == len(edges) - 1
            for k, (low, high) in enumerate(zip(edges, edges[1:], strict=False)):
                where = (of >= low) & (of < high)
                assert drawn[label]["right"][k] == pytest.approx(right[where].mean())
                assert drawn[label]["at"][k] == pytest.approx(of[where].mean())
    assert panels.edges[DISTANCE][0] == 2 and panels.edges[DISTANCE][-1] == 41
    assert 13 in panels.edges[DISTANCE], "no bin holds both sides of the longest"
    empty = panels.of(sentences[:1], np.array([True]), np.array([True]))
    assert np.isnan(empty[DISTANCE]["right"]).sum() == len(panels.edges[DISTANCE]) - 2


def by_hand(layer, params):
    """A classifier that reads (number, whether a noun); unit 0 is its answer."""
    sentences = draw_sentences(5, 300, 10, 30, attractors=0)
    made = predictor(layer, sentences)
    known = [(w in PLURALS) - (w in NOUNS) for w in made.codec.tokens]
    table = np.array([(number, abs(number)) for number in known], float)
    readout = {"kernel": jnp.array([[5.0], [0.0]]), "bias": jnp.zeros(1)}
    embed = {"embedding": jnp.array(table, jnp.float32)}
    recurrent = {"layer": jax.tree.map(jnp.asarray, params)}
    params = {"embed": embed, "recurrent": recurrent, "readout": readout}
    return replace(made, variables={"params": params}), sentences


def latch():
    """An Elman cell whose unit 0 is set by nouns, and else holds itself."""
    params = Elman(2).init(jax.random.key(0), 2)
    w_x, w_h = np.array([[9.0, 0], [0, 0]]), np.array([[2.0, 0], [0, 0]])
    return by_hand(Elman(2), params._replace(w_x=w_x, w_h=w_h, b=np.zeros(2)))


def gate():
    """A GRU whose update gate is open at nouns, and else shut."""
    w_x, w_h = np.zeros((2, 6)), np.zeros((2, 6))
    w_x[1, 2:4], w_x[0, 4] = 40, 1  # u from whether a noun, c from its number
    b = np.repeat([0.0, -20.0, 0.0], 2)
    params = GRU(2).init(jax.random.key(0), 2)
    return by_hand(GRU(2), params._replace(w_x=w_x, w_h=w_h, b=b))


def test_a_latch_undoes_a_push_and_keeps_a_flip():
    measured = memory.measure(*latch())
    assert measured["right"] == measured["unit_right"] == 1 and measured["unit"] == 0
    assert measured["needed"] == 1 and measured["flips"] == {"1": 1.0, "2": 1.0}
    assert abs(measured["left"]["push"][-1]) < 1e-3 and measured["push_half_life"] <= 2
    assert measured["left"]["flip"][-1] == pytest.approx(1, abs=1e-3)
    assert (
        measured["saturated_by_unit"][0] > 0.6 and measured["saturated_by_unit"][1] == 0
    )
    assert measured["gates"] == {} and measured["gate_half_life"] is None
    assert way_of(measured) == "a latch" and "a latch in 2" in memory_in_words(
        [measured] * 2
    )


def test_a_shut_gate_carries_what_is_added_to_its_memory():
    measured = memory.measure(*gate())
    assert measured["right"] == measured["unit_right"] == 1 and measured["unit"] == 0
    assert measured["needed"] == 1 and measured["push_half_life"] is None
    assert measured["left"]["push"][0] == pytest.approx(1)
    assert measured["left"]["push"][-1] == pytest.approx(1, abs=1e-3)
    assert measured["saturated"] == 0 and set(measured["gates"]) == {"r", "u"}
    assert measured["gates"]["u"][0] < 0.3 and measured["gate_half_life"] > 1
    assert way_of(measured) == "carried"


def test_where_there_is_nothing_to_measure_nothing_is_said():
    asked, sentences = latch()
    assert memory.measure(asked, [s for s in sentences if s.verb == "were"]) is None
    deep = replace(asked, model=asked.model.clone(layer=Stack((Elman(2), Elman(2)))))
    assert memory.measure(deep, sentences) is None


def test_what_a_push_changes_is_what_the_model_then_says():
    """At random weights, by steps in a loop, with every leaf pushed."""
    asked, layer = predictor(LSTM(4)), LSTM(4)
    reading = memory._reading(asked, SENTENCES)
    params = asked.variables["params"]
    how = layer, params["recurrent"]["layer"], params["readout"]
    pushes = np.random.default_rng(0).normal(size=(2, len(SENTENCES), 4))[
        :, : len(reading.plural)
    ]
    for pushed in (None, pushes):
        _, states, verbs = memory._run(*how, reading, pushed)
        for row in range(0, len(reading.plural), 7):
            carry, at = layer.initial_carry(()), reading.subject[row]
            for t in range(reading.mask[:, row].sum()):
                carry, y = layer.step(how[1], carry, reading.xs[t, row])
                if pushed is not None and t == at + memory.WHEN:
                    carry = jax.tree.map(jnp.add, carry, type(carry)(*pushed[:, row]))
                if at <= t <= at + reading.reach:
                    np.testing.assert_allclose(states[:, t - at, row], carry, atol=1e-5)
            logit = y @ how[2]["kernel"] + how[2]["bias"]
            assert verbs[row] == (logit[0] > 0)


def test_sentences_at_distances_are_drawn_and_parts_share_none():
    options = types.SimpleNamespace(data=None, dataset=None, steps=3, batch_size=20)
    source = by_distance.draw(options, [4, 9])
    assert source.name == "synthetic" and source.best == 1
    for distance, parts in source.examples.items():
        assert {s.distance for part in parts.values() for s in part} == {distance}
        assert [len(part) for part in parts.values()] == [60, 400, 1000]
        assert parts["train"][:9] != parts["valid"][:9] != parts["test"][:9]
    options.data = "sentences.txt"
    with pytest.raises(UsageError, match="--data: sentences at --distances are drawn"):
        by_distance.draw(options, [4])


def test_training_at_distances_compares_seeds(tmp_path):
    flags = ["--dataset=nested", "--distances=6,4", "--seeds=2", "--workdir=run"]
    result = result_of("agreement", *smoke("agreement"), *flags, cwd=tmp_path)
    assert len(result["scores"]) == len(result["cells"]) == 2
    for one in result["cells"].values():
        assert list(one["by_distance"]) == ["4", "6"]
        assert one["score"] == pytest.approx(np.mean(list(one["by_distance"].values())))
    assert (tmp_path / "run" / "figures" / "distances.png").exists()
    assert (tmp_path / "run" / "seed_1" / "6" / "metrics.jsonl").exists()


def test_a_file_has_its_verbs_marked(tmp_path):
    path = tmp_path / "sentences.txt"
    path.write_text(
        "the cat , which ate , *was* full\nthe cats *were* full\n"
        "near the dogs the cat , which ate , *was* full\n"
    )
    first, second, third = read_sentences(path)
    assert third.distance == first.distance and len(third.words) > len(first.words)
    assert first.words == ("the", "cat", ",", "which", "ate", ",")
    assert first.verb == "was" and second.verb == "were"
    assert (first.distance, second.distance) == (4, 0)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("the cat was full", "one verb must be marked"),
        ("the cat *was* *full*", "one verb must be marked"),
        ("*was* the cat full", "one verb must be marked"),
        ("the cat *sat*", "'sat' is no known verb"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    path = tmp_path / "sentences.txt"
    path.write_text(f"the cat *was* full\n{line}\n")
    named = re.escape(str(path)) + ", line 2: " + message
    with pytest.raises(DataError, match=named):
        read_sentences(path)
