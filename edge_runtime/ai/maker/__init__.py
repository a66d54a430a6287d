"""How the demonstration model is made: made-up text, a tokenizer, a small Gemma 3, its bundle. Nothing here runs on a phone."""
