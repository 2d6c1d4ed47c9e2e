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

#: USD an hour of a node of EMR, by instance type: EC2's price on demand, and EMR's for it. These
#: were not read from the pages on that day: look there before relying on them.
#: https://aws.amazon.com/ec2/pricing/on-demand/, https://aws.amazon.com/emr/pricing/
NODES: Mapping[str, tuple[float, float]] = {
    "m5.xlarge": (0.192, 0.048),
    "m6i.xlarge": (0.192, 0.048),
    "m6g.xlarge": (0.154, 0.0385),
    "c6i.xlarge": (0.170, 0.0425),
    "r6i.xlarge": (0.252, 0.063),
    "g4dn.xlarge": (0.526, 0.1315),
}
