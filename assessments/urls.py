"""Addresses of score pages."""

from django.urls import path

from assessments.pages.setup_article import setup_article

urlpatterns = [path("help/test-set-ups/", setup_article, name="setup_article")]
