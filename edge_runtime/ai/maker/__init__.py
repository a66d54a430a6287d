"""How the demonstration model is made: made-up text, tokenizer, a small Gemma 3, its bundle. No phone runs this."""
