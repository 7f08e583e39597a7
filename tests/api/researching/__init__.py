"""Tasks that read companies' pages with a model."""
