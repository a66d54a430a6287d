"""Charts and signed notes as pages: one form in between, and from it HTML and PDF."""
