"""Khronos: a gateway that loses nothing between people who write and whoever answers them."""
