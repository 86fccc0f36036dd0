"""How each known refinement decides: one file a recipe."""
