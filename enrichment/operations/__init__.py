"""What the people who run the installation look at: health, figures, advice."""
