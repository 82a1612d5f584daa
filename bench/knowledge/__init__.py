"""How well passages are found, what that costs, and how the cost grows."""
