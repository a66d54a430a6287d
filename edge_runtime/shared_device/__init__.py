"""Several people on one device: each with a home of their own, one of them in front, the others locked or away."""
