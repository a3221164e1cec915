"""Compiled programs are kept for other processes, whatever becomes of their folder."""

import errno
import hashlib
import os

import jax
import platformdirs
import pytest
from jax.experimental.compilation_cache import compilation_cache as jax_cache
from processes import Running, run
from trained import uses

from seqjax.train import compilation_cache
from seqjax.train.compilation_cache import Programs


def sound(path):
    raw = path.read_bytes()
    return raw[:32] == hashlib.sha256(raw[32:]).digest()


SCRIPT = """
import sys
import jax
from seqjax.train import use_compilation_cache
use_compilation_cache(sys.argv[1])
print(jax.jit(lambda x: (x @ x).sum())(jax.numpy.arange(36.0).reshape(6, 6)))
"""


def test_processes_share_programs(tmp_path):
    """Two at once, one after them, one that finds them damaged, one with no folder."""
    kept, file = tmp_path / "kept", tmp_path / "file"
    file.touch()
    (tmp_path / "script.py").write_text(SCRIPT)

    def begin(folder):
        return Running("script", folder, cwd=tmp_path, path=tmp_path)

    (code, out, err), other = [one.finish() for one in (begin(kept), begin(kept))]
    assert (code, err) == (0, "") and other == (0, out, ""), err
    programs = [path for path in kept.rglob("*") if path.is_file()]
    assert len(programs) > 1
    assert all(path.suffix == ".program" and sound(path) for path in programs)
    for path in programs:
        os.utime(path, (0, 0))
    assert begin(kept).finish() == (0, out, "")
    assert all(path.stat().st_mtime > 0 for path in programs), "each was read"
    for i, path in enumerate(programs):
        raw = bytearray(path.read_bytes())
        raw[(i + 1) * 40 % len(raw)] ^= 1
        path.write_bytes(raw if i % 2 else raw[:-9])
    assert begin(kept).finish() == (0, out, "")
    assert sorted(kept.rglob("*.program")) == sorted(programs)
    assert all(map(sound, programs)), "each was compiled anew"
    code, unkept, err = begin(file / "below").finish()
    assert (code, unkept, err.count("Warning:")) == (0, out, 1), err
    assert "compiled programs cannot be kept here: Not a directory" in err


@uses("names")
def test_experiments_keep_programs_where_they_are_told(trained, tmp_path):
    flags = ["--mode=sample", "--samples=3", f"--workdir={trained('names').folder}/run"]
    told = run("names", *flags, "--compilation_cache=kept", cwd=tmp_path)
    programs = list((tmp_path / "kept").rglob("*.program"))
    assert told[0] == 0 and len(programs) > 3 and all(map(sound, programs)), told
    (tmp_path / "file").touch()
    code, out, err = run(
        "names", *flags, "--compilation_cache=file/below", cwd=tmp_path
    )
    assert (code, out) == told[:2]
    assert err.startswith("warning: ") and len(err.splitlines()) == 1, err


def test_a_full_disk_is_said_once_and_leaves_nothing_half_written(
    tmp_path, monkeypatch
):
    programs = Programs(tmp_path)
    programs.put("a", b"first")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.warns(UserWarning, match="cannot be kept here: No space") as said:
            programs.put("b", b"second")
            programs.put("c", b"third")
    assert len(said) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.program"]
    assert programs.get("a") == b"first" and programs.get("b") is None


def test_programs_that_jax_refuses_are_not_offered_again(tmp_path, restored):
    programs = Programs(tmp_path)
    programs.put("a", b"first")
    programs.put("b", b"second")
    assert programs.get("a") == b"first"
    programs.put("a", b"compiled again, so it was refused")
    assert programs.get("b") is None
    before = jax.config.jax_compilation_cache_dir
    folder = tmp_path.rename(tmp_path.parent / compilation_cache._processor()).parent
    compilation_cache.use_compilation_cache(folder)
    assert jax.config.jax_compilation_cache_dir == before


def test_what_was_not_used_for_longest_is_deleted(tmp_path, monkeypatch):
    here = tmp_path / "processor"
    for i, name in enumerate("abcdef"):
        Programs(here).put(name, bytes(10))  # 42 bytes with its digest
        os.utime(here / f"{name}.program", (i, i))
    assert Programs(here).get("b") is not None, "which is a use"
    monkeypatch.setattr(compilation_cache, "BYTES", 6 * 42)
    compilation_cache._delete_oldest(tmp_path)
    assert len(list(here.iterdir())) == 6
    monkeypatch.setattr(compilation_cache, "BYTES", 5 * 42)
    compilation_cache._delete_oldest(tmp_path)
    assert sorted(path.stem for path in here.iterdir()) == ["b", "f"]


@pytest.fixture
def restored():
    """JAX's settings are left as they were."""
    names = (
        "jax_compilation_cache_dir",
        "jax_enable_compilation_cache",
        "jax_persistent_cache_min_compile_time_secs",
    )
    before = {name: getattr(jax.config, name) for name in names}
    yield
    for name, value in before.items():
        jax.config.update(name, value)
    jax_cache.reset_cache()


def test_where_jax_was_told_before_stays(tmp_path, restored, monkeypatch):
    before = jax.config.jax_compilation_cache_dir
    compilation_cache.use_compilation_cache()
    assert before and jax.config.jax_compilation_cache_dir == before
    compilation_cache.use_compilation_cache(tmp_path / "other")
    jax.jit(lambda x: x * 3 + 41)(2.0)
    assert list((tmp_path / "other").rglob("*.program")), "JAX asks our files"
    jax.config.update("jax_compilation_cache_dir", None)
    home = tmp_path / "home"
    monkeypatch.setattr(platformdirs, "user_cache_path", home.joinpath)
    compilation_cache.use_compilation_cache()
    jax.jit(lambda x: x * 5 + 43)(2.0)
    assert list((home / "seqjax" / "programs").rglob("*.program"))
