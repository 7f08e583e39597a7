"""Addresses below /reconcile; each also stands below /reconcile/<key>, for clients that send no headers."""

from django.urls import re_path

from crm.reconcile import views

_KEY = r"^(?:/(?P<key>[A-Za-z0-9]+\.[A-Za-z0-9]+))?"

urlpatterns = [
    re_path(rf"{_KEY}/?$", views.Service.as_view(), name="reconcile"),
    re_path(rf"{_KEY}/suggest/(?P<what>entity|property|type)$", views.Suggest.as_view()),
    re_path(rf"{_KEY}/properties$", views.Properties.as_view()),
    re_path(rf"{_KEY}/preview$", views.Preview.as_view()),
    re_path(rf"{_KEY}/view/(?P<entity>[a-z]+-[0-9]+)$", views.view),
    re_path(rf"{_KEY}/", views.nowhere),
]
