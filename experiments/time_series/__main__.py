"""What comes next in a time series, and how sure is that? Many to many, ahead.

    python -m experiments.time_series
    python -m experiments.time_series --flagfile=experiments/time_series/presets/co2.txt
    python -m experiments.time_series --dataset=macrodata --variables=unemp,infl
    python -m experiments.time_series --data=sales.csv --variables=sold --horizon=7
    python -m experiments.time_series --mode=forecast --workdir=runs/sales \\
        --data=sales.csv

Several small networks read a series step by step: how far each value is from what a
simple forecast expected, whether there is a value, the time since the last one, and the
calendar. They give quantiles of the steps ahead, whose mean is the forecast. The last
15 % of the steps are the test, in which the origin walks forward step by step, and the
15 % before them choose the simple forecast, when to stop, and the baselines; then all
learn from both. Beside the network stand naive and seasonal naive forecasts,
exponential smoothing and ARIMA, whose parameters are fitted once to all that comes
before the test and whose states are then updated up to each origin.

Writes figures/fan.png, horizon.png, coverage.png and loss.png, forecasts.tsv,
result.json, and the model that --mode=forecast and seqjax.load ask.
"""

from typing import Any

from absl import flags

from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.errors import UsageError
from experiments.shared.run import load_model
from experiments.time_series.data import TABLE, parts
from experiments.time_series.model import Split
from experiments.time_series.pictures import draw
from experiments.time_series.report import as_table, judge_of, report, rivals
from experiments.time_series.settings import load
from experiments.time_series.training import learn
from seqjax import predict
from seqjax.data import read_variables
from seqjax.extras import library

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    cell="gru",
    features=16,
    buckets=1,
    steps=400,
    batch_size=16,
    learning_rate=3e-3,
    schedule="cosine",
    clip_norm=1.0,
    eval_every=50,
)
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "forecast"],
    "train: makes a model. forecast: the one in --workdir goes on with --data.",
)
flags.DEFINE_integer(
    "horizon", 0, "Steps ahead; 0: as the data set has it, or about a season.", 0
)
flags.DEFINE_list("variables", [], "Columns to forecast, parted by commas.")
flags.DEFINE_list(
    "season",
    [],
    "Steps of a season, or of several, parted by commas; 1 for none. As the data set "
    "has it, or as it is found, if not given.",
)
flags.DEFINE_list(
    "quantiles",
    ["0.025", "0.1", "0.25", "0.5", "0.75", "0.9", "0.975"],
    "Levels of the quantiles, parted by commas, 0.5 in their middle.",
)
flags.DEFINE_enum(
    "form",
    "as it is",
    ["as it is", "none", "sqrt", "log"],
    "What is modelled: values, their roots, or their logarithms; as it is: as the data "
    "set has it.",
)
flags.DEFINE_enum(
    "corrects",
    "auto",
    ["auto", "mean", "level", "season"],
    "Which simple forecast the network corrects: a mean, a smoothed level or a "
    "smoothed season, each about the calendar or not; auto: the best of all where it "
    "chooses.",
)
flags.DEFINE_integer(
    "start",
    0,
    "For --mode=forecast: steps from the first value that the model learned from to "
    "the first of --data, by which it knows the season.",
)
flags.DEFINE_integer("members", 5, "Networks whose quantiles are averaged.", 1, 1000)
flags.DEFINE_integer(
    "lags",
    0,
    "Last errors that a linear autoregression beside the networks reads; 0 for none.",
    0,
)
flags.DEFINE_integer("window", 96, "Steps of a stretch to learn from.", 4)
flags.DEFINE_float("dropout", 0.0, "Share of inputs and outputs dropped.", 0.0, 0.99)


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, baselines, figures, result."""
    library("statsmodels.tsa.api", "series")
    source, series = load(options)
    split = Split(*parts(len(series.values)), len(series.values))
    judge = judge_of(series, split, options.quantiles, test=True)
    run, result, predictor = learn(options, source, series, split)
    run.save(predictor)
    found = predictor.walk(series.values)[judge.origins]
    others = rivals(series, split, predictor)
    draw(run, result, series, judge, found, others)
    run.write("forecasts.tsv", as_table(series, judge, found))
    return report(run, result, judge, found, others)


def forecast(options: Any) -> None:
    """Prints the quantiles of the steps after the last one of --data."""
    if not options.data:
        raise UsageError("--data: name a CSV file, from whose end on to forecast")
    model = load_model(options.workdir, predict.ForecastPredictor)
    values = read_variables(options.data, model.names).values
    try:
        found = model.forecast(values, start=options.start)
    except ValueError as error:
        raise UsageError(f"--data={options.data}: {error}") from None
    print("ahead", "variable", *found.levels, sep="\t")
    for h, row in enumerate(found.quantiles, 1):
        for name, quantiles in zip(model.names, row, strict=True):
            print(h, name, *(f"{x:.6g}" for x in quantiles), sep="\t")


if __name__ == "__main__":
    cli.run(train, forecast=forecast, uses={"forecast": "data start"})
