"""Drafts of models and rules: recorded beside a document, and accepted or dismissed by a person."""
