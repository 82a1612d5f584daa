"""Users and groups, in the look of the rest."""

from django.contrib import admin
from django.contrib.auth import admin as auth
from django.contrib.auth.models import Group, User
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from khronos.desk.admin.base import Unfolded

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(auth.UserAdmin, Unfolded[User]):  # type: ignore[type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "first_name", "is_staff", "is_active", "last_login")


@admin.register(Group)
class GroupAdmin(auth.GroupAdmin, Unfolded[Group]):
    pass
