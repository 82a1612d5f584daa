"""The small shop that tools can work on: products, customers, orders."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from khronos.desk.admin.base import KhronosAdmin
from khronos.knowledge import catalogue, intake
from khronos.models import Customer, Order, Product


@admin.register(Product)
class ProductAdmin(KhronosAdmin[Product]):
    list_display = ("sku", "name", "tenant", "price", "currency", "stock", "is_example")
    list_filter = ("is_example", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("sku", "name")
    ordering = ("tenant", "sku")
    fields = ("tenant", "sku", "name", "description", "price", "currency", "stock", "is_example")

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        """It is embedded anew. One with another number, or of another tenant, is another one."""
        if {"sku", "tenant"} & form.initial.keys() & set(form.changed_data):
            catalogue.forget(Product(tenant_id=form.initial["tenant"], sku=form.initial["sku"]))
        super().save_model(request, obj, form, change)
        transaction.on_commit(partial(intake.ring, catalogue.keep(obj)))

    def delete_model(self, request: HttpRequest, obj: Product) -> None:
        catalogue.forget(obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        for product in queryset:
            catalogue.forget(product)
        super().delete_queryset(request, queryset)


@admin.register(Customer)
class CustomerAdmin(KhronosAdmin[Customer]):
    list_display = ("name", "tenant", "email", "phone", "is_example")
    list_filter = ("is_example", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("name", "email")
    ordering = ("-pk",)
    raw_id_fields = ("contact",)
    fields = ("tenant", "contact", "name", "email", "phone", "address", "is_example")


@admin.register(Order)
class OrderAdmin(KhronosAdmin[Order]):
    list_display = ("id", "customer", "tenant", "state", "tracking", "created_at", "is_example")
    list_filter = ("state", "is_example", "tenant")
    list_select_related = ("tenant", "customer")
    search_fields = ("customer__name", "tracking")
    ordering = ("-pk",)
    raw_id_fields = ("customer",)
    fields = ("tenant", "customer", "state", "tracking", "is_example")
