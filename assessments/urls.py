"""Addresses of the score pages."""

from django.urls import path

from assessments import views

urlpatterns = [
    path("runs/<int:pk>/convert/", views.convert, name="convert_workbook"),
    path("runs/<int:pk>/converted/start/", views.start_converted, name="start_converted"),
]
