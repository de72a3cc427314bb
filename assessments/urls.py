"""Addresses of score pages, and of the pages on which import admins add a year."""

from django.urls import path

from assessments.pages import english_learners_views as learners
from assessments.pages import new_year_views, results_views, showing_views
from assessments.pages.group_report_views import group_report
from assessments.pages.setup_article import setup_article

urlpatterns = [
    path("results/", results_views.results, name="results"),
    path("results/csv/", results_views.results_file, {"form": "csv"}, name="results_csv"),
    path("results/xlsx/", results_views.results_file, {"form": "xlsx"}, name="results_xlsx"),
    path("english-learners/", learners.english_learners, name="english_learners"),
    path("english-learners/students/", learners.students, name="english_learner_students"),
    path("english-learners/csv/", learners.english_learners_file, {"form": "csv"}, name="english_learners_csv"),
    path("english-learners/xlsx/", learners.english_learners_file, {"form": "xlsx"}, name="english_learners_xlsx"),
    path("group-report/", group_report, name="group_report"),
    path("shown-to-families/", showing_views.index, name="shown_results"),
    path("shown-to-families/<slug:tests>/<int:year>/", showing_views.preview, name="shown_results_preview"),
    path("help/test-set-ups/", setup_article, name="setup_article"),
    path("added-years/", new_year_views.index, name="added_layouts"),
    path("added-years/<int:pk>/", new_year_views.answer, name="added_layout"),
    path("added-years/<int:pk>/remove/", new_year_views.remove, name="added_layout_remove"),
]
