"""Where Django looks for an app's admin; it lives in `khronos/desk/admin/`."""

from khronos.desk import admin

__all__ = ["admin"]
