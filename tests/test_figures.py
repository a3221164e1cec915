"""Figures, by what is drawn in them."""

import itertools

import numpy as np
import pytest
from matplotlib import image
from matplotlib._pylab_helpers import Gcf
from matplotlib.figure import Figure
from matplotlib.text import Text

from seqjax import figures
from seqjax.data.midi import Note
from seqjax.figures import Panel, text
from seqjax.figures.held import COLUMNS, Coloured, HeldUnits
from seqjax.inspect import RunSummary, Similarity

ODD = [
    "$a_b$",
    "$",
    "_private",
    "שָׁלוֹם",
    "中文",
    "🦖👩\u200d👧",
    "a\nb\t",
    "é—…",
    " ",
    "",
]


def random_history(points, seed=0, every=3):
    """Lines of a run: a loss in all, scores in one of `every` and in the last."""
    rng = np.random.default_rng(seed)
    steps = np.cumsum(rng.integers(1, 17, points)).tolist()
    history = []
    for i, step in enumerate(steps):
        norms = np.sort(rng.gamma(2, size=2))
        line = {"step": step, "loss": 1 + rng.gamma(2)}
        line |= {"grad_norm": norms[0], "grad_norm_max": norms[1]}
        if i % every == every - 1 or i == points - 1:
            line |= {"valid": 1 + rng.gamma(2), "valid_f1": rng.uniform()}
        history.append(line)
    return history


def points_of(history, key):
    return [(line["step"], line[key]) for line in history if key in line]


def lines_of(axes):
    """Lines by their label."""
    return {str(line.get_label()): line for line in axes.lines}


def xy(line):
    """The points of a line."""
    return list(zip(*map(np.ravel, line.get_data()), strict=True))


def legend_of(axes):
    """The rows of a legend, wherever they were wrapped."""
    return [t.get_text().replace("\n", " ") for t in axes.get_legend().get_texts()]


def tick_texts(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def texts_of(figure):
    """What is written outside the axes."""
    yield figure._suptitle
    for axes in figure.axes:
        yield from (axes.xaxis.label, axes.yaxis.label)
        yield from axes.get_legend().get_texts() if axes.get_legend() else ()


SCORES = {"training": "loss", "validation": "valid"}
LOSSES = Panel("nats per letter", SCORES)


@pytest.mark.parametrize("points", [2, 7, 40])
def test_a_learning_curve_is_the_history(tmp_path, points):
    history = random_history(points)
    panels = [LOSSES, Panel("entity F1", {"validation F1": "valid_f1"})]
    figure = figures.learning_curve(tmp_path / "a.png", history, panels, title="a run")
    assert figure.get_suptitle() == "a run"
    above, below = figure.axes
    assert (above.get_ylabel(), below.get_ylabel()) == ("nats per letter", "entity F1")
    assert below.get_xlabel() == "training step"
    for axes, panel in zip(figure.axes, panels, strict=True):
        for label, key in panel.lines.items():
            line = lines_of(axes)[label]
            assert xy(line) == points_of(history, key)
            assert line.get_marker() == "."
        assert legend_of(axes) == list(panel.lines)


def test_a_long_training_loss_is_drawn_light_under_its_moving_average(tmp_path):
    history = random_history(201)
    path = tmp_path / "a.png"
    (axes,) = figures.learning_curve(path, history, [LOSSES], title="").axes
    smooth_label = "training, moving average of 11 points"
    assert legend_of(axes) == ["training", smooth_label, "validation"]
    light, smooth = lines_of(axes)["training"], lines_of(axes)[smooth_label]
    assert xy(light) == points_of(history, "loss")
    assert light.get_alpha() < 0.5 and smooth.get_alpha() is None
    values = [line["loss"] for line in history]
    for i in range(201):
        mean = np.mean(values[max(i - 5, 0) : i + 6])
        np.testing.assert_allclose(xy(smooth)[i], (history[i]["step"], mean))
    assert xy(lines_of(axes)["validation"]) == points_of(history, "valid")


def test_the_best_step_is_marked_with_its_value(tmp_path):
    history = random_history(30)
    step, value = min(points_of(history, "valid"), key=lambda pair: pair[1])
    panels = [LOSSES, Panel("F1", {"F1": "valid_f1"}), Panel("nats", {"train": "loss"})]
    path = tmp_path / "a.png"
    all_axes = figures.learning_curve(
        path, history, panels, title="", best_step=step
    ).axes
    label = f"validation at the best step, {step}: {value:.4g}"
    dot = lines_of(all_axes[0])[label]
    assert xy(dot) == [(step, value)] and dot.get_marker() == "o"
    assert legend_of(all_axes[0]) == ["training", "validation", label]
    f1 = dict(points_of(history, "valid_f1"))[step]
    assert f"F1 at the best step, {step}: {f1:.4g}" in legend_of(all_axes[1])
    assert legend_of(all_axes[2]) == ["train", f"best step: {step}"]
    for axes in all_axes:
        assert [step, step] in [list(line.get_xdata()) for line in axes.lines]


@pytest.mark.parametrize("best_step", [None, 0])
def test_no_best_step_is_no_mark(tmp_path, best_step):
    history = random_history(9)
    figure = figures.learning_curve(
        tmp_path / "a.png", history, [LOSSES], title="", best_step=best_step
    )
    assert legend_of(figure.axes[0]) == ["training", "validation"]
    assert len(figure.axes[0].lines) == 2


@pytest.mark.parametrize("seed", range(8))
def test_a_baseline_is_drawn_unless_it_would_squeeze_the_curves(tmp_path, seed):
    rng, shift = np.random.default_rng(seed), 50 * (seed % 3 - 1)
    history = random_history(12, seed)
    for line in history:
        line.update({k: line[k] + shift for k in SCORES.values() if k in line})
    baselines = {f"b{i}": v for i, v in enumerate(rng.normal(2 + shift, 12, 4))}
    panel = Panel("nats", SCORES, baselines)
    path = tmp_path / "a.png"
    (axes,) = figures.learning_curve(path, history, [panel], title="").axes
    values = [v for key in SCORES.values() for _, v in points_of(history, key)]
    low, high = axes.get_ylim()
    assert low < min(values) and max(values) < high
    reach = 3 * (max(values) - min(values))
    for label, value in baselines.items():
        shown = f"{label}: {value:.4g}"
        if max(values + [value]) - min(values + [value]) <= reach:
            assert set(lines_of(axes)[shown].get_ydata()) == {value}
            assert low < value < high
        else:
            arrow = "↑ above" if value > max(values) else "↓ below"
            assert f"{shown} {arrow} the axis" in legend_of(axes)
            assert not low < value < high


def test_one_evaluation_is_a_marker_with_room_round_it(tmp_path):
    history = [{"step": 40, "loss": 2.9, "valid": 2.7}]
    panels = [
        Panel("nats", SCORES, {"n-gram": 1.6, "uniform": 37.0}),
        Panel("nats", {"validation": "valid"}),
        Panel("nats", {"validation": "valid", "F1": "valid_f1"}),
    ]
    path = tmp_path / "a.png"
    figure = figures.learning_curve(path, history, panels, title="", best_step=40)
    for axes in figure.axes:
        (low, high), (left, right) = axes.get_ylim(), axes.get_xlim()
        assert left == 0 and 40 < right < 50
        assert low < 2.65 and 2.75 < high and high - low < 3
        assert lines_of(axes)["validation"].get_marker() == "."
    assert "n-gram: 1.6" in legend_of(figure.axes[0])
    assert "uniform: 37 ↑ above the axis" in legend_of(figure.axes[0])
    assert "F1: no value yet" in legend_of(figure.axes[2])


@pytest.mark.parametrize("baselines", [{}, {"n-gram": 1.6}])
def test_a_panel_without_a_point_says_so(tmp_path, baselines):
    history = [{"step": 7, "loss": 2.0}]
    panels = [Panel("nats", SCORES), Panel("F1", {"F1": "valid_f1"}, baselines)]
    for lines in history, []:
        figure = figures.learning_curve(tmp_path / "a.png", lines, panels, title="")
        said = [[t.get_text() for t in axes.texts] for axes in figure.axes]
        assert said == [["no evaluation yet"][len(lines) :], ["no evaluation yet"]]
        drawn = [f"{label}: {value:.4g}" for label, value in baselines.items()]
        assert legend_of(figure.axes[1]) == ["F1: no value yet", *drawn]


def test_gradient_norms_are_the_history_on_a_logarithmic_axis(tmp_path):
    history = random_history(30)
    history[4]["grad_norm"] = 0.0
    path = tmp_path / "a.png"
    figure = figures.gradient_norms(path, history, 1.5, title="norms")
    (axes,) = figure.axes
    assert figure.get_suptitle() == "norms" and axes.get_yscale() == "log"
    assert axes.get_xlabel() == "training step"
    assert axes.get_ylabel() == "gradient norm before clipping"
    largest, mean, threshold = legend_of(axes)
    assert largest == "largest of each logged interval"
    assert mean == "mean of each logged interval"
    assert threshold == "clipping threshold: 1.5"
    assert xy(lines_of(axes)[largest]) == points_of(history, "grad_norm_max")
    drawn = points_of([*history[:4], *history[5:]], "grad_norm")
    assert xy(lines_of(axes)[mean]) == drawn
    assert set(lines_of(axes)[threshold].get_ydata()) == {1.5}


def test_gradient_norms_without_a_threshold_a_point_or_a_positive_norm(tmp_path):
    zero = [{"step": 3, "grad_norm": 0.0, "grad_norm_max": 0.0}]
    for history in [], zero:
        figure = figures.gradient_norms(tmp_path / "a.png", history, title="")
        (axes,) = figure.axes
        assert len(legend_of(axes)) == 2
        assert [t.get_text() for t in axes.texts] == ["no gradient norm yet"]


def test_a_heat_map_is_the_states_sorted_by_their_means(tmp_path):
    states = np.random.default_rng(0).normal(size=(7, 5))
    labels = [*"abcdef", "end"]
    figure = figures.heat_map(tmp_path / "a.png", states, labels, title="lstm: states")
    axes, bar = figure.axes
    rows = sorted(states.T.tolist(), key=np.mean)
    assert axes.images[0].get_array().tolist() == rows
    limit = np.abs(states).max()
    assert axes.images[0].get_clim() == (-limit, limit)
    assert tick_texts(axes.xaxis) == labels
    assert axes.get_xlabel() == "token at each step"
    assert axes.get_ylabel() == "unit, sorted by mean activation"
    assert "activation" in bar.get_ylabel() and "red: positive" in bar.get_ylabel()
    assert figure.get_suptitle() == "lstm: states"


def test_of_many_labels_each_stays_at_its_step(tmp_path):
    labels = [f"{i}" for i in range(200)]
    states = np.random.default_rng(0).normal(size=(200, 3))
    axes = figures.heat_map(tmp_path / "a.png", states, labels, title="").axes[0]
    places = axes.get_xticks().tolist()
    assert tick_texts(axes.xaxis) == [f"{place:g}" for place in places]
    assert 50 < len(places) < 100 and places[0] == 0


def test_a_text_has_the_colours_of_its_values(tmp_path):
    rng = np.random.default_rng(0)
    count = COLUMNS + 20
    panel = Coloured(
        "a unit",
        "ab " * 32,
        rng.normal(size=count),
        [True] * 5 + [False] * (count - 5),
        0.3,
    )
    other = panel._replace(values=10 + panel.values, level=9.0)
    figure = figures.coloured_text(
        tmp_path / "a.png", [panel, other], title="t", marked="five"
    )
    assert figure.get_suptitle() == "t; underlined: five"
    for axes, one in zip(figure.axes[:2], (panel, other), strict=True):
        assert "".join(t.get_text() for t in axes.texts) == "ab " * 32
        assert len(axes.lines) == 5
        reds = np.array([p.get_facecolor() for p in axes.patches])
        above = reds[:, 0] > reds[:, 2]
        np.testing.assert_array_equal(above, one.values > one.level)
        row, column = np.divmod(np.arange(count), COLUMNS)
        at = [p.get_xy() for p in axes.patches]
        np.testing.assert_array_equal(at, np.stack([column, row], axis=1))


def test_units_held_are_rows_with_their_numbers(tmp_path):
    values = np.random.default_rng(0).normal(size=(4, 3))
    panel = HeldUnits(
        "gru",
        ["the", "cat", "which", "ate"],
        values,
        [7, 0, 2],
        [False, True, True, True],
    )
    figure = figures.held_units(
        tmp_path / "a.png", [[panel]], title="t", marked="three"
    )
    axes, bar = figure.axes
    np.testing.assert_array_equal(axes.images[0].get_array(), values.T)
    assert tick_texts(axes.yaxis) == ["7", "0", "2"]
    assert tick_texts(axes.xaxis) == panel.words
    assert [p.get_x() for p in axes.patches] == [0.5, 1.5, 2.5]
    assert axes.images[0].get_clim()[1] == np.abs(values).max()
    assert (axes.get_ylabel(), bar.get_ylabel()) == ("unit", "value")
    assert axes.get_xlabel() == "word that was just read"


def test_a_confusion_is_shares_of_each_gold_label(tmp_path):
    counts = np.random.default_rng(0).integers(0, 9999, (4, 4))
    counts[2] = 0
    labels = ["O", "B-PER", "_", "$"]
    figure = figures.confusion(tmp_path / "a.png", counts, labels, title="held-out")
    axes, bar = figure.axes
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("gold", "predicted")
    assert tick_texts(axes.xaxis) == tick_texts(axes.yaxis) == labels
    shares = axes.images[0].get_array()
    np.testing.assert_allclose(shares.sum(axis=1), [1, 1, 0, 1])
    np.testing.assert_allclose(shares * counts.sum(axis=1, keepdims=True), counts)
    cells = {t.get_position(): t.get_text() for t in axes.texts}
    for gold, predicted in itertools.product(range(4), repeat=2):
        count = counts[gold, predicted]
        share = f"{count / counts[gold].sum():.1%}" if gold != 2 else "–"
        assert cells[predicted, gold] == f"{share}\n{count:,}"
    assert bar.get_ylabel() == "share of the\ngold label's examples"
    assert figure.get_suptitle() == "held-out"


def attention_panels(*shapes):
    rng = np.random.default_rng(0)
    for i, (target, source) in enumerate(shapes):
        names = [f"s{i}{j}" for j in range(source)], [f"t{i}{j}" for j in range(target)]
        yield *names, rng.dirichlet(np.ones(source), target)


def test_attention_is_the_weights_of_target_by_source(tmp_path):
    panels = list(attention_panels((3, 5), (7, 2), (90, 100)))
    figure = figures.attention(tmp_path / "a.png", panels, title="weights")
    *all_axes, bar = figure.axes
    for axes, (source, target, weights) in zip(all_axes, panels, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), weights)
        assert axes.images[0].get_clim() == (0, 1)
        assert tick_texts(axes.xaxis) == source[:: 1 + (len(source) > 80)]
        assert tick_texts(axes.yaxis) == target[:: 1 + (len(target) > 80)]
        assert axes.get_xlabel() == "source"
    assert all_axes[0].get_ylabel() == "target"
    assert "attention weight" in bar.get_ylabel()
    assert figure.get_suptitle() == "weights"


def test_curves_are_the_lines_that_are_given(tmp_path):
    rng = np.random.default_rng(0)
    panels = [
        (
            f"x {i}",
            {name: tuple(rng.normal(size=(2, n))) for name in ("a", "_b", "$c$")},
        )
        for i, n in enumerate((2, 9, 70))
    ]
    figure = figures.curves(
        tmp_path / "a.png", panels, "share", title="t", mark={"longest": 0.5}
    )
    assert figure.get_suptitle() == "t"
    for axes, (label, lines) in zip(figure.axes, panels, strict=True):
        assert axes.get_xlabel() == label and axes.get_xscale() == "linear"
        for name, (x, y) in lines.items():
            assert xy(lines_of(axes)[name]) == list(zip(x, y, strict=True))
    assert [axes.get_ylabel() for axes in figure.axes] == ["share", "", ""]
    assert set(lines_of(figure.axes[0])["longest"].get_xdata()) == {0.5}
    assert "longest" not in lines_of(figure.axes[1])
    assert legend_of(figure.axes[2]) == ["a", "_b", "$c$", "longest"]


def test_curves_may_have_a_logarithmic_axis(tmp_path):
    panels = [("weight", {"a": ([0, 0.01, 10], [1, 2, 3])})]
    (axes,) = figures.curves(
        tmp_path / "a.png", panels, "share", title="", logarithmic_from=0.01
    ).axes
    assert axes.get_xscale() == "symlog"
    places = axes.transData.transform([(x, 0) for x in (0.01, 0.1, 1, 10)])[:, 0]
    np.testing.assert_allclose(np.diff(places), np.diff(places)[0])


def summary(name, seed, score=None, flags=()):
    """A run; one that is not finished if it has no score."""
    history = random_history(12, seed)
    best, valid = min(points_of(history, "valid"), key=lambda pair: pair[1])
    result = {"task": "names", "data": "d", "metric": "nats per letter of names"}
    result |= {"score": score, "baseline": 1.5 + seed, "best_step": best}
    result |= {"valid": valid, "lower_is_better": True}
    return RunSummary(
        f"runs/{name}", name, result if score else {}, history, dict(flags)
    )


def test_a_comparison_is_the_validation_curves_and_the_scores(tmp_path):
    runs = [
        summary("a", 1, 1.7, {"cell": "lstm", "seed": "0"}),
        summary("b", 2, None, {"cell": "elman", "seed": "0"}),
        summary("c", 3, 1.6, {"cell": "gru", "seed": "0"}),
    ]
    figure = figures.compare(tmp_path / "a.png", runs, title="runs")
    left, right = figure.axes
    labels = ["cell=gru", "cell=lstm", "cell=elman"]  # best first, unfinished last
    assert legend_of(left) == [*labels, "best step of a run"]
    assert tick_texts(right.yaxis) == labels
    assert left.get_xlabel() == "training step"
    unit = left.get_ylabel().replace("\n", " ")
    assert unit == "validation loss (nats per letter of names)"
    assert left.get_title() == "names, d"
    assert "nats per letter of names, lower is better" in right.get_xlabel()
    dots = [xy(line) for line in left.lines if line.get_marker() == "o"]
    scores = [(line.get_marker(), xy(line)) for line in right.lines]
    for row, run in enumerate((runs[2], runs[0], runs[1])):
        line = lines_of(left)[labels[row]]
        assert xy(line) == points_of(run.history, "valid")
        assert [min(xy(line), key=lambda pair: pair[1])] in dots
        if run.result:
            assert ("o", [(run.result["score"], row)]) in scores
            assert ("|", [(run.result["baseline"], row)]) in scores
    said = {t.get_text() for t in right.texts}
    assert said == {"1.6", "1.7", "no score yet"}
    assert figure.get_suptitle() == "runs"


def test_runs_that_cannot_be_compared_stand_in_rows_of_their_own(tmp_path):
    other = summary("tagger", 4, 0.9)
    other.result.update(task="name_entity", metric="F1", lower_is_better=False)
    runs = [summary("a", 1, 1.5), other, summary("b", 2, 1.6)]
    figure = figures.compare(tmp_path / "a.png", runs, title="")
    above, above_scores, below, below_scores = figure.axes
    assert legend_of(above)[:-1] == ["a", "b"]
    assert legend_of(below)[:-1] == ["tagger"]
    assert "F1, higher is better" in below_scores.get_xlabel()
    assert below.get_ylabel() == "validation loss (lower is better)"  # it is no F1


def test_a_run_without_a_validation_curve_says_so(tmp_path):
    run = summary("rescoring", 1, 0.7)._replace(history=[])
    left, _ = figures.compare(tmp_path / "a.png", [run], title="").axes
    assert [t.get_text() for t in left.texts] == ["no validation score was logged"]


def every_figure(path, words):
    """Each kind of figure, with its labels from words."""
    history = random_history(8)
    name, unit, *_ = words
    panel = Panel(unit, {name: "loss", f"{name}2": "valid"}, {w: 1.0 for w in words})
    step = history[-1]["step"]
    yield figures.learning_curve(path, history, [panel], title=name, best_step=step)
    yield figures.gradient_norms(path, history, 1.0, title=name)
    states = np.random.default_rng(0).normal(size=(len(words), 3))
    yield figures.heat_map(path, states, words, title=name)
    none = [False] * len(words)
    held = HeldUnits(name, words, states, range(3), none)
    yield figures.held_units(path, [[held, held]] * 2, title=name, marked=unit)
    coloured = Coloured(name, words, states[:, 0], none)
    yield figures.coloured_text(path, [coloured], title=name, marked=unit)
    square = np.ones((len(words), len(words)), int)
    yield figures.confusion(path, square, words, title=name)
    yield figures.attention(path, [(words, words, square / len(words))], title=name)
    points = {word: (np.arange(3), states[i]) for i, word in enumerate(words)}
    yield figures.decisions(path, points, name, unit, title=name)
    lines = {word: ([1, 2, 4], [0, i, 2]) for i, word in enumerate(words)}
    yield figures.curves(path, [(name, lines)] * 2, unit, title=name, mark={name: 2})
    runs = [summary(word, i, 1.0 + i, {"cell": word}) for i, word in enumerate(words)]
    yield figures.compare(path, runs, title=name)
    notes = {word: [Note(60 + i, i, 1.5)] for i, word in enumerate(words)}
    chords = [(3.0 * i, word) for i, word in enumerate(words)]
    yield figures.piano_roll(path, notes, title=name, chords=chords)


@pytest.mark.parametrize("words", [ODD, ["_", *ODD[::-1]], ["".join(ODD), "$_$"]])
def test_any_text_can_be_a_label(tmp_path, words):
    path = tmp_path / "a.png"
    for figure in every_figure(path, words):  # a warning would be an error
        texts = [t for t in figure.findobj(Text) if "$" in t.get_text()]
        assert not any(t.get_parse_math() for t in texts)
        assert image.imread(path).ndim == 3


def test_what_no_font_can_draw_is_replaced_and_all_else_is_kept():
    kept = ["$a_b$", "_x", "שָׁלוֹם", "é—…", "★", ""]
    assert list(map(text.readable, kept)) == kept
    assert text.readable("中文 🦖\ufe0f") in ("□□ □", "□□ □\ufe0f")
    assert text.readable("a\nb\tc") == "a⏎b⇥c"
    assert text.tick_labels([" ", "a b", "", "  "]) == ["␣", "a b", "", "␣␣"]
    assert text.tick_labels(["a" * 24, "b" * 25]) == ["a" * 24, "b" * 23 + "…"]


def test_a_font_that_is_installed_draws_what_dejavu_lacks(monkeypatch, tmp_path):
    character = "\u1d81"  # in STIXGeneral, which comes with matplotlib
    assert text.readable(character) == "□"
    caches = text.families, text._glyphs
    try:
        monkeypatch.setattr(text, "FALLBACKS", ("No such font", "STIXGeneral"))
        [cache.cache_clear() for cache in caches]
        assert text.readable(character) == character
        list(every_figure(tmp_path / "a.png", [character, "x"]))
    finally:
        [cache.cache_clear() for cache in caches]


LONG = "a sentence of many words that nobody would put on an axis but that somebody may"


@pytest.mark.parametrize("words", [["a", "nats"], [LONG, LONG + "be", "c"]])
def test_no_text_is_cut_off_by_the_edge(tmp_path, words):
    for figure in every_figure(tmp_path / "a.png", words):
        figure.draw_without_rendering()
        for drawn in texts_of(figure):
            box = drawn.get_window_extent()
            assert box.x0 >= -1 and box.x1 <= figure.bbox.x1 + 1, drawn.get_text()
            assert box.y0 >= -1 and box.y1 <= figure.bbox.y1 + 1, drawn.get_text()


def test_no_figure_is_left_in_pyplot(tmp_path):
    list(every_figure(tmp_path / "a.png", ["a", "b"]))
    assert not Gcf.figs


def test_a_figure_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    figures.gradient_norms(path, random_history(5), title="")
    before = path.read_bytes()

    def fail(self, name, **options):
        name.write_bytes(b"half a fi")
        raise OSError("no space left")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="no space left"):
        figures.gradient_norms(path, random_history(9), title="")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


BAD = {
    "states of other steps": (
        lambda path: figures.heat_map(path, np.ones((3, 2)), ["a", "b"], title=""),
        r"states must be \[2 labels, features\], not of shape \(3, 2\)",
    ),
    "no states": (
        lambda path: figures.heat_map(path, np.ones((0, 2)), [], title=""),
        r"states must be",
    ),
    "counts of other labels": (
        lambda path: figures.confusion(
            path, np.ones((2, 3), int), ["a", "b"], title=""
        ),
        r"counts must be \[2 gold labels, 2 predicted labels\]",
    ),
    "weights the other way round": (
        lambda path: figures.attention(
            path, [(["a"], ["b", "c"], np.ones((1, 2)))], title=""
        ),
        r"weights must be \[2 target tokens, 1 source tokens\]",
    ),
    "no coloured text": (
        lambda path: figures.coloured_text(path, [], title="", marked=""),
        "panel",
    ),
    "values of another text": (
        lambda path: figures.coloured_text(
            path,
            [Coloured("", "abc", np.ones(2), [True] * 3)],
            title="",
            marked="",
        ),
        "2 values for 3",
    ),
    "units without numbers": (
        lambda path: figures.held_units(
            path,
            [[HeldUnits("", ["a"], np.ones((1, 2)), [0], [True])]],
            title="",
            marked="",
        ),
        "2 units for 1",
    ),
    "no sentence": (lambda path: figures.attention(path, [], title=""), "attention"),
    "no panel": (lambda path: figures.curves(path, [], "share", title=""), "curves"),
    "no run": (lambda path: figures.compare(path, [], title=""), "compare"),
    "no note": (lambda path: figures.piano_roll(path, {"a": []}, title=""), "note"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_what_cannot_be_drawn_is_refused(tmp_path, case):
    draw, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        draw(tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_curves_of_several_runs_are_a_mean_in_a_band(tmp_path):
    x, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.1, 0.5], [0.3, 0.9]])
    panels = [("distance", {"lstm": (x, y), "one": (x[0], y[0])})]
    drawn = figures.curves(tmp_path / "a.png", panels, "share", title="runs")
    line, one = drawn.axes[0].lines
    np.testing.assert_allclose(line.get_xydata(), [[2, 0.2], [3, 0.7]])
    np.testing.assert_allclose(one.get_xydata(), [[1, 0.1], [2, 0.5]])
    (band,) = drawn.axes[0].collections
    corners = band.get_paths()[0].vertices
    assert {(2, 0.1), (2, 0.3), (3, 0.5), (3, 0.9)} <= set(map(tuple, corners))


def test_truncation_marks_where_a_line_stays_high(tmp_path):
    steps = np.arange(1, 5)
    rising = Similarity(np.array([0.2, 0.995, 0.9, 0.991]), np.linspace(0.5, 1, 4))
    low = Similarity(np.array([0.2, 0.3, 0.4, 0.5]), np.linspace(0.1, 0.2, 4))
    curves = {"$x_h": {"trained": (steps, rising), "": (steps, low)}, "b": {}}
    path = tmp_path / "a.png"
    figure = figures.truncation(path, curves, title="any")
    cosine, norm = figure.axes
    assert xy(lines_of(cosine)["$x_h, trained"]) == xy_of(steps, rising.cosine)
    assert xy(lines_of(norm)["$x_h, trained"]) == xy_of(steps, rising.norm_ratio)
    assert lines_of(cosine)["$x_h"].get_linestyle() == "--"
    dots = [xy(line) for line in cosine.lines if line.get_marker() == "o"]
    assert dots == [[(4, 0.991)]]
    assert "0.99, a dot where it stays above" in legend_of(norm)
    assert all(axes.get_xlabel() and axes.get_ylabel() for axes in figure.axes)
    assert image.imread(path).shape[2] == 4


def test_a_piano_roll_has_a_box_for_each_note_and_names_for_keys(tmp_path):
    groups = {
        "tone": [Note(60, 0, 1), Note(67, 15.5, 1.5)],
        "other": [Note(61, 1, 0.5), Note(64, 20, 2)],
    }
    chords = [(0, "C7"), (16, "F7")]
    path = tmp_path / "a.png"
    figure = figures.piano_roll(path, groups, title="a solo", chords=chords)
    first, second = figure.axes
    assert legend_of(first) == list(groups)
    for axes in figure.axes:
        boxes = [p for c in axes.collections for p in c.get_paths()]
        corners = sorted(tuple(box.vertices.min(axis=0)) for box in boxes)
        meant = sorted(
            (n.start, n.pitch - 0.45) for notes in groups.values() for n in notes
        )
        np.testing.assert_allclose(corners, meant)
        names = dict(zip(axes.get_yticks(), axes.get_yticklabels(), strict=True))
        assert {k: v.get_text() for k, v in names.items()} == {60: "C4", 64: "E4"}
    assert [t.get_text() for t in first.texts] == ["C7"]
    assert [t.get_text() for t in second.texts] == ["F7"]
    assert first.get_xlim() == (0, 16) and second.get_xlim() == (16, 32)
    assert [t.get_text() for t in second.get_xticklabels()] == list("56789")
    assert second.get_xlabel() == "bar" and second.get_ylabel() == "pitch"


def xy_of(x, y):
    return list(zip(x, y, strict=True))


def test_an_annotation_draws_runs_and_shares(tmp_path):
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(3), 9)[:, :2]
    tracks = {
        "gold": np.array([0, 1, 1, 0, -1, -1, -1, 0, 1]),
        "$x_y$": np.array([1, 1, 0, 0, 0, 0, -1, -1, -1]),
    }
    path = tmp_path / "a.png"
    figure = figures.annotation(path, tracks, shares, 101, title="a genome")
    above, below = figure.axes
    bars = [
        [tuple(p.get_extents().bounds[::2]) for p in bar.get_paths()]
        for bar in above.collections
    ]
    assert bars == [[(102, 2), (109, 1)], [(105, 3)], [(101, 2)], [(107, 3)]]
    assert [label.get_text() for label in above.get_yticklabels()] == list(tracks)
    for area, share, sign in zip(below.collections, shares.T, (1, -1), strict=True):
        points = {tuple(point) for point in area.get_paths()[0].vertices}
        assert {(101 + i, sign * s) for i, s in enumerate(share)} <= points
    assert path.exists() and below.get_xlabel() and below.get_ylabel()
    for wrong in (shares[:-1], shares[:, :1], np.zeros((0, 2))):
        with pytest.raises(ValueError, match="one length"):
            figures.annotation(path, tracks, wrong, title="")
