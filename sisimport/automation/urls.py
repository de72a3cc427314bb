"""Addresses of what works while nobody watches."""

from django.urls import path

from sisimport.automation import views

urlpatterns = [
    path("account/mail/", views.my_mail, name="my_mail"),
    path("webhooks/", views.webhooks, name="webhooks"),
    path("webhooks/<int:pk>/", views.webhook, name="webhook"),
    path("webhooks/<int:pk>/change/", views.change_webhook, name="change_webhook"),
    path("pick-up/", views.pick_up, name="pick_up"),
    path("pick-up/<int:pk>/", views.pick_up_place, name="pick_up_place"),
    path("pick-up/<int:pk>/change/", views.change_pick_up_place, name="change_pick_up_place"),
    path("deliveries/", views.deliveries, name="deliveries"),
    path("deliveries/<int:pk>/", views.delivery, name="delivery"),
    path("deliveries/<int:pk>/change/", views.change_delivery, name="change_delivery"),
]
