"""A method that kills its own process after so many dense layers, as a file of rules: `FILE.py:dying`."""

DYING = """
import os, signal
from dataclasses import replace
from pathlib import Path
from torch_backend import methods

LEFT = Path(__file__).with_name("left")

def killed(op, x, y):
    if LEFT.exists():
        left = int(LEFT.read_text()) - 1
        LEFT.write_text(str(left))
        if left == 0:
            LEFT.unlink()
            os.kill(os.getpid(), getattr(signal, "SIGKILL"))
    return methods.z_plus.dense(op, x, y)

dying = replace(methods.z_plus, name="dying", dense=killed, convolution=killed)
"""
