"""What scripts/test and scripts/bench are made of."""
