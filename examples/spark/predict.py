"""Prediction at scale: a spark.ml pipeline, taught on one part and asked about another.

    python -m examples.spark.predict

The notes' chapter is called analysis *and prediction*, and prints no model. What such listings
mostly do wrong: they score the rows that the model was taught on, and split at random without a
seed (and even with one, Spark's split depends on the partitions). Here the part follows from the
row's own name.
"""

from __future__ import annotations

from pyspark.ml import Pipeline
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812


def voters(spark: SparkSession, n: int = 400) -> DataFrame:
    """People made up: who is older and reads more votes more, with noise keyed by the person."""
    ids = spark.range(n)
    noise = (F.pmod(F.xxhash64("id"), F.lit(1000)) - 500) / 500.0
    age, reads = 18 + F.col("id") % 60, F.pmod(F.xxhash64("id", F.lit("reads")), F.lit(8))
    votes = (age / 20 + reads / 2 + 1.5 * noise > 4).cast("double")
    return ids.select("id", age.alias("age"), reads.alias("reads"), votes.alias("label"))


def area_under_curve(people: DataFrame) -> float:
    """Teach on three quarters of the people, and give the area under the ROC curve of the rest."""
    asked = F.pmod(F.xxhash64("id", F.lit("part")), F.lit(4)) == 0
    features = VectorAssembler(inputCols=["age", "reads"], outputCol="features")
    model = Pipeline(stages=[features, LogisticRegression()]).fit(people.where(~asked))
    return float(BinaryClassificationEvaluator().evaluate(model.transform(people.where(asked))))


def main(spark: SparkSession) -> None:
    """Print how well the model tells voters."""
    print(f"area under the curve {area_under_curve(voters(spark)):.3f}")


if __name__ == "__main__":
    main(SparkSession.builder.getOrCreate())
