"""The type of an answer to the question "what is wrong?"."""

from typing import TypeAlias

Problem: TypeAlias = str
"""What is wrong, in words for the report; the empty string means that nothing is."""
