"""What to do about a cause: from an error's name and words to one or two sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A kind of cause: how its error is named, what it says, and what to do.

    In `do`, ``{study}``, ``{stage}`` and ``{run}`` stand for those of the run.
    """

    name: str
    error: str
    message: str
    do: str


RESUME = "Then: headrace run {study} --run {run} --resume"

#: The first one that fits is taken. Names of Step Functions' own errors:
#: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
#: Unhandled errors of Lambda come as Lambda.Unknown or by the sandbox's own names:
#: https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
CASES = (
    Case(
        "stopped by you",
        r"^Stopped$|^Aborted$",
        r"",
        "To take it up where it stopped: headrace run {study} --run {run} --resume",
    ),
    Case(
        "too many items failed",
        r"TooManyFailed",
        r"",
        "Mend what the reasons name and deploy, or raise `tolerate` of stage {stage}. "
        "To do the stage anew: headrace run {study} --run {run} --from {stage}",
    ),
    Case(
        "a later run had the table first",
        r"Superseded",
        r"",
        "Nothing is to be done if the later run is the one you want. To have this one: "
        "headrace run {study} --run {run} --from {stage}",
    ),
    Case(
        "the program did not write to its end",
        r"OutputsError",
        r"no _SUCCESS",
        "Make the program of stage {stage} write all that it has under its output, end with 0 only "
        f"then, and deploy. {RESUME}",
    ),
    Case(
        "what the program wrote is not its table",
        r"OutputsError",
        r"`produces`",
        "Make the program write the columns that `produces` of stage {stage} has, or correct "
        f"`produces`, and deploy. {RESUME}",
    ),
    Case(
        "out of memory on the cluster",
        r"^EMR\.|States\.TaskFailed",
        r"(?i)Container.*(killed|beyond).*memory|OutOfMemoryError|\bMemoryError|physical memory",
        "Choose nodes with more memory (`Cluster(instance=…)`), give stage {stage} more reducers "
        "or its `conf` more spark.executor.memory, or hold less at a time, and deploy. "
        f"{RESUME}",
    ),
    Case(
        "out of memory in the container",
        r"^Batch\.",
        r"OutOfMemory|\bMemoryError|exit 137|SIGKILL|signal 9\b",
        "Raise `memory_mib` of stage {stage}, or hold less at a time, and deploy; somebody may "
        f"have killed it as well. {RESUME}",
    ),
    Case(
        "out of time in the container",
        r"^Batch\.",
        r"(?i)exceeded timeout|timed out|no end after",
        "Look at where its ranks were (headrace why {study} {run} --log): a rank that waits for "
        "what nobody sends goes on for ever. Mend that, or raise `timeout_s` of stage {stage}, "
        f"and deploy. {RESUME}",
    ),
    Case(
        "a host that was taken away",
        r"^Batch\.",
        r"Host EC2",
        "Spot hosts are taken away again and again: wait, or give stage {stage} `spot=False` and "
        f"deploy. {RESUME}",
    ),
    Case(
        "an image that is not there",
        r"^Batch\.",
        r"CannotPull|ResourceInitialization|pull image",
        f"Deploy the study, which builds the image of stage {{stage}}. {RESUME}",
    ),
    Case(
        "a job that Batch does not take",
        r"^Batch\.\w*Exception|JobError",
        r"",
        f"Correct what it names in stage {{stage}}, and deploy. {RESUME}",
    ),
    Case(
        "the program failed in its container",
        r"^Batch\.",
        r"",
        "Mend what it names (headrace why {study} {run} --log has all that it said), and deploy. "
        + RESUME,
    ),
    Case(
        "an input that is not there",
        r"^EMR\.|NothingThere",
        r"Input (path|Pattern)|Path does not exist|no bytes under s3://",
        f"Bring what stage {{stage}} reads to where it looks, or correct its path. {RESUME}",
    ),
    Case(
        "an output that is there already",
        r"^EMR\.",
        r"(?i)already exists",
        "Something else writes where the stage does, or its step was added twice. "
        "To do the stage anew: headrace run {study} --run {run} --from {stage}",
    ),
    Case(
        "the cluster ended too soon, or could not be made",
        r"^EMR\.Cluster|EmrException|ElasticMapReduce|^EMR\.Step\.(CANCELLED|INTERRUPTED)",
        r"",
        "Look at what EMR says: a quota, an instance type that the zone lacks, or somebody who "
        f"ended it. Mend that, or choose another `Cluster(instance=…)` and deploy. {RESUME}",
    ),
    Case(
        "the program failed on the cluster",
        r"^EMR\.Step",
        r"",
        f"Mend the program of stage {{stage}} and deploy. {RESUME}",
    ),
    Case(
        "the batches of the stage don't fit together",
        r"OutputsError|ChangedError",
        r"",
        "To do the stage anew: headrace run {study} --run {run} --from {stage}",
    ),
    Case(
        "nothing to read yet",
        r"NothingThere",
        r"",
        "Push records, or run the stage that makes the table, and start a new run: "
        "headrace run {study}",
    ),
    Case(
        "does not fit",
        r"DoesNotFit",
        r"",
        "Give the function of stage {stage} what the figures ask for, or make its items smaller, "
        f"and deploy. {RESUME}",
    ),
    Case(
        "every probed item failed",
        r"EveryProbeFailed",
        r"",
        "Mend the function of stage {stage} (headrace.testing.run_stage tries it on this machine) "
        f"and deploy. {RESUME}",
    ),
    Case(
        "SQL: a table that is not there",
        r"Athena|QueryFailed",
        r"TABLE_NOT_FOUND|Table .* does not exist|SCHEMA_NOT_FOUND|CATALOG_NOT_FOUND",
        f"Correct the table's name in the SQL of stage {{stage}} and deploy. {RESUME}",
    ),
    Case(
        "SQL: a column that is not there",
        r"Athena|QueryFailed",
        r"COLUMN_NOT_FOUND|Column .* cannot be resolved|Referenced column",
        "Correct the column's name in the SQL of stage {stage} and deploy; "
        f"`headrace plan {{study}}` lists the columns. {RESUME}",
    ),
    Case(
        "SQL: a value that does not fit",
        r"Athena|QueryFailed",
        r"TYPE_MISMATCH|INVALID_CAST_ARGUMENT|Cannot cast|Conversion Error|FUNCTION_NOT_FOUND"
        r"|DIVISION_BY_ZERO|Division by zero",
        "Correct the SQL of stage {stage}, as with TRY or TRY_CAST where a value may not fit, "
        f"and deploy. {RESUME}",
    ),
    Case(
        "SQL: more is read than the study allows",
        r"Athena|QueryFailed",
        r"[Bb]ytes scanned limit|Query cancelled! : Bytes",
        "Read fewer columns or rows in stage {stage}, or raise `scan_limit_mib` of the study, "
        f"and deploy. {RESUME}",
    ),
    Case(
        "SQL: can't be read",
        r"Athena|QueryFailed",
        r"SYNTAX_ERROR|[Ss]yntax|mismatched input|[Pp]arse|extraneous input",
        f"Correct the SQL of stage {{stage}} and deploy. {RESUME}",
    ),
    Case(
        "a query failed",
        r"Athena|QueryFailed",
        r"",
        f"Try its SQL alone with `headrace query {{study}}`, correct it and deploy. {RESUME}",
    ),
    Case(
        "too many calls at a time",
        r"TooManyRequests|Throttl|ThrottlingException|Lambda\.ReservedFunction",
        r"",
        "The account allows fewer functions at a time than the run asks for. Lower `concurrency` "
        f"of the Map stages and deploy, or wait. {RESUME}",
    ),
    Case(
        "out of memory",
        r"OutOfMemory|MemoryError|Runtime\.ExitError|Lambda\.Unknown",
        r"(?i)out of memory|MemoryError|exceeded .*memory",
        f"Raise `memory_mib` of the function, or make items smaller, and deploy. {RESUME}",
    ),
    Case(
        "out of memory",
        r"OutOfMemory|^MemoryError$",
        r"",
        f"Raise `memory_mib` of the function, or make items smaller, and deploy. {RESUME}",
    ),
    Case(
        "out of time",
        r"Timedout|Timeout|TimedOut|Lambda\.Unknown|States\.TaskFailed",
        r"(?i)timed out|timeout",
        "Give the function more time (`timeout_s`, at most 900), or smaller batches "
        f"(`batch_items`), and deploy. {RESUME}",
    ),
    Case(
        "out of time",
        r"Timedout|Timeout|TimedOut",
        r"",
        "Give the function more time (`timeout_s`, at most 900), or smaller batches "
        f"(`batch_items`), and deploy. {RESUME}",
    ),
    Case(
        "the function's process ended",
        r"Runtime\.|Extension\.",
        r"(?i)signal|exit status|Runtime exited",
        "Something ended the function's process: an exit in its code or a library's crash. Its log "
        f"(headrace why {{study}} {{run}} --log) has its last words. {RESUME}",
    ),
    Case(
        "a package or a module that is not there",
        r"ImportModuleError|ModuleNotFoundError|ImportError",
        r"",
        "Name what it imports in studies/{package}/requirements.in, run `make lock`, and deploy. "
        + RESUME,
    ),
    Case(
        "not allowed",
        r"AccessDenied|AccessDeniedException|NotAuthorized|Forbidden",
        r"",
        "Let the stage read what it names (`reads` of a Map, a bucket of the account's own) and "
        f"deploy. {RESUME}",
    ),
    Case(
        "one table, two writers",
        r"CommitFailed|ConcurrentModification|CommitStateUnknown",
        r"",
        f"Let nothing else write the table meanwhile. {RESUME}",
    ),
)
OTHER = Case("an error of the function", "", "", f"Mend what it names, and deploy. {RESUME}")


def case_of(error: str, message: str) -> Case:
    """The case that an error is."""
    for case in CASES:
        if re.search(case.error, error) and re.search(case.message, message):
            return case
    return OTHER
