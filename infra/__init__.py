"""The CDK app's parts: one construct a file, the stacks that join them, and the zips."""
