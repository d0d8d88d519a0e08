"""Answers: one module a question, from a bundle and a policy alone."""
