"""Each experiment trained once, for all tests that look at what it left.

A test that takes `trained` belongs to the group of its experiment, `uses`, so that one
process makes the run and the others need none. Any other belongs to that of its file.
"""

import pathlib
import shutil
from typing import NamedTuple

import numpy as np
import pytest
from processes import ROOT, result_of

PRESETS = ROOT / "experiments"
NEEDS = {"rescoring": "language_model"}
BESIDE = {**NEEDS, "sweep": "names"}  # another run that their tests look at


class Trained(NamedTuple):
    """A finished run."""

    folder: pathlib.Path  # of its data; --workdir=run lies below
    result: dict


def uses(name, *arguments):
    """Marks a test, or arguments of one, that looks at the run of this name."""
    experiment = name.split()[0]
    group = pytest.mark.xdist_group(f"trained-{BESIDE.get(experiment, experiment)}")
    return pytest.param(*arguments, marks=group) if arguments else group


def smoke(experiment):
    """The preset that makes a run last for seconds, if there is one."""
    path = PRESETS / experiment / "presets" / "smoke.txt"
    return [f"--flagfile={path}"] if path.exists() else []


def copy_of(trained, folder):
    """A folder like that of a run, to be changed."""
    shutil.copytree(trained.folder, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Gives the run of a name, EXPERIMENT or EXPERIMENT VARIANT."""
    runs = {}

    def get(name):
        if name not in runs:
            experiment = name.split()[0]
            folder = tmp_path_factory.mktemp(name.replace(" ", "-"))
            flags = list(RUNS[name](folder)) if name in RUNS else smoke(experiment)
            if experiment in NEEDS:
                flags.append(f"--model={get(NEEDS[experiment]).folder / 'run'}")
            result = result_of(experiment, *flags, "--workdir=run", cwd=folder)
            runs[name] = Trained(folder, result)
        return runs[name]

    return get


def _language_model(*flags):
    def write(folder):
        lines = "the cat was full\nthe cats were full\nthe apple and the pear\n"
        (folder / "text.txt").write_text(lines * 40)
        yield from ("--data=text.txt", "--steps=60", "--batch_size=4", "--orders=2")
        yield from ("--features=16", "--bptt=16", "--learning_rate=0.01", *flags)

    return write


def _rescoring(folder):
    pair, pear = "the apple and the pair", "the apple and the pear"
    lists = (f"{i}\t0.5\t{pair}\t0\n{i}\t0\t{pear}\t1\n" for i in range(8))
    (folder / "lists.tsv").write_text("".join(lists))
    return ["--data=lists.tsv"]


def _name_entity(*flags):
    """Teddy is a name before Roosevelt, and none before bears."""

    def write(folder):
        sentences = [
            ("He said , Teddy Roosevelt was a great president .", "NNNYYNNNNN"),
            ("He said , Teddy bears are on sale !", "NNNNNNNNN"),
            ("Anna Miller sang .", "YYNN"),
        ]
        blocks = []
        for i in range(90):
            words, tags = sentences[i % 3]
            pairs = zip([*words.split(), f"n{i}"], [*tags, "N"], strict=True)
            lines = (f"{w} {'O' if tag == 'N' else 'B-PER'}\n" for w, tag in pairs)
            blocks.append("".join(lines))
        (folder / "tagged.txt").write_text("\n".join(blocks))
        yield from ("--data=tagged.txt", "--tags=binary", "--features=16")
        yield from ("--buckets=1", "--learning_rate=0.02", *flags)

    return write


def _sentiment(*flags):
    def write(folder):
        opinions = (("good", 5), ("bad", 1))
        rows = (f"{t} film {i},{stars}\n" for i in range(30) for t, stars in opinions)
        (folder / "reviews.csv").write_text("text,stars\n" + "".join(rows))
        yield from ("--data=reviews.csv", "--steps=40", "--features=8")
        yield from ("--buckets=1", "--learning_rate=0.02", *flags)

    return write


def _translation(folder):
    """The second and the third of four words change places."""
    words = [f"{a}{b}" for a in "bdfg" for b in "aeiou"]
    pairs = (
        (f"{w} {v} {w} {w}", f"{w} {w} {v} {w}") for w in words for v in words[::2]
    )
    lines = "".join(f"{source}\t{target.upper()}\n" for source, target in pairs)
    rare = "".join(f"{a}{b}\t{a}{b}\n" for a in "pqrstvwxyz" for b in "aeiou")
    (folder / "pairs.tsv").write_text(lines + rare)
    yield from ("--data=pairs.tsv", "--steps=100", "--features=32", "--embedding=32")
    yield from ("--learning_rate=0.02", "--vocabulary=20", "--dropout=0")
    yield from ("--buckets=1", "--attention=multiplicative")


def _speaker(folder):
    """Sixteen high and low voices, four sounds each, as WAV files."""
    from scipy.io import wavfile

    from experiments.speaker.voices import synthetic

    (folder / "voices").mkdir()
    clips, _ = synthetic(voices=16, each=4)
    for i, clip in enumerate(clips.clips):
        name = f"{clip.label}_{clip.speaker}_{i}.wav"
        wavfile.write(folder / "voices" / name, clips.rate, clip.sound)
    yield from ("--data=voices", "--steps=60", "--features=8", "--stack=4")
    yield from ("--learning_rate=0.02", "--eval_every=30")


def _videos(folder):
    """Some of the generator's videos, as an array."""
    from experiments.video_activity.shapes import synthetic

    videos, _ = synthetic(videos=120)
    frames = np.zeros((120, 20, *videos[0].frames.shape[1:3]))
    for row, video in zip(frames, videos, strict=True):
        row[: len(video.frames)] = video.frames[..., 0]
    lengths = [len(video.frames) for video in videos]
    labels = [video.label for video in videos]
    arrays = {"frames": frames, "labels": labels, "lengths": lengths}
    np.savez(folder / "videos.npz", **arrays)
    yield from ("--data=videos.npz", "--steps=4", "--features=6", "--channels=3,4")


def _dna(folder):
    """Genes of one codon and its synonyms, on both strands, between other bases."""
    rng = np.random.default_rng(0)

    def gene():
        middle = "".join(rng.choice(["GCC", "GCG"], rng.integers(20, 40)))
        return f"ATG{middle}TAA"

    other = str.maketrans("ACGT", "TGCA")
    records = []
    for i in range(3):
        text, marks = "", ""
        for _ in range(12):
            between = "".join(rng.choice(list("ACGT"), rng.integers(20, 60)))
            one, strand = gene(), rng.integers(2)
            text += between + (one.translate(other)[::-1] if strand else one)
            marks += "." * len(between) + "+-"[strand] * len(one)
        records.append(f">genome{i}\n{text}\n{marks}\n")
    (folder / "genomes.fasta").write_text("".join(records))
    yield from ("--data=genomes.fasta", "--steps=60", "--features=8", "--window=40")
    yield from ("--learning_rate=0.02", "--batch_size=16", "--eval_every=30")


def _dna_class(folder):
    """The letters in the middle say what it is."""
    rng = np.random.default_rng(0)
    lines = []
    for i in range(200):
        kind = i % 2
        flanks = ["".join(rng.choice(list("ACGT"), 8)) for _ in range(2)]
        lines.append(
            f"{['yes', 'no'][kind]}\t{['GTAAG', 'CCNCC'][kind].join(flanks)}\n"
        )
    (folder / "sequences.tsv").write_text("".join(lines))
    yield from ("--target=class", "--data=sequences.tsv", "--steps=60")
    yield from ("--features=8", "--learning_rate=0.02", "--eval_every=30")


def _speech(folder):
    yield from smoke("speech_recognition")
    yield from ("--streaming", "--nobidirectional", "--deltas=0", "--noise=0")


def _names(folder):
    del folder
    yield from (*smoke("names"), "--dtype=bfloat16")


def _image_classification(folder):
    del folder
    yield from ("--dataset=synthetic", "--steps=120", "--features=24", "--dropout=0")
    yield from ("--warp=0.2", "--learning_rate=0.02", "--cell=gru", "--average=0")


RUNS = {
    "names bfloat16": _names,
    "image_classification": _image_classification,
    "speech_recognition": _speech,
    "language_model": _language_model("--level=char"),
    "language_model word": _language_model("--level=word"),
    "language_model sentences": _language_model("--sentences"),
    "rescoring": _rescoring,
    "name_entity": _name_entity("--steps=80", "--dropout=0"),
    "name_entity forward": _name_entity("--steps=4", "--nobidirectional"),
    "sentiment": _sentiment(),
    "sentiment binary": _sentiment("--classes=binary"),
    "translation": _translation,
    "speaker": _speaker,
    "video_activity": _videos,
    "dna": _dna,
    "dna class": _dna_class,
}
