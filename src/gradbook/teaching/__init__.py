"""The files that a teacher hands out and gets back: quizzes for platforms, a class's folder.

It knows platforms and their files, but not options, nor how derivatives and marks are computed.
"""
