"""The composition root: the only place where a reactor is imported."""
