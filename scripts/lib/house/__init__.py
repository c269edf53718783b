"""The house rules: what design and style ask for and a machine can check."""
