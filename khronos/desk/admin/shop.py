"""The small shop that tools can work on: products, customers, orders."""

from django.contrib import admin

from khronos.desk.admin.base import KhronosAdmin
from khronos.models import Customer, Order, Product


@admin.register(Product)
class ProductAdmin(KhronosAdmin[Product]):
    list_display = ("sku", "name", "tenant", "price", "currency", "stock", "is_example")
    list_filter = ("is_example", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("sku", "name")
    ordering = ("tenant", "sku")
    fields = ("tenant", "sku", "name", "description", "price", "currency", "stock", "is_example")


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
