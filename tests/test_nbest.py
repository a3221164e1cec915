"""N-best lists: made of what sounds alike, read from a file, every line checked."""

import re

import pytest

from experiments.rescoring.data import HOMOPHONES, homophone_lists, read_nbest
from seqjax.data import DataError

SENTENCES = ["The apple and pear salad.", "Nothing.", "I see the sea, son."]


def test_lists_hold_the_truth_and_what_sounds_like_it():
    made = homophone_lists(0, SENTENCES)
    by_utterance = {}
    for hypothesis in made:
        by_utterance.setdefault(hypothesis.utterance, []).append(hypothesis)
    assert set(by_utterance) == {"0", "2"}, "the second has no homophone"
    sound = {word: group[0] for group in HOMOPHONES for word in group}

    def heard(text):
        words = re.findall(r"[\w']+", text)
        return [sound.get(word, word) for word in words]

    for utterance, listed in by_utterance.items():
        (truth,) = [h.text for h in listed if h.is_true]
        assert truth == SENTENCES[int(utterance)]
        assert len({h.text for h in listed}) == len(listed) <= 8
        assert all(heard(h.text) == heard(truth) for h in listed)
    assert "The apple and pair salad." in {h.text for h in made}
    assert homophone_lists(0, SENTENCES) == made != homophone_lists(1, SENTENCES)


def test_no_word_sounds_like_two_groups():
    words = [word for group in HOMOPHONES for word in group]
    assert len(words) == len(set(words))


def test_a_file_is_read_by_columns(tmp_path):
    path = tmp_path / "lists.tsv"
    path.write_text("a\t-1.5\tthe pair\t0\na\t-2\tthe pear\t1\n")
    first, second = read_nbest(path)
    assert first == ("a", -1.5, "the pair", False) and second.is_true
    path.write_text("a\t-1.5\tthe pair\t0\nb\t-2\tthe pear\t1\n")
    assert [h.is_true for h in read_nbest(path)] == [False, True]


BAD = {
    "a\t-1\tthe pair\n": "line 1: four columns",
    "a\t-1\tthe pair\tyes\n": "line 1: four columns",
    "a\t-1\tx\t1\nb\tlow\ty\t1\n": "line 2: the acoustic score 'low' is no fin",
    "a\tnan\tx\t1\n": "line 1: the acoustic score 'nan' is no finite number",
    "a\t-1\tx\t0\n": "no utterance has a true text",
    "a\t-1\tx\t1\na\t-1\ty\t1\n": "utterance 'a' has 2 true texts",
}


@pytest.mark.parametrize("content", BAD)
def test_a_bad_line_is_named(tmp_path, content):
    path = tmp_path / "lists.tsv"
    path.write_text(content)
    with pytest.raises(DataError, match=re.escape(str(path)) + ".*" + BAD[content]):
        read_nbest(path)
