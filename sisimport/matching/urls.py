"""Addresses of the match desk."""

from django.urls import path

from sisimport.matching import views

urlpatterns = [
    path("match-desk/", views.index, name="match_desk"),
    path("match-desk/remembered/<int:match_id>/forget/", views.forget, name="match_forget"),
    path("runs/<int:run_id>/matches/", views.lines, name="run_matches"),
    path("runs/<int:run_id>/matches/accept/", views.accept_many, name="run_matches_accept"),
    path("runs/<int:run_id>/matches/<int:line>/", views.one_line, name="run_match_line"),
]
