"""CDK constructs, one per file, and the stacks that join them."""
