"""Studies: many trainings of one recipe with braces in it, and which of them did best.

Knows what varies, what is allowed, in which order results count. Does not know how a search chooses
(Optuna is asked and told in `search` alone), nor where a trial runs (`gradbook.work.processes`).
"""
