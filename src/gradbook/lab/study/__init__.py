"""Studies: many trainings of one recipe with braces in it, and which of them did best.

Knows what varies, what is allowed, in which order results count. Optuna is asked and told in
`search` alone; where a trial runs is the business of `gradbook.workers`.
"""
