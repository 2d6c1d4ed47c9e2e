"""Can a sentence's words tell who spoke? Logistic regression on TF-IDF, cross-validated.

    Spark("party_model", program="emr_steps/party_model.py",
          input="SELECT text, party, year FROM sentences", produces=Score,
          params={"label": "party", "group": "year", "classes": ["Democratic", "Republican"]})

A spark.ml pipeline (RegexTokenizer, HashingTF, IDF, LogisticRegression) over a grid of
`features` (size of the hashed vocabulary) and `regularization` (L2), by k-fold cross-validation.
The output has a row a fold and grid point:

| column | meaning |
|---|---|
| `features`, `regularization` | the grid point |
| `fold` | 0 to k - 1 |
| `rows` | rows that the model was asked of |
| `score` | the param `metric`: accuracy, or another of MulticlassClassificationEvaluator's |
| `baseline` | accuracy of always saying the commonest label of the fold's training rows |
| `winner` | whether the grid point's mean score is the best |

All rows of one `group` are in one fold: sentences of one speech are alike, and a model that has
seen some of them knows the rest. Params: `text`, `label`, `group` (by default the text itself),
`classes` (labels that count; by default all), `folds` (3), `features` ([4096, 16384]),
`regularization` ([0.001, 0.01]), `metric`, `side_by_side` (models fitted at a time, 2).
"""

from __future__ import annotations

from typing import Any

from pyspark import StorageLevel
from pyspark.ml import Pipeline
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.evaluation import MulticlassClassificationEvaluator
from pyspark.ml.feature import IDF, HashingTF, RegexTokenizer
from pyspark.ml.tuning import CrossValidator, CrossValidatorModel, ParamGridBuilder
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from emr_steps.spark_program import Program, ProgramError, main

PARAMS = (
    *("text", "label", "group", "classes", "folds", "features", "regularization", "metric"),
    "side_by_side",
)
SCHEMA = (
    "features long, regularization double, fold long, rows long, score double, "
    "baseline double, winner boolean"
)


def party_model(program: Program) -> DataFrame:
    """Cross-validate the grid; a row a fold and grid point."""
    program.known(*PARAMS)
    folds = program.param("folds", 3)
    rows = examples(program, folds)
    model = _validated(program, rows, folds)
    return _scores(program, model, rows, folds)


def examples(program: Program, folds: int) -> DataFrame:
    """Read the rows: ``words``, ``label`` (a number) and ``fold``, in one order in one partition.

    Sums of floats depend on their order, and with it a model's last digits. One partition in a
    fixed order has one; the models of the grid are what runs side by side. Folds follow from the
    group's name and the seed, not from where a row lies.
    """
    text, label = program.param("text", "text"), program.param("label", "label")
    group = program.param("group", text)
    told = program.read()
    missing = sorted({text, label, group} - set(told.columns))
    if missing:
        raise ProgramError(
            f"While reading examples, found no column {', '.join(missing)}: the input has "
            f"{', '.join(told.columns)}. Name them by the params text, label and group."
        )
    classes = program.param("classes", []) or sorted(
        r[0] for r in told.select(label).where(F.col(label).isNotNull()).distinct().collect()
    )
    number = F.create_map(*(F.lit(x) for pair in enumerate(classes) for x in reversed(pair)))
    fold = F.pmod(F.xxhash64(F.col(group).cast("string"), F.lit(program.seed)), F.lit(folds))
    whole = told.where(F.col(text).isNotNull() & F.col(label).isin(classes)).select(
        F.col(text).alias("text"),
        number[F.col(label)].cast("double").alias("label"),
        fold.cast("int").alias("fold"),
    )
    words = RegexTokenizer(inputCol="text", outputCol="words", pattern=r"[^\p{L}']+")
    kept = words.transform(whole.repartition(1).sortWithinPartitions("text", "label", "fold"))
    # Each fit of the grid reads the words: without this each would split the texts again.
    kept = kept.drop("text").persist(StorageLevel.MEMORY_AND_DISK)
    program.note("rows", kept.count())
    program.note("rows_of_other_labels", told.count() - int(program.facts["rows"]))
    _check(kept, classes, folds)
    return kept


def _check(rows: DataFrame, classes: list[str], folds: int) -> None:
    found = rows.groupBy("fold").agg(F.countDistinct("label").alias("labels")).collect()
    whole = rows.select("label").distinct().count()
    if len(found) < folds or whole < 2:
        raise ProgramError(
            f"While making {folds} folds of the labels {', '.join(map(str, classes))}, found "
            f"{len(found)} folds with rows and {whole} labels. "
            "Give more groups than folds, and two labels at least."
        )


def _validated(program: Program, rows: DataFrame, folds: int) -> CrossValidatorModel:
    counts = HashingTF(inputCol="words", outputCol="counts")
    weights = IDF(inputCol="counts", outputCol="weights")
    logistic = LogisticRegression(featuresCol="weights", maxIter=50)
    grid = (
        ParamGridBuilder()
        .addGrid(counts.numFeatures, program.param("features", [4096, 16384]))
        .addGrid(logistic.regParam, program.param("regularization", [0.001, 0.01]))
        .build()
    )
    validator = CrossValidator(
        estimator=Pipeline(stages=[counts, weights, logistic]),
        estimatorParamMaps=grid,
        evaluator=_evaluator(program),
        numFolds=folds,
        foldCol="fold",
        seed=program.seed,
        parallelism=program.param("side_by_side", 2),
        collectSubModels=True,
    )
    return validator.fit(rows)


def _evaluator(program: Program) -> MulticlassClassificationEvaluator:
    metric = program.param("metric", "accuracy")
    return MulticlassClassificationEvaluator(metricName=metric)


def _scores(program: Program, model: CrossValidatorModel, rows: DataFrame, folds: int) -> DataFrame:
    """Ask each fold's models again: the validator itself keeps only their means."""
    evaluator = _evaluator(program)
    best = model.avgMetrics.index((max if evaluator.isLargerBetter() else min)(model.avgMetrics))
    every: Any = model.subModels
    made: list[tuple[Any, ...]] = []
    for fold in range(folds):
        asked = rows.where(F.col("fold") == fold).persist(StorageLevel.MEMORY_AND_DISK)
        size, baseline = asked.count(), _baseline(rows.where(F.col("fold") != fold), asked)
        for at, fitted in enumerate(every[fold]):
            counts, _, logistic = fitted.stages
            score = evaluator.evaluate(fitted.transform(asked))
            point = counts.getNumFeatures(), logistic.getRegParam()
            made.append((*point, fold, size, score, baseline, at == best))
        asked.unpersist()
    return program.spark.createDataFrame(made, SCHEMA)


def _baseline(taught: DataFrame, asked: DataFrame) -> float:
    """Share of `asked` that has the commonest label of `taught`."""
    commonest = taught.groupBy("label").count().orderBy(F.desc("count"), "label").first()
    assert commonest is not None  # noqa: S101 (checked before: each fold has rows)
    return asked.where(F.col("label") == commonest["label"]).count() / asked.count()


if __name__ == "__main__":
    main(party_model)
