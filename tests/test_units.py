"""Quotation marks, and a GRU that agrees because its weights were set so."""

import numpy as np
import pytest

from experiments.agreement.data import NOUNS, draw_sentences
from experiments.units import quotes, sentences
from experiments.units.by_hand import CLAUSE, NUMBER, by_hand
from experiments.units.data import draw_quotes, inside_quotes, read_quotes
from seqjax.data import DataError


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('a "b c" d', "001111000"),
        ('"a"b', "1100"),
        ("“a” «b»", "1100110"),
        ('a "b\nc" d', "001100000"),
        ('("a!" b)', "01110000"),
        ('"a "b" c', "11111000"),
    ],
)
def test_a_mark_opens_or_closes_by_what_is_before_it(text, inside):
    assert "".join(map(str, inside_quotes(text).astype(int))) == inside


def test_drawn_lines_have_marks_that_alone_tell():
    lines = draw_quotes(3, 40)
    assert lines == draw_quotes(3, 40) != draw_quotes(4, 40)
    text = "\n".join(lines)
    inside = inside_quotes(text)
    assert 0.4 < inside.mean() < 0.8
    letters = np.array([c in "aeilnorst" for c in text])
    counts = [
        np.unique(np.array(list(text))[letters & (inside == where)], return_counts=True)
        for where in (False, True)
    ]
    shares = [count / count.sum() for _, count in counts]
    np.testing.assert_allclose(*shares, atol=0.02)
    for line in lines:
        assert line.count('"') % 2 == 0 and not inside_quotes(line)[-1]


def test_a_text_without_quotations_is_refused(tmp_path):
    path = tmp_path / "plain.txt"
    path.write_text("no marks at all\n" * 30)
    with pytest.raises(DataError, match=r"plain\.txt: 0% of the train part"):
        read_quotes(path)


def test_a_passage_is_half_inside_quotes():
    line = 'He came. "Go," he said. "Go out now, quickly!" They all went away. '
    text = quotes.passage([line.strip() + " " + "And so on. " * 99, line * 9])
    assert line.startswith(text[:8]) or text[0] == '"' or text[:4] == "They"
    assert 0.3 < inside_quotes(text).mean() < 0.7
    assert len(text) <= quotes.LENGTH


def test_the_network_set_by_hand_agrees_at_any_distance():
    reader = by_hand()
    drawn = draw_sentences(1, 200, 2, 12) + draw_sentences(1, 8, 3000, 4000)
    texts = [" ".join(s.words) for s in drawn]
    p = reader.probabilities(reader.batches(texts, 200, buckets=3))[:, 1]
    gold = np.array([s.verb == "were" for s in drawn])
    assert np.abs(p - gold).max() < 1e-6 and 0 < gold.mean() < 1
    assert max(s.attractors for s in drawn) >= 2


def test_the_gates_set_by_hand_do_what_is_said():
    """Open and shut by the words alone, as the docstring says."""
    reader = by_hand()
    drawn = draw_sentences(2, 20, 2, 12)
    for sentence, held in zip(drawn, sentences.hold(reader, drawn), strict=True):
        words, at = list(sentence.words), sentences.subject_of(sentence)
        clause = np.arange(len(words)) >= at + 2  # from "which" on
        assert words[at + 2] == "which"
        noun = np.array([word.removesuffix("s") in NOUNS for word in words])
        u, h = held["gate u"], held["state h"]
        np.testing.assert_allclose(u[:, NUMBER], noun & ~clause, atol=1e-6)
        opens = np.array([word == "which" for word in words])
        np.testing.assert_allclose(u[:, CLAUSE], opens, atol=1e-6)
        np.testing.assert_allclose(h[:, CLAUSE], clause, atol=1e-6)
        sign = 1 if sentence.verb == "was" else -1
        np.testing.assert_allclose(h[at:, NUMBER], sign, atol=1e-6)
        np.testing.assert_array_equal(h[at + 2 :, NUMBER], h[-1, NUMBER])
        np.testing.assert_allclose(held["gate r"], 1, atol=1e-6)


def test_a_unit_holds_only_if_it_is_right_at_every_step():
    reader = by_hand()
    drawn = sentences.draw(0, 60)
    assert not {s.words for s in drawn.train} & {s.words for s in drawn.measure}
    unit = sentences.unit_of(reader, drawn)
    assert (unit.quantity, unit.unit, unit.area) == ("state h", NUMBER, 1)
    assert sentences.held_share(reader, unit, drawn.measure) == 1
    clause = unit._replace(unit=CLAUSE, threshold=0.5)  # right at some steps of each
    assert sentences.held_share(reader, clause, drawn.measure) == 0
    never = unit._replace(threshold=2.0)
    plural = np.mean([s.verb == "were" for s in drawn.measure])
    assert sentences.held_share(reader, never, drawn.measure) == plural


def test_states_of_padded_rows_are_those_of_each_alone():
    reader = by_hand()
    drawn = draw_sentences(5, 3, 2, 9)
    together = sentences.hold(reader, drawn)
    for sentence, row in zip(drawn, together, strict=True):
        (alone,) = sentences.hold(reader, [sentence])
        for name, values in alone.items():
            assert len(values) == len(sentence.words)
            np.testing.assert_allclose(row[name], values, rtol=1e-6)


def test_the_shown_sentences_differ_in_number_alone():
    held = sentences.shown({})
    (cat, cats) = held.values()
    assert (cat.tokens[1], cats.tokens[1]) == ("cat", "cats")
    assert "P(was) = 1.0000" in cat.says and "P(were) = 1.0000" in cats.says
    assert cat.marks == [False] + [True] * (len(cat.tokens) - 1)
