"""What the templates of families say in words."""

from django import template

from students.grades import grade_words

register = template.Library()
register.filter("grade_words", grade_words)
