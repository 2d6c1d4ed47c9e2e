"""The study of a bandit's log: what a policy would have earned that was not the one that ran."""
