"""Addresses of requests for SSIDs (CALPADS)."""

from django.urls import path

from ssid.requests import candidate_views, enrollment_views, views

urlpatterns = [
    path("ssid-requests/", views.index, name="senr_requests"),
    path("ssid-requests/check/", views.check, name="senr_check"),
    path("ssid-requests/make/", views.make, name="senr_make"),
    path("ssid-requests/enrollment-changes/", enrollment_views.changes, name="senr_changes"),
    path("ssid-requests/enrollment-changes/file/", enrollment_views.changes_file, name="senr_changes_file"),
    path("ssid-requests/<int:pk>/", views.detail, name="senr_request"),
    path("ssid-requests/<int:pk>/file/", views.download, name="senr_file"),
    path("runs/<int:run_id>/candidates/", candidate_views.candidates, name="run_candidates"),
    path("runs/<int:run_id>/candidates/choose/", candidate_views.choose_many, name="run_candidates_choose"),
]
