"""Sentences with tags: columns, both schemes, parts; made-up ones that can be told."""

import itertools

import numpy as np
import pytest

from experiments.name_entity.conll import Tagged, read_conll, read_folder
from experiments.name_entity.generator import FIRST_OR_THING, TEDDY, draw_sentences
from seqjax.data import DataError
from seqjax.data.splits import split
from seqjax.metrics import OUTSIDE, as_iob2, entity_f1

IOB2 = """-DOCSTART- -X- O

Harry NNP B-PER
Potter NNP I-PER
sang VBD O

Paris NNP B-LOC
"""


def test_columns_become_sentences(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text(IOB2)
    assert read_conll(path) == [
        Tagged(("Harry", "Potter", "sang"), ("B-PER", "I-PER", "O")),
        Tagged(("Paris",), ("B-LOC",)),
    ]
    path.write_bytes(IOB2.replace("\n", "\r\n").encode())
    assert len(read_conll(path)) == 2


def test_a_byte_order_mark_is_no_word(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text(IOB2, encoding="utf-8-sig")
    assert read_conll(path)[0].words[0] == "Harry"


def test_documents_of_one_file_stay_together(tmp_path):
    document = "-DOCSTART- O\n\n" + "w{0} B-X\n\nv{0} O\n\n" * 3
    path = tmp_path / "all.txt"
    path.write_text("".join(document.format(i) for i in range(40)))
    sides = [{s.words[0][1:] for s in part} for part in read_folder(path)]
    assert [len(side) for side in sides] == [32, 4, 4]
    assert not sides[0] & sides[1] and not (sides[0] | sides[1]) & sides[2]


def entities(tags):
    """(kind, start, end) of IOB2 tags, the slow way."""
    found = []
    for i, tag in enumerate(tags):
        if tag.startswith("B"):
            end = i + 1
            while end < len(tags) and tags[end] == f"I{tag[1:]}":
                end += 1
            found.append((tag[2:], i, end))
    return found


def test_f1_is_of_whole_entities():
    rng = np.random.default_rng(0)
    kinds = ["O", "O", "B-A", "I-A", "B-B", "I-B"]
    gold, predicted = (
        [as_iob2(rng.choice(kinds, 6).tolist()) for _ in range(50)] for _ in range(2)
    )
    sides = [
        {(i, *e) for i, tags in enumerate(side) for e in entities(tags)}
        for side in (gold, predicted)
    ]
    hits, sizes = len(sides[0] & sides[1]), list(map(len, sides))
    precision, recall = hits / sizes[1], hits / sizes[0]
    expected = 2 * precision * recall / (precision + recall)
    assert 0.1 < expected < 0.9
    assert entity_f1(gold, predicted).result() == pytest.approx(expected)
    assert entity_f1(gold, gold).result() == 1
    assert entity_f1([["O"]], [["O"]]).result() == 0


def test_both_schemes_say_the_same():
    """IOB1 has B only between neighbours of one kind; all sequences of five tags."""
    kinds = ["O", "B-A", "I-A", "B-B", "I-B"]
    for iob1 in itertools.product(kinds, repeat=5):
        tags = as_iob2(iob1)
        assert as_iob2(tags) == tags
        assert [t == OUTSIDE for t in tags] == [t == OUTSIDE for t in iob1]
        for before, tag, was in zip((OUTSIDE, *tags), tags, iob1, strict=False):
            begins = was[0] == "B" or (was[0] == "I" and before[1:] != was[1:])
            assert tag[0] == ("B" if begins else was[0])
        covered = sum(end - start for _, start, end in entities(tags))
        assert covered == sum(tag != OUTSIDE for tag in tags)


BAD = {
    "a missing column": ("Harry NNP B-PER\nPotter I-PER\n", "line 2: 2 columns"),
    "a word alone": ("Harry\n", "line 1: 1 columns"),
    "an unknown scheme": ("Harry B-PER\nPotter E-PER\n", "line 2: 'E-PER'"),
    "no kind": ("Harry B-\n", "line 1: 'B-'"),
    "nothing": ("\n-DOCSTART- O\n\n", "no sentence"),
    "not UTF-8": (b"Harry B-PER\ncaf\xe9 O\n", "line 2: not valid UTF-8"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_a_bad_line_is_named(case, tmp_path):
    text, message = BAD[case]
    for name in ("train.txt", "valid.txt", "test.txt"):
        (tmp_path / name).write_text(IOB2)
    bad = tmp_path / "test.txt"
    bad.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError) as error:
        read_folder(tmp_path)
    assert str(bad) in str(error.value) and message in str(error.value)


def test_a_folder_lacks_no_part(tmp_path):
    (tmp_path / "train.txt").write_text(IOB2)
    with pytest.raises(DataError, match=r"valid\.txt"):
        read_folder(tmp_path)


def test_one_file_is_cut(tmp_path):
    path = tmp_path / "all.txt"
    path.write_text("\n".join(f"w{i} B-X\n" for i in range(50)))
    parts = read_folder(path)
    assert list(map(len, parts)) == [40, 5, 5]
    path.write_text("a O\n\na O\n")
    with pytest.raises(DataError, match="1 different examples"):
        read_folder(path)


def test_groups_stay_together():
    examples = list(range(1000))
    groups = [i % 37 for i in examples]
    parts = split(examples, groups, seed=3)
    assert sorted(sum(parts, [])) == examples
    sides = [{i % 37 for i in part} for part in parts]
    assert (
        not sides[0] & sides[1] and not sides[1] & sides[2] and not sides[0] & sides[2]
    )
    assert all(sides) and len(parts.train) > 700
    assert parts == split(examples, groups, seed=3) != split(examples, groups, seed=4)


def test_words_alone_do_not_tell_names():
    sentences = draw_sentences(0, 3000)
    assert all(len(s.words) == len(s.tags) for s in sentences)
    assert all(as_iob2(s.tags) == s.tags for s in sentences)
    assert not {" ".join(s.words) for s in sentences} & set(TEDDY)
    tags_of = {}
    for sentence in sentences:
        for word, tag in zip(*sentence, strict=True):
            tags_of.setdefault(word, set()).add(tag)
    assert all(tags_of[word] >= {"B-PER", "O"} for word in FIRST_OR_THING)
    assert tags_of["Washington"] >= {"B-PER", "B-LOC", "B-ORG", "I-PER"}
    assert sentences == draw_sentences(0, 3000) != draw_sentences(1, 3000)


def test_a_sentence_as_a_whole_tells_its_names():
    """With made-up words alike, equal sentences never differ in their tags."""
    known = {word for frame in draw_sentences(0, 300) for word in frame.words}
    tags_of = {}
    for sentence in draw_sentences(2, 5000):
        shape = tuple(w if w in known else "·" for w in sentence.words)
        tags_of.setdefault(shape, set()).add(sentence.tags)
    assert max(map(len, tags_of.values())) == 1
