"""What the database looks like: every room's tables, in the order in which they came to be."""

from __future__ import annotations

from voxspark.memory import conversation_store, facts, list_store, note_store, timer_store

MIGRATIONS = (timer_store.SCHEMA, list_store.SCHEMA, note_store.SCHEMA, facts.SCHEMA, conversation_store.SCHEMA)
"""Append only: the number of a migration is its place."""
