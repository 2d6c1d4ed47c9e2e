"""A Spark program that does next to nothing, to see what goes on around it."""

import argparse

from pyspark.sql import SparkSession


def main() -> None:
    """Count numbers by their last digit."""
    words = argparse.ArgumentParser()
    for name in ("input", "output", "params"):
        words.add_argument(f"--{name}", required=True)
    given = words.parse_args()
    spark = SparkSession.builder.getOrCreate()
    groups = spark.read.parquet(given.input).selectExpr("n % 10 AS last").groupBy("last").count()
    groups.withColumnRenamed("count", "numbers").write.parquet(given.output)
    spark.stop()


if __name__ == "__main__":
    main()
