"""What the assessments add to shared pages."""

from assessments.family import family_card
from sisimport.imports.panels import FAMILY, Panel, register_panel

register_panel(Panel(place=FAMILY, template="assessments/_family_scores.html", context=family_card, order=20))
