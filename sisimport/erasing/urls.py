"""Addresses of erasing."""

from django.urls import path

from sisimport.erasing import off_record_views, views

urlpatterns = [
    path("students/<int:pk>/erase/", views.erase, name="erase_student"),
    path("erasures/off-record/", off_record_views.erase_off_record, name="erase_off_record"),
    path("erasures/", views.erasures, name="erasures"),
]
