"""PageRank, in as many steps as rounds.

    python examples/mapreduce/pagerank.py --rounds 30 EDGES…

Input: ``from`` and ``to`` on each line, white space between; lines that begin with # are passed
over, an edge that is there twice counts twice. Gives each node's rank; they add up to 1.

A node without outgoing edges hands its rank to all nodes alike, as networkx has it, so every
node gets the same from them, b, and r = b + damping * (what arrives along edges). All r are then
multiples of the y of y = 1 + damping * (what arrives), which needs to know nothing of the other
nodes: the rounds seek y, and the last step divides by the sum. There is no combiner: it would
add in parts, and the last digits would depend on how the input was split; fsum does not.
"""

import math

from mrjob.job import MRJob
from mrjob.step import MRStep


class MRPageRank(MRJob):
    """Nodes send what they have along their edges, and add up what arrives."""

    def configure_args(self):
        """Take the damping and the rounds."""
        super().configure_args()
        self.add_passthru_arg("--damping", type=float, default=0.85)
        self.add_passthru_arg("--rounds", type=int, default=30)

    def steps(self):
        """Read, go round, divide."""
        one_round = MRStep(mapper=self.mapper_send, reducer=self.reducer_arrive)
        return [
            MRStep(mapper=self.mapper_edges, reducer=self.reducer_nodes),
            *[one_round] * self.options.rounds,
            MRStep(mapper=self.mapper_to_one, reducer=self.reducer_divide),
        ]

    def mapper_edges(self, _, line):
        """Give both ends of an edge: a node that nobody links from is one too."""
        if line.strip() and not line.startswith("#"):
            source, target = line.split()
            yield source, target
            yield target, None

    def reducer_nodes(self, node, targets):
        """A node begins with 1."""
        yield node, (1.0, sorted(target for target in targets if target is not None))

    def mapper_send(self, node, state):
        """Send a share along each edge, and the edges to the node itself."""
        y, targets = state
        yield node, targets
        for target in targets:
            yield target, y / len(targets)

    def reducer_arrive(self, node, values):
        """Add up what arrives."""
        targets, shares = [], []
        for value in values:
            if isinstance(value, list):
                targets = value
            else:
                shares.append(value)
        yield node, (1 + self.options.damping * math.fsum(shares), targets)

    def mapper_to_one(self, node, state):
        """All to one reducer: the sum is everybody's."""
        yield None, (node, state[0])

    def reducer_divide(self, _, nodes):
        """Let the ranks add up to 1."""
        nodes = sorted(nodes)
        total = math.fsum(y for _, y in nodes)
        for node, y in nodes:
            yield node, y / total


if __name__ == "__main__":
    MRPageRank.run()
