"""Clinical documents: their layout, the rules that derive their state, and the reviews that rules cannot decide."""
