"""A small shop: catalogue, customers, orders. Reference tables for tools that work on one's own data."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from khronos.models.contact import Contact
from khronos.models.tenant import Tenant


class Product(models.Model):
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="products", verbose_name=_("tenant"))
    sku = models.CharField(_("article number"), max_length=40)
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, default="BRL")
    stock = models.PositiveIntegerField(_("in stock"), default=0)
    is_example = models.BooleanField(_("example"), default=False)

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        constraints = [models.UniqueConstraint(fields=["tenant", "sku"], name="sku_once_per_tenant")]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"


class Customer(models.Model):
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="customers", verbose_name=_("tenant"))
    contact = models.OneToOneField(
        Contact,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="customer",
        verbose_name=_("contact"),
        help_text=_("Who may ask for what is kept here."),
    )
    name = models.CharField(_("name"), max_length=300)
    email = models.CharField(_("e-mail"), max_length=200, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    address = models.CharField(_("postal address"), max_length=300, blank=True)
    is_example = models.BooleanField(_("example"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    class State(models.TextChoices):
        PLACED = "placed", _("placed")
        SHIPPED = "shipped", _("shipped")
        DELIVERED = "delivered", _("delivered")
        CANCELLED = "cancelled", _("cancelled")

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="orders", verbose_name=_("tenant"))
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders", verbose_name=_("customer"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PLACED)
    tracking = models.CharField(_("tracking number"), max_length=60, blank=True)
    is_example = models.BooleanField(_("example"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")

    def __str__(self) -> str:
        return f"{self.pk}"


class OrderLine(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines", verbose_name=_("order"))
    product = models.ForeignKey(Product, models.PROTECT, related_name="+", verbose_name=_("product"))
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=2)

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product}"
