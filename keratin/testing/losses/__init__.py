"""The rows of losses."""
