"""What a model is asked for: versioned prompts, the form of each answer, and what is done with it afterwards."""
