"""Addresses of exports."""

from django.urls import path

from sisimport.reporting import pages

urlpatterns = [path("exports/", pages.exports, name="exports")]
