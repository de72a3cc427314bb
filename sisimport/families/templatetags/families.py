"""Template tags for the words on family pages."""

from django import template

from students.grades import grade_words

register = template.Library()
register.filter("grade_words", grade_words)
