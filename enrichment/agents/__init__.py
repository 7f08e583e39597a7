"""What agents reach over the Model Context Protocol: the same records, runs and limits that people have."""
