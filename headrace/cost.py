"""List prices, and what a stage of a run costs by them.

USD in us-east-1, read on 22 November 2026; another region's differ by up to a third. On a laptop
nothing is billed: the figure says what the same stage would cost on AWS.
"""

from __future__ import annotations

from collections.abc import Mapping

#: By unit. Deployed with the functions that write the ``runs`` table.
PRICES: Mapping[str, float] = {
    # https://aws.amazon.com/athena/pricing/: at least 10 MB a query, per TB (10^12 bytes) scanned
    "athena_tb": 5.0,
    "athena_least_bytes": 10e6,
    # https://aws.amazon.com/lambda/pricing/: arm64, first tier
    "lambda_gb_s": 0.0000133334,
    "lambda_request": 0.20 / 1e6,
    # https://aws.amazon.com/step-functions/pricing/: standard workflows
    "state_transition": 0.025 / 1e3,
    # https://aws.amazon.com/s3/pricing/
    "s3_put": 0.005 / 1e3,
    "s3_get": 0.0004 / 1e3,
}
