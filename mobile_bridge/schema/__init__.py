"""The contract as data: one table of typed commands, and the digest by which two sides know that theirs is the same."""
