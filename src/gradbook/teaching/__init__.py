"""What a teacher hands out and gets back: quizzes for a learning platform, a class's folder.

Knows platforms and their files; it doesn't know options, nor how derivatives and marks come about.
"""
