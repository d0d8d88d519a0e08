"""What people read; `api.kinds` serves the examples of rules.md with the schemas."""
