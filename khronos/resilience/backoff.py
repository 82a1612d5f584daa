"""How long to wait after so many failures in a row: twice as long each time, up to a bound."""

DOUBLINGS_MAX = 30  # beyond any bound, and a number that a float still holds


def doubled(first_s: float, failures: int, most_s: float) -> float:
    """`first_s` after the first failure, which is number 0."""
    return min(first_s * 2.0 ** min(failures, DOUBLINGS_MAX), most_s)
