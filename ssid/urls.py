"""Addresses of the SSID pages."""

from django.urls import include, path

from ssid.collection import enrollment_views, families_views, family_account_views, paper_views, record_views
from ssid.collection import views as collection

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
    path("collection/enrollment/paper/", paper_views.blank_form, name="enrollment_blank"),
    path("collection/enrollment/<int:pk>/paper/", paper_views.student_form, name="enrollment_paper"),
    path("collection/enrollment/<int:pk>/", enrollment_views.enrollment, name="enrollment"),
    path("families/", families_views.families, name="families"),
    path("families/<int:pk>/letters/", families_views.letters, name="school_letters"),
    path("families/<int:pk>/renew/", families_views.renew, name="school_renew"),
    path("collection/family/<int:pk>/", family_account_views.family_accounts, name="family_accounts"),
]
