"""Tables of data sets: found by name, or a file is read; hints say what was meant."""

import re

import pytest

from seqjax.data import DataError, Dataset, Table, read_lines

TABLE = Table(
    "A word a line.",
    read_lines,
    (
        Dataset("letters", lambda: (["a", "b"], 0.5), "CC0-1.0", "here", "Letters."),
        Dataset("numbers", lambda: (["1"], None), "MIT", "here", "A number."),
    ),
)


def test_a_data_set_is_found_by_name_and_the_first_is_the_default():
    assert (
        TABLE.load() == TABLE.load("letters") == (["a", "b"], "letters", "CC0-1.0", 0.5)
    )
    assert TABLE.load("numbers") == (["1"], "numbers", "MIT", None)


def test_an_entry_is_found_without_being_read():
    broken = Dataset("broken", lambda: 1 / 0, "CC0-1.0", "here", "Nothing.")
    table = Table("A word a line.", read_lines, (broken,))
    assert table.entry() is table.entry("broken") is broken
    with pytest.raises(DataError, match="no data set 'broke'"):
        table.entry("broke")


def test_a_file_wins_over_a_data_set(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("one\ntwo\n")
    assert TABLE.load("letters", path) == (["one", "two"], str(path), None, None)


HINTS = {
    "no data set 'leters' (did you mean letters?); there are letters, numbers": (
        {"dataset": "leters"}
    ),
    "no data set 'zzz'; there are letters, numbers": {"dataset": "zzz"},
    "words.txt: this is a file and no data set: use --data, not --dataset": (
        {"dataset": "words.txt"}
    ),
    "numbers: this is a data set and no file: use --dataset, not --data": (
        {"path": "numbers"}
    ),
    "nowhere.txt: No such file": {"path": "nowhere.txt"},
    "no data set '" + "x" * 300: {"dataset": "x" * 300},
}


@pytest.mark.parametrize("message", HINTS)
def test_what_was_meant_is_said(message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.txt").write_text("one\n")
    with pytest.raises(DataError, match=re.escape(message)) as error:
        TABLE.load(**HINTS[message])
    assert "\n" not in str(error.value)


def test_a_file_with_the_name_of_a_data_set_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "numbers").write_text("seven\n")
    assert TABLE.load(path="numbers").examples == ["seven"]
