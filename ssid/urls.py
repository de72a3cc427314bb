"""Addresses of the SSID pages."""

from django.urls import include, path

from ssid.collection import enrollment_views, family_account_views, record_views
from ssid.collection import views as collection
from ssid.matching import candidate_views, desk_views

urlpatterns = [
    path("", include("ssid.utah.urls")),
    path("", include("ssid.requests.urls")),
    path("", include("ssid.el_differences.urls")),
    path("collection/", collection.overview, name="collection"),
    path("collection/policy/", collection.policy, name="collection_policy"),
    path("collection/list/<int:pk>/", collection.school_list, name="school_list"),
    path("collection/record/", record_views.find, name="record_find"),
    path("collection/record/next/", record_views.next_missing, name="record_next"),
    path("collection/record/<int:pk>/", record_views.record, name="record"),
    path("collection/enrollment/", enrollment_views.enrollments, name="enrollments"),
    path("collection/enrollment/<int:pk>/", enrollment_views.enrollment, name="enrollment"),
    path("collection/family/<int:pk>/", family_account_views.family_accounts, name="family_accounts"),
    path("match-desk/", desk_views.index, name="match_desk"),
    path("match-desk/remembered/<int:match_id>/forget/", desk_views.forget, name="match_forget"),
    path("runs/<int:run_id>/matches/", desk_views.lines, name="run_matches"),
    path("runs/<int:run_id>/matches/accept/", desk_views.accept_many, name="run_matches_accept"),
    path("runs/<int:run_id>/matches/<int:line>/", desk_views.one_line, name="run_match_line"),
    path("runs/<int:run_id>/candidates/", candidate_views.candidates, name="run_candidates"),
    path("runs/<int:run_id>/candidates/choose/", candidate_views.choose_many, name="run_candidates_choose"),
]
