"""
Interfaces of the compiled hot path: a class that names a trait among its bases is called through a table, as in C++, not by name.

What is annotated with a Protocol costs a compiled module a look-up by name for each attribute and call; a trait a few instructions. Traits are
mypyc's: `trait` marks a class without a constructor, which others name as a base. For Python itself it does nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_extensions import trait
else:
    def trait(cls: type) -> type:
        """Mark a class as an interface for mypyc."""
        return cls

__all__ = ["trait"]
