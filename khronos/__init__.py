"""Khronos: a gateway that loses nothing between people who write and whoever answers them."""

VERSION = "0.1.0"
