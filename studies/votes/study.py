"""Whom do Wikipedia's editors trust: the votes on adminship, as a graph."""

from dataclasses import dataclass

from headrace.study import Query, Spark, Study


@dataclass(frozen=True)
class Editor:
    """One editor who voted or was voted on."""

    vertex: int  # the editor's number in the file
    in_degree: int  # votes received
    out_degree: int  # votes cast
    pagerank: float  # sums to 1 over all editors
    component: int  # smallest editor of the weakly connected component
    strong_component: int  # smallest editor of the strongly connected component
    triangles: int  # of editors joined by votes, whichever way


study = Study(
    name="votes",
    question="Whose word counts among Wikipedia's editors: who is voted for by those voted for?",
    seed=25,
    stages=[
        Spark(
            "editors",
            program="emr_steps/graph.py",
            input="s3://{lake}/files/votes/",
            produces=Editor,
            params={
                "format": "edges",
                "integers": True,
                "measures": [
                    "degrees",
                    "pagerank",
                    "component",
                    "strong_component",
                    "triangles",
                ],
            },
        ),
        Query(
            "trusted",
            sql="queries/trusted.sql",
            title="The twenty editors of the highest PageRank, and the votes they received",
        ),
        Query(
            "components",
            sql="queries/components.sql",
            title="How many editors the components have, weak and strong",
        ),
        Query(
            "circles",
            sql="queries/circles.sql",
            chart="bar",
            title="PageRank held within and outside the largest strong component",
            draw=["share_of_pagerank", "share_of_editors"],
            labels={"share_of_pagerank": "PageRank", "share_of_editors": "editors"},
        ),
    ],
)
