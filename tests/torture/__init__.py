"""Real processes, killed at random, over vendors that count what they are asked: `python -m tests.torture`."""
