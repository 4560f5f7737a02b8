"""Studies: many trainings of one recipe with braces, and the best of them.

It knows what varies, what is allowed and in which order results count. It doesn't know how a search
chooses (only `search` uses Optuna), nor where a trial runs (`gradbook.work.processes`).
"""
