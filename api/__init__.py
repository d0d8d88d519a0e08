"""The outside: machine interfaces and pages."""
