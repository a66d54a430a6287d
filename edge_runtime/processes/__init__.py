"""Child processes that can be killed: how one is started, spoken to, bounded and ended."""
