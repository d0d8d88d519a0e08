"""Rules: who may say what, and what follows. No I/O, no clock, no locale."""
