"""The whole house on one corpus: the State of the Union, asked of every engine there is."""
