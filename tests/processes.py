"""Experiments as processes that begin with everything imported: forks of a server.

A process proves what the command line does (exit codes, signals, what is printed), and
to import JAX anew for each would take most of its time.
"""

import contextlib
import json
import multiprocessing
import os
import pathlib
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from multiprocessing import forkserver
from typing import Any

ROOT = pathlib.Path(__file__).parent.parent
ENVIRONMENT = {"PYTHONPATH": str(ROOT)}
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.preloaded"])


class Running:
    """An experiment, begun in a folder; modules of `path` can be imported in it."""

    def __init__(
        self,
        module: str,
        *flags: object,
        cwd: pathlib.Path,
        path: pathlib.Path | None = None,
    ):
        self._folder = tempfile.TemporaryDirectory()
        files = [os.path.join(self._folder.name, name) for name in ("out", "err")]
        _serve()
        where = str(cwd), path and str(path)
        arguments = (module, [str(flag) for flag in flags], *where, *files)
        self.process = _CONTEXT.Process(target=_run, args=arguments)
        self._files = self.printed, self.complained = files
        for file in files:
            pathlib.Path(file).touch()
        self.process.start()

    def finish(self, timeout: float = 300) -> tuple[int, str, str]:
        """Waits; exit status, output and errors."""
        self.process.join(timeout)
        if self.process.exitcode is None:
            self.process.kill()
            raise TimeoutError
        out, err = (pathlib.Path(path).read_text("utf-8") for path in self._files)
        self._folder.cleanup()
        return self.process.exitcode, out, err


def run(experiment: str, *flags: object, **where: Any) -> tuple[int, str, str]:
    """Exit status, output and errors of an experiment, begun like `Running`."""
    return Running(f"experiments.{experiment}", *flags, **where).finish()


def run_copy(
    root: pathlib.Path, module: str, *flags: object, **environment: str
) -> tuple[int, str, str]:
    """The same of a copy of the project, which no server has imported."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, flags)],
        cwd=root,
        env={**os.environ, **ENVIRONMENT, "PYTHONPATH": str(root), **environment},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


def wait_for_lines(process, path, count):
    """Waits until a process has written so many lines, or ends."""
    deadline = time.monotonic() + 120
    while process.is_alive():
        if path.exists() and len(path.read_text().splitlines()) >= count:
            return
        assert time.monotonic() < deadline
        time.sleep(0.005)


def result_of(experiment: str, *flags: object, cwd: pathlib.Path) -> dict:
    """The result, as printed, of an experiment that goes well."""
    code, out, err = run(experiment, *flags, cwd=cwd)
    assert code == 0, err
    return json.loads(out.splitlines()[-1])


def heed_signals() -> None:
    """Undoes that whoever began the tests has signals ignored, as nohup has."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _serve() -> None:
    """Starts the server, once, with the environment of its children."""
    before = dict(os.environ)
    os.environ.update(ENVIRONMENT)
    try:
        forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)


def _run(
    module: str, flags: list[str], cwd: str, path: str | None, out: str, err: str
) -> None:
    heed_signals()
    for file, number in ((out, 1), (err, 2)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    if path:
        sys.path.append(path)
    os.chdir(cwd)
    sys.stdin = open(os.devnull)
    sys.argv = [module, *flags]
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else bool(stop.code)
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    sys.exit(code)
