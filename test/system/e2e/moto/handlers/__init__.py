"""The resource types, by purpose. Importing a module defines its types."""

from . import access, delivery, functions, messaging, operations, query, storage

__all__ = [
    "access",
    "delivery",
    "functions",
    "messaging",
    "operations",
    "query",
    "storage",
]
