"""The CDK app's parts: one construct a file, the two stacks that join them, and the zips."""
